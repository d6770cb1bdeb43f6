//! What the tests of webhooks do again and again.

use std::{
    collections::{BTreeSet, HashSet},
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
};

use datamp_tests::{
    case::Database,
    component::{built, repository},
    host::{Host, Settings},
    http::Outgoing,
    receiver::{Reaction, Received, Receiver},
    shop::{COMPONENTS, Shop, text},
    wait::until,
};
use serde_json::{Value, json};

/// Where endpoints are.
pub(super) const PATH: &str = "/core/v1/webhook-endpoints";

/// Why an attempt failed that the receiver, or the machine, was too slow for.
pub(super) const TOO_LATE: &str = "no answer came in time";

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

/// The events that a receiver was told of.
pub(super) fn ids(receiver: &Receiver) -> BTreeSet<String> {
    receiver.received().iter().map(|received| received.header("webhook-id").to_owned()).collect()
}

/// Waits until so many events have come, and answers the first request with the last of them: each may come again.
pub(super) async fn nth_event(receiver: &Receiver, number: usize) -> Received {
    until(&format!("event {number} at {}", receiver.address), || async {
        let mut known = HashSet::new();
        let mut first = receiver.received().into_iter().filter(|r| known.insert(r.header("webhook-id").to_owned()));
        first.nth(number - 1)
    })
    .await
}

/// Waits until one event has come so many times, and answers the last of these requests.
pub(super) async fn nth_of(receiver: &Receiver, id: &str, number: usize) -> Received {
    until(&format!("request {number} with {id}"), || async {
        receiver.received().into_iter().filter(|received| received.header("webhook-id") == id).nth(number - 1)
    })
    .await
}

/// Makes something happen that is answered so, and answers its delivery after that. Where the machine was too slow for the answer, it
/// is lost, and something else has to happen.
pub(super) async fn answered(
    host: &Host,
    shop: &Shop,
    endpoint: &Value,
    receiver: &Receiver,
    reaction: Reaction,
    happen: impl AsyncFn(usize),
) -> Value {
    let Reaction::Answer(status, ..) = reaction else { panic!("that is no answer") };
    for round in 0..5 {
        let known = ids(receiver).len();
        receiver.react([reaction.clone()]);
        happen(round).await;
        let id = nth_event(receiver, known + 1).await.header("webhook-id").to_owned();
        let statuses = until("an answer is written down", || async {
            let delivery = delivery(host, shop, endpoint, &id).await;
            let attempts = delivery["latest_attempts"].as_array().unwrap();
            let statuses: Vec<_> = attempts.iter().filter_map(|attempt| attempt["status_code"].as_u64()).collect();
            (!statuses.is_empty()).then_some(statuses)
        })
        .await;
        if statuses.contains(&status.into()) {
            return delivery(host, shop, endpoint, &id).await;
        }
    }
    panic!("the answer {status} is lost each time");
}

/// The same with a failure, once the next attempt at it is received.
pub(super) async fn recovered(
    host: &Host,
    shop: &Shop,
    endpoint: &Value,
    receiver: &Receiver,
    reaction: Reaction,
    happen: impl AsyncFn(usize),
) -> Value {
    for round in 0..5 {
        let again = async |inner| happen(round * 10 + inner).await;
        let id = text(&answered(host, shop, endpoint, receiver, reaction.clone(), again).await["id"]);
        let delivery = until("it is tried again", || async {
            let delivery = delivery(host, shop, endpoint, &id).await;
            let attempts = delivery["latest_attempts"].as_array().unwrap();
            let failures = attempts.iter().filter(|attempt| attempt["error"].is_string()).count();
            (delivery["status"] == "delivered" || failures > 1).then_some(delivery)
        })
        .await;
        // After a second failure it waits for minutes.
        if delivery["attempts"] == 2 && delivery["status"] == "delivered" {
            return delivery;
        }
    }
    panic!("it fails again each time");
}

/// How a delivery's attempts were answered, the latest first. An answer that came too late is none.
pub(super) fn answers(delivery: &Value) -> Vec<u64> {
    let attempts = delivery["latest_attempts"].as_array().unwrap();
    assert_eq!(delivery["attempts"], attempts.len());
    let in_time = attempts.iter().filter(|attempt| attempt["error"] != TOO_LATE);
    in_time.map(|attempt| attempt["status_code"].as_u64().unwrap_or_else(|| panic!("{attempt}"))).collect()
}

/// Asserts that a delivery was received once, and answers how many attempts that took: nothing but a machine that was too slow for an
/// answer is a reason for more than one.
pub(super) fn assert_once(delivered: &Value) -> usize {
    assert_eq!(answers(delivered), [204]);
    let attempts = delivered["latest_attempts"].as_array().unwrap();
    assert_eq!((&attempts[0]["number"], &attempts[0]["error"]), (&json!(attempts.len()), &Value::Null));
    attempts.len()
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
