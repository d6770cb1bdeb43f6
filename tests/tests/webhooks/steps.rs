//! What the tests of webhooks do again and again.

use std::{
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use datamp_tests::{
    case::Database,
    component::{built, repository},
    host::{Host, Settings},
    http::Outgoing,
    receiver::Received,
    shop::{COMPONENTS, Shop, text},
    wait::until,
};
use serde_json::{Value, json};

/// Where endpoints are.
pub(super) const PATH: &str = "/core/v1/webhook-endpoints";

/// The components, with another file in core's place if there is one, on a host that lets them call 127.0.0.1.
pub(super) async fn platform(database: Database, core: Option<PathBuf>) -> Host {
    let mut settings = Settings::new(database).argument("--allow-private-network=127.0.0.1");
    for name in COMPONENTS {
        let file = core.clone().filter(|_| name == "core");
        settings = settings.component(file.unwrap_or_else(|| built(&format!("datamp_{name}"))));
    }
    let host = settings.start().await;
    to_loopback(host, "true").await
}

/// Sets the setting, which counts from the next activation on.
pub(super) async fn to_loopback(host: Host, value: &str) -> Host {
    let set = host.command(&["set", "core", "webhooks-to-loopback", value]);
    assert!(set.succeeded, "{set:?}");
    host.stop().await.start().await
}

pub(super) async fn shop(host: &Host) -> Shop {
    Shop::with_balance(host, "anna@example.com", 150_000).await
}

/// Creates an endpoint, and answers it with its secret.
pub(super) async fn endpoint(host: &Host, shop: &Shop, key: &str, body: &Value) -> Value {
    let created = host.send(shop.post(PATH, key, body)).await.expect(201);
    let endpoint = created.json();
    assert_eq!(created.header("location"), Some(at(&endpoint, "").as_str()));
    assert_eq!(created.header("cache-control"), Some("no-store"));
    assert!(text(&endpoint["secret"]).starts_with("whsec_"), "{endpoint}");
    endpoint
}

pub(super) fn at(endpoint: &Value, below: &str) -> String {
    format!("{PATH}/{}{below}", text(&endpoint["id"]))
}

pub(super) async fn read(host: &Host, shop: &Shop, path: &str) -> Value {
    host.send(shop.get(path)).await.expect(200).json()
}

pub(super) async fn delivery(host: &Host, shop: &Shop, endpoint: &Value, id: &str) -> Value {
    read(host, shop, &at(endpoint, &format!("/deliveries/{id}"))).await
}

/// Waits until a delivery stands so, and answers it.
pub(super) async fn until_status(host: &Host, shop: &Shop, endpoint: &Value, id: &str, status: &str) -> Value {
    until(&format!("the delivery is {status}"), || async {
        let delivery = delivery(host, shop, endpoint, id).await;
        (delivery["status"] == status).then_some(delivery)
    })
    .await
}

pub(super) async fn test(host: &Host, shop: &Shop, endpoint: &Value, key: &str) -> Value {
    let answer = host.send(shop.post(&at(endpoint, "/test"), key, &json!({}))).await.expect(201);
    let delivery = answer.json();
    assert_eq!((&delivery["type"], &delivery["status"]), (&json!("endpoint.test"), &json!("pending")));
    delivery
}

pub(super) fn patch(shop: &Shop, path: &str, body: &Value) -> Outgoing {
    Outgoing::new("PATCH", path).bearer(&shop.key).header("content-type", "application/json").body(body.to_string())
}

/// What the reference library of Standard Webhooks says of requests, each with a secret.
pub(super) fn verified(requests: &[(&Value, &Value, &str)]) -> Vec<bool> {
    let mut node = Command::new("node")
        .arg("verify.js")
        .current_dir(repository().join("tests/webhooks"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = node.stdin.take().unwrap();
    for (secret, headers, body) in requests {
        writeln!(stdin, "{}", json!({"secret": secret, "headers": headers, "body": body})).unwrap();
    }
    drop(stdin);
    let output = node.wait_with_output().unwrap();
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "is the library installed? {}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<_> = words.lines().map(|word| word == "verified").collect();
    assert_eq!(answers.len(), requests.len(), "{words}");
    answers
}

pub(super) fn is_verified(secret: &Value, received: &Received) -> bool {
    verified(&[(secret, &received.headers_json(), std::str::from_utf8(&received.body).unwrap())])[0]
}
