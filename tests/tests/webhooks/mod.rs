//! Webhooks, end to end: from what happened to the shop's own system, which fails, is slow, and goes away.

mod operator;
mod steps;

use std::{fs, time::Duration};

use datamp_tests::{
    case::Database,
    component::built,
    http::Outgoing,
    receiver::{Reaction, Receiver, status},
    shop::{Owner, callback, text},
    wait::until,
};
use serde_json::{Value, json};

use self::steps::{
    PATH, TOO_LATE, answered, answers, assert_once, at, delivery, endpoint, ids, is_verified, nth_event, nth_of, patch,
    platform, read, recovered, shop, test, to_loopback, until_status, verified,
};

on_both! {
    what_happened_is_sent_signed_to_who_wants_it as what_happened_is_sent_signed_to_who_wants_it_on_sqlite,
        what_happened_is_sent_signed_to_who_wants_it_on_postgresql;
    what_failed_is_tried_again as what_failed_is_tried_again_on_sqlite,
        what_failed_is_tried_again_on_postgresql;
    who_is_gone_is_left_alone_until_the_shop_says_otherwise as who_is_gone_is_left_alone_until_the_shop_says_otherwise_on_sqlite,
        who_is_gone_is_left_alone_until_the_shop_says_otherwise_on_postgresql;
    both_secrets_sign_while_one_replaces_the_other as both_secrets_sign_while_one_replaces_the_other_on_sqlite,
        both_secrets_sign_while_one_replaces_the_other_on_postgresql;
    a_host_that_is_killed_loses_no_webhook_and_a_slow_endpoint_holds_up_no_other as a_host_that_is_killed_loses_no_webhook_and_a_slow_endpoint_holds_up_no_other_on_sqlite,
        a_host_that_is_killed_loses_no_webhook_and_a_slow_endpoint_holds_up_no_other_on_postgresql;
    old_events_go_and_what_was_left_lying_is_sent as old_events_go_and_what_was_left_lying_is_sent_on_sqlite,
        old_events_go_and_what_was_left_lying_is_sent_on_postgresql;
}

async fn what_happened_is_sent_signed_to_who_wants_it(database: Database) {
    let host = platform(database, None).await;
    let shop = shop(&host).await;
    let (all, some) = (Receiver::start().await, Receiver::start().await);
    let asked = json!({"url": all.url(), "description": "The accounts"});
    let to_all = endpoint(&host, &shop, "endpoint-1", &asked).await;
    let wanted = json!({"url": some.url(), "event_types": ["top-up.failed", "top-up.succeeded"]});
    let to_some = endpoint(&host, &shop, "endpoint-2", &wanted).await;

    // The secret is told once.
    let replayed = host.send(shop.post(PATH, "endpoint-1", &asked)).await.expect(201);
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    assert_eq!((&replayed.json()["id"], &replayed.json()["secret"]), (&to_all["id"], &Value::Null));
    let listed = read(&host, &shop, PATH).await;
    assert_eq!((listed["data"].as_array().unwrap().len(), &listed["data"][0]["id"]), (2, &to_some["id"]));
    assert!(!listed.to_string().contains("whsec_"));
    assert_eq!(read(&host, &shop, &at(&to_all, "")).await["event_types"], Value::Null);

    // A payment is told of as the API answers it; one that is refused is not.
    shop.pay(&host, "order-0", 150_001).await.expect(402);
    let paid = shop.pay(&host, "order-1", 49_900).await.expect(201).json();
    let told = nth_event(&all, 1).await;
    let body = told.json();
    assert_eq!((&body["type"], &body["data"]), (&json!("payment.succeeded"), &paid));
    assert_eq!(body["timestamp"], paid["created_at"]);
    assert_eq!(told.target, "/webhooks?from=datamp");
    assert_eq!(told.header("content-type"), "application/json");
    assert!(told.header("user-agent").starts_with("DataMP-Webhooks/"));
    let id = told.header("webhook-id").to_owned();
    let delivered = until_status(&host, &shop, &to_all, &id, "delivered").await;
    let mut to_all_at_most = assert_once(&delivered);
    assert_eq!(delivered["payload"], body);
    assert!(delivered["latest_attempts"][0]["duration_ms"].is_i64() && delivered["finished_at"].is_string());

    // The reference library takes it, and nothing that was changed.
    let (headers, sent) = (told.headers_json(), String::from_utf8(told.body.to_vec()).unwrap());
    let (mut other_id, mut later) = (headers.clone(), headers.clone());
    other_id["webhook-id"] = json!("evt_01h455vb4pex5vsknk084sn02q");
    let time: i64 = text(&headers["webhook-timestamp"]).parse().unwrap();
    later["webhook-timestamp"] = json!((time + 1).to_string());
    let forged = sent.replace("49900", "49901");
    let secret = &to_all["secret"];
    assert_eq!(
        verified(&[
            (secret, &headers, &sent),
            (secret, &headers, &forged),
            (secret, &other_id, &sent),
            (secret, &later, &sent),
            (&to_some["secret"], &headers, &sent),
        ]),
        [true, false, false, false, false]
    );

    // Who wants other types is told of those alone.
    let top_up = shop.top_up(&host, "top-up-2", 700).await.expect(201).json();
    let sandbox = host.control.secret("sandbox-payments", "sandbox-callback").await;
    host.send(callback(&sandbox, "evt_2", &top_up)).await.expect(200);
    host.send(callback(&sandbox, "evt_2", &top_up)).await.expect(200);
    let credited = read(&host, &shop, &format!("/core/v1/top-ups/{}", text(&top_up["id"]))).await;
    for told in [nth_event(&all, 2).await, nth_event(&some, 1).await] {
        assert_eq!((&told.json()["type"], &told.json()["data"]), (&json!("top-up.succeeded"), &credited));
    }
    let id = nth_event(&some, 1).await.header("webhook-id").to_owned();
    assert_eq!(nth_event(&all, 2).await.header("webhook-id"), id, "it is one event");
    let mut to_some_at_most = assert_once(&until_status(&host, &shop, &to_some, &id, "delivered").await);
    to_all_at_most += assert_once(&until_status(&host, &shop, &to_all, &id, "delivered").await);
    let deliveries = read(&host, &shop, &at(&to_some, "/deliveries")).await;
    assert_eq!((deliveries["data"].as_array().unwrap().len(), &deliveries["data"][0]["id"]), (1, &json!(id)));
    let page = read(&host, &shop, &at(&to_all, "/deliveries?limit=1&status=delivered")).await;
    assert_eq!((&page["data"][0]["type"], &page["has_more"]), (&json!("top-up.succeeded"), &json!(true)));
    let next = at(&to_all, &format!("/deliveries?limit=1&status=delivered&starting_after={}", text(&page["next"])));
    assert_eq!(read(&host, &shop, &next).await["data"][0]["type"], "payment.succeeded");
    assert_eq!(read(&host, &shop, &at(&to_all, "/deliveries?status=dead")).await["data"], json!([]));

    // Nobody else sees any of it, and once it is deleted, nor does the shop.
    let stranger = Owner::register(&host, "boris@example.com").await.create_shop(&host, "Coffee").await;
    for below in ["", "/deliveries", &format!("/deliveries/{id}")] {
        host.send(stranger.get(&at(&to_all, below))).await.expect_problem(404, "not-found");
    }
    let replay = at(&to_all, &format!("/deliveries/{id}/replay"));
    host.send(stranger.post(&replay, "mine", &json!({}))).await.expect_problem(404, "not-found");
    let delete = |endpoint: &Value| Outgoing::new("DELETE", &at(endpoint, "")).bearer(&shop.key);
    host.send(delete(&to_all)).await.expect(204);
    host.send(delete(&to_all)).await.expect_problem(404, "not-found");
    host.send(shop.get(&at(&to_all, ""))).await.expect_problem(404, "not-found");
    shop.pay(&host, "order-2", 100).await.expect(201);
    let last = test(&host, &shop, &to_some, "test-1").await;
    to_some_at_most += assert_once(&until_status(&host, &shop, &to_some, &text(&last["id"]), "delivered").await);
    assert_eq!((ids(&all).len(), ids(&some).len()), (2, 2), "nothing else");
    assert!(all.received().len() <= to_all_at_most && some.received().len() <= to_some_at_most, "each once");
    assert_eq!(nth_event(&some, 2).await.json()["data"], json!({"endpoint_id": to_some["id"]}));
}

async fn what_failed_is_tried_again(database: Database) {
    let host = platform(database, None).await;
    let shop = shop(&host).await;
    let receiver = Receiver::start().await;
    let endpoint = endpoint(&host, &shop, "endpoint-1", &json!({"url": receiver.url()})).await;
    let reaction = Reaction::Answer(500, vec![], "é".repeat(1000));
    let delivered = recovered(&host, &shop, &endpoint, &receiver, reaction, async |round| {
        shop.pay(&host, &format!("order-{round}"), 100).await.expect(201);
    })
    .await;
    let id = text(&delivered["id"]);
    let (first, second) = (nth_of(&receiver, &id, 1).await, nth_of(&receiver, &id, 2).await);
    assert!(second.at - first.at > Duration::from_secs(3), "some five seconds later");
    assert_eq!((second.header("webhook-id"), &second.body), (id.as_str(), &first.body));
    assert!(is_verified(&endpoint["secret"], &second), "with a time and a signature of its own");
    assert_eq!((&delivered["attempts"], answers(&delivered)), (&json!(2), vec![204, 500]));
    let failure = &delivered["latest_attempts"][1];
    assert!(failure["error"].is_string());
    let body = text(&failure["response_body"]);
    assert!(body.len() <= 1024 && body.len() > 1000 && body.starts_with("éé"), "{body}");
    assert_eq!(read(&host, &shop, &at(&endpoint, "")).await["failing_since"], Value::Null);

    // A redirect is a failure, and who is busy says for how long.
    let reaction = Reaction::Answer(302, vec![("location", "/elsewhere")], String::new());
    let redirected = recovered(&host, &shop, &endpoint, &receiver, reaction, async |round| {
        test(&host, &shop, &endpoint, &format!("redirected-{round}")).await;
    })
    .await;
    let error = text(&redirected["latest_attempts"][1]["error"]);
    assert!(error.contains("302") && error.contains("redirects are not followed"), "{error}");
    assert!(receiver.received().iter().all(|received| received.target != "/elsewhere"));
    let reaction = Reaction::Answer(429, vec![("retry-after", "1800")], String::new());
    let waiting = answered(&host, &shop, &endpoint, &receiver, reaction, async |round| {
        test(&host, &shop, &endpoint, &format!("busy-{round}")).await;
    })
    .await;
    let statement = "SELECT COUNT(*) FROM webhook_delivery AS d JOIN webhook_endpoint AS e ON e.id = d.endpoint_id \
                     WHERE d.status = 'pending' AND d.next_attempt_at - d.created_at BETWEEN 1790000000 AND 1900000000 \
                     AND e.paused_until = d.next_attempt_at";
    until("it waits for half an hour", || async {
        (host.storage().number(host.data(), statement).await == 1).then_some(())
    })
    .await;
    assert_eq!((&waiting["status"], answers(&waiting)), (&json!("pending"), vec![429]));
    assert!(waiting["latest_attempts"][0]["error"].is_string() && waiting["next_attempt_at"].is_string());
    let waiting = text(&waiting["id"]);
    let replay = at(&endpoint, &format!("/deliveries/{waiting}/replay"));
    host.send(shop.post(&replay, "r", &json!({}))).await.expect_problem(409, "webhook-delivery-pending");
    assert!(read(&host, &shop, &at(&endpoint, "")).await["failing_since"].is_string());

    // Where everything failed for days, the endpoint is disabled, and what was on its way is dead.
    let aged = "UPDATE webhook_endpoint SET failing_since = failing_since - 432000000000";
    assert_eq!(host.storage().change(host.data(), aged, &[]).await, 1);
    receiver.react([status(500)]);
    let last = text(&test(&host, &shop, &endpoint, "test-3").await["id"]);
    let dead = until_status(&host, &shop, &endpoint, &last, "dead").await;
    assert_eq!(dead["dead_because"], "endpoint-disabled");
    let disabled = read(&host, &shop, &at(&endpoint, "")).await;
    assert_eq!((&disabled["status"], &disabled["disabled_because"]), (&json!("disabled"), &json!("failing")));
    assert!(host.control.logs("core").await.contains("a webhook endpoint was disabled: failing"));
    until_status(&host, &shop, &endpoint, &waiting, "dead").await;
    assert_eq!(read(&host, &shop, &at(&endpoint, "/deliveries?status=pending")).await["data"], json!([]));
    operator::helps(&host, &shop, &endpoint, [&last, &waiting]).await;
}

async fn who_is_gone_is_left_alone_until_the_shop_says_otherwise(database: Database) {
    let host = platform(database, None).await;
    let shop = shop(&host).await;
    let receiver = Receiver::start().await;
    let endpoint = endpoint(&host, &shop, "endpoint-1", &json!({"url": receiver.url()})).await;
    let refused = answered(&host, &shop, &endpoint, &receiver, status(410), async |round| {
        shop.pay(&host, &format!("order-1-{round}"), 100).await.expect(201);
    })
    .await;
    let id = text(&refused["id"]);
    let dead = until_status(&host, &shop, &endpoint, &id, "dead").await;
    assert_eq!((&dead["dead_because"], answers(&dead)), (&json!("gone"), vec![410]));
    let gone = read(&host, &shop, &at(&endpoint, "")).await;
    assert_eq!((&gone["status"], &gone["disabled_because"]), (&json!("disabled"), &json!("gone")));

    // Nothing is recorded for it.
    let events = async || host.storage().number(host.data(), "SELECT COUNT(*) FROM webhook_event").await;
    let before = events().await;
    shop.pay(&host, "order-2", 100).await.expect(201);
    assert_eq!(events().await, before);
    let replay = at(&endpoint, &format!("/deliveries/{id}/replay"));
    for path in [&replay, &at(&endpoint, "/test")] {
        let refused = host.send(shop.post(path, &format!("to {path}"), &json!({}))).await;
        refused.expect_problem(409, "webhook-endpoint-disabled");
    }

    let enabled = host.send(patch(&shop, &at(&endpoint, ""), &json!({"status": "enabled"}))).await.expect(200).json();
    assert_eq!((&enabled["status"], &enabled["disabled_because"]), (&json!("enabled"), &Value::Null));
    let accepted = host.send(shop.post(&replay, "replay-1", &json!({}))).await.expect(202);
    assert_eq!(accepted.json()["status"], "pending");
    assert_eq!(nth_of(&receiver, &id, 2).await.body, nth_of(&receiver, &id, 1).await.body);
    until_status(&host, &shop, &endpoint, &id, "delivered").await;
    let replayed = host.send(shop.post(&replay, "replay-1", &json!({}))).await.expect(202);
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.body), (Some("true"), &accepted.body));

    // What is on its way to an endpoint that the shop disables is dead; all of it can be sent again at once.
    let busy = Reaction::Answer(503, vec![("retry-after", "3600")], String::new());
    let failed = answered(&host, &shop, &endpoint, &receiver, busy, async |round| {
        shop.pay(&host, &format!("order-3-{round}"), 100).await.expect(201);
    })
    .await;
    let failed = text(&failed["id"]);
    host.send(patch(&shop, &at(&endpoint, ""), &json!({"status": "disabled"}))).await.expect(200);
    let dead = until_status(&host, &shop, &endpoint, &failed, "dead").await;
    assert_eq!(dead["dead_because"], "endpoint-disabled");
    host.send(patch(&shop, &at(&endpoint, ""), &json!({"status": "enabled"}))).await.expect(200);
    let since = |time: &str, key: &str| shop.post(&at(&endpoint, "/replay"), key, &json!({"since": time}));
    let none = host.send(since("2999-01-01T00:00:00Z", "replay-2")).await.expect(202).json();
    assert_eq!(none, json!({"replayed": 0, "has_more": false}));
    let one = host.send(since("2026-01-01T00:00:00Z", "replay-3")).await.expect(202).json();
    assert_eq!(one, json!({"replayed": 1, "has_more": false}));
    let delivered = until_status(&host, &shop, &endpoint, &failed, "delivered").await;
    assert_eq!(delivered["latest_attempts"][0]["number"], delivered["attempts"]);
    assert_eq!(answers(&delivered), [204, 503]);
    let count = receiver.received().iter().filter(|received| received.header("webhook-id") == failed).count();
    assert!(json!(count).as_i64() <= delivered["attempts"].as_i64(), "{count} requests: {delivered}");
}

async fn both_secrets_sign_while_one_replaces_the_other(database: Database) {
    let host = platform(database, None).await;
    let shop = shop(&host).await;
    let receiver = Receiver::start().await;
    let endpoint = endpoint(&host, &shop, "endpoint-1", &json!({"url": receiver.url()})).await;
    let rotate = |key: &str, body: Value| shop.post(&at(&endpoint, "/rotate-secret"), key, &body);
    let rotated = host.send(rotate("rotate-1", json!({"overlap_seconds": 3600}))).await.expect(200);
    let (first, second) = (endpoint["secret"].clone(), rotated.json()["secret"].clone());
    assert!(text(&second).starts_with("whsec_") && second != first);
    assert!(rotated.json()["previous_secret_until"].is_string());
    let replayed = host.send(rotate("rotate-1", json!({"overlap_seconds": 3600}))).await.expect(200);
    assert_eq!((replayed.header("idempotency-replayed"), &replayed.json()["secret"]), (Some("true"), &Value::Null));

    test(&host, &shop, &endpoint, "test-1").await;
    let received = nth_event(&receiver, 1).await;
    assert_eq!(received.header("webhook-signature").split(' ').count(), 2);
    assert!(is_verified(&first, &received) && is_verified(&second, &received));

    let rotated = host.send(rotate("rotate-2", json!({"overlap_seconds": 0}))).await.expect(200).json();
    assert_eq!(rotated["previous_secret_until"], Value::Null);
    test(&host, &shop, &endpoint, "test-2").await;
    let received = nth_event(&receiver, 2).await;
    assert_eq!(received.header("webhook-signature").split(' ').count(), 1);
    assert!(is_verified(&rotated["secret"], &received));
    assert!(!is_verified(&first, &received) && !is_verified(&second, &received));
    for wrong in [json!({"overlap_seconds": -1}), json!({"overlap_seconds": 604_801}), json!({"overlap": 1})] {
        host.send(rotate("rotate-3", wrong)).await.expect_problem(422, "unprocessable");
    }

    // The database holds none of them.
    let mut reader = host.storage().reader(host.data()).await;
    for table in ["webhook_endpoint", "webhook_event", "webhook_delivery", "webhook_attempt", "idempotency"] {
        let columns = reader.columns(table).await;
        let rows = Value::from(reader.rows(table, &columns).await).to_string();
        for secret in [&first, &second, &rotated["secret"]] {
            let secret = secret.as_str().unwrap();
            assert!(!rows.contains(secret.trim_start_matches("whsec_")), "{table} holds a secret");
        }
    }
    reader.close().await;
}

async fn a_host_that_is_killed_loses_no_webhook_and_a_slow_endpoint_holds_up_no_other(database: Database) {
    for _ in 0..5 {
        if is_killed_in_the_middle(database).await {
            return;
        }
    }
    panic!("no attempt outlives what is sent to another endpoint");
}

/// Kills a host during an attempt. `false` where the machine was too slow for that: an attempt ends by itself, after seven seconds.
async fn is_killed_in_the_middle(database: Database) -> bool {
    let host = platform(database, None).await;
    let shop = shop(&host).await;
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    let to_slow = endpoint(&host, &shop, "endpoint-1", &json!({"url": slow.url()})).await;
    let to_quick = endpoint(&host, &shop, "endpoint-2", &json!({"url": quick.url()})).await;
    slow.react([Reaction::Hang]);
    for order in 1..=3 {
        shop.pay(&host, &format!("order-{order}"), 100).await.expect(201);
    }
    let id = slow.nth(1).await.header("webhook-id").to_owned();
    nth_event(&quick, 3).await;
    let came = slow.received().len();
    let attempted = delivery(&host, &shop, &to_slow, &id).await;
    let is_under_way = attempted["latest_attempts"][0]["duration_ms"].is_null();
    if (attempted["attempts"].as_i64(), is_under_way) != (Some(1), true) {
        return false;
    }
    assert_eq!(attempted["status"], "pending");
    assert_eq!(came, 1, "one at a time");

    let host = host.kill().start().await;
    let mut to_slow_all = Vec::new();
    for id in ids(&quick) {
        to_slow_all.push(until_status(&host, &shop, &to_slow, &id, "delivered").await);
    }
    let mut attempts = to_slow_all.iter().flat_map(|delivery| delivery["latest_attempts"].as_array().unwrap());
    if attempts.any(|attempt| attempt["error"] == TOO_LATE) {
        return false;
    }
    let delivered = to_slow_all.iter().find(|delivery| delivery["id"] == id).unwrap();
    assert_eq!(delivered["attempts"], 2);
    let attempts = delivered["latest_attempts"].as_array().unwrap();
    assert_eq!((&attempts[0]["status_code"], &attempts[1]["number"]), (&json!(204), &json!(1)));
    assert_eq!((&attempts[1]["status_code"], &attempts[1]["error"]), (&Value::Null, &Value::Null), "nobody knows");
    let to_all = slow.nth(4).await;
    assert!(is_verified(&to_slow["secret"], &to_all), "the secret is what it was");
    let count = slow.received().iter().filter(|received| received.header("webhook-id") == id).count();
    assert_eq!((slow.received().len(), count), (4, 2));
    assert_eq!(ids(&slow), ids(&quick), "the same three events");
    for id in ids(&quick) {
        until_status(&host, &shop, &to_quick, &id, "delivered").await;
    }
    // What happens after the restart is sent as before.
    shop.pay(&host, "order-4", 100).await.expect(201);
    nth_event(&slow, 4).await;
    true
}

async fn old_events_go_and_what_was_left_lying_is_sent(database: Database) {
    // The schedule each second, in the place of once an hour.
    let mut core = fs::read(built("datamp_core")).unwrap();
    let (hourly, each_second) = (br#"cron = "17 * * * *""#, br#"cron="* * * * * *" "#);
    let places: Vec<_> = (0..core.len() - hourly.len()).filter(|n| core[*n..].starts_with(hourly)).collect();
    assert!(!places.is_empty());
    for place in places {
        core[place..][..each_second.len()].copy_from_slice(each_second);
    }
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("datamp_core.wasm");
    fs::write(&file, core).unwrap();

    let host = platform(database, Some(file)).await;
    let shop = shop(&host).await;
    let receiver = Receiver::start().await;
    let endpoint = endpoint(&host, &shop, "endpoint-1", &json!({"url": receiver.url()})).await;
    shop.pay(&host, "order-1", 100).await.expect(201);
    let old = receiver.nth(1).await.header("webhook-id").to_owned();
    until_status(&host, &shop, &endpoint, &old, "delivered").await;
    let aged = "UPDATE webhook_event SET created_at = created_at - 2592000000000";
    assert_eq!(host.storage().change(host.data(), aged, &[]).await, 1);
    until("the old event is gone", || async {
        host.send(shop.get(&at(&endpoint, &format!("/deliveries/{old}")))).await.status.is_client_error().then_some(())
    })
    .await;
    let left = "SELECT (SELECT COUNT(*) FROM webhook_event) + (SELECT COUNT(*) FROM webhook_delivery) \
                + (SELECT COUNT(*) FROM webhook_attempt)";
    assert_eq!(host.storage().number(host.data(), left).await, 0);

    // Its job waits for an hour, as it would if it had become a dead letter.
    let busy = Reaction::Answer(503, vec![("retry-after", "3600")], String::new());
    let lying = answered(&host, &shop, &endpoint, &receiver, busy, async |round| {
        test(&host, &shop, &endpoint, &format!("test-{round}")).await;
    })
    .await;
    let lying = text(&lying["id"]);
    let overdue = "UPDATE webhook_delivery SET next_attempt_at = created_at - 120 * 1000000 WHERE status = 'pending'";
    assert_eq!(host.storage().change(host.data(), overdue, &[]).await, 1);
    let resumed = "UPDATE webhook_endpoint SET paused_until = NULL";
    assert_eq!(host.storage().change(host.data(), resumed, &[]).await, 1);
    until_status(&host, &shop, &endpoint, &lying, "delivered").await;

    // A deleted endpoint goes once nothing belongs to it.
    host.send(Outgoing::new("DELETE", &at(&endpoint, "")).bearer(&shop.key)).await.expect(204);
    assert_eq!(host.storage().change(host.data(), aged, &[]).await, 1);
    until("the deleted endpoint is gone", || async {
        let endpoints = host.storage().number(host.data(), "SELECT COUNT(*) FROM webhook_endpoint").await;
        (endpoints == 0).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_public_is_refused_when_it_is_said_and_when_it_is_called() {
    let host = platform(Database::Sqlite, None).await;
    let shop = shop(&host).await;
    let create = |key: &str, url: &str| shop.post(PATH, key, &json!({"url": url}));
    for (number, url) in [
        "https://10.0.0.1/hooks",
        "https://192.168.1.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.1]/",
        "https://2130706433/",
        "https://localhost/",
        "https://metadata.google.internal/",
        "https://shop.example:25/",
        "http://shop.example/",
        "https://user@shop.example/",
        "ftp://shop.example/",
    ]
    .iter()
    .enumerate()
    {
        let refused = host.send(create(&format!("endpoint-{number}"), url)).await;
        refused.expect_problem(422, "unprocessable");
        assert_eq!(refused.json()["errors"][0]["field"], "url", "{url}: {}", refused.text());
    }
    // A name may lead anywhere, and an address may be opened here and not there: the host has the last word.
    for (number, (url, says)) in [
        ("https://[::1]:8443/", "::1 is not public"),
        ("http://[::1]:8443/", "may not be called"),
        ("https://shop.invalid/", "could not be resolved"),
    ]
    .iter()
    .enumerate()
    {
        let endpoint = endpoint(&host, &shop, &format!("let in {number}"), &json!({"url": url})).await;
        let mut error = String::new();
        // Who resolves names may be slower than an attempt.
        for round in 0..10 {
            let id = text(&test(&host, &shop, &endpoint, &format!("test {number} {round}")).await["id"]);
            error = until(says, || async {
                let attempts = delivery(&host, &shop, &endpoint, &id).await["latest_attempts"].clone();
                attempts.as_array().unwrap().iter().find_map(|attempt| attempt["error"].as_str().map(str::to_owned))
            })
            .await;
            if error != TOO_LATE {
                break;
            }
        }
        assert!(error.contains(says), "{url}: {error}");
    }
    // Sixteen at most.
    for number in 3..16 {
        let body = json!({"url": "https://shop.example/hooks"});
        endpoint(&host, &shop, &format!("one of many {number}"), &body).await;
    }
    let many = host.send(create("one too many", "https://shop.example/hooks")).await;
    many.expect_problem(422, "too-many-webhook-endpoints");
    // Without the setting, this machine is not called either.
    let host = to_loopback(host, "false").await;
    let endpoints = read(&host, &shop, PATH).await;
    let change = patch(&shop, &at(&endpoints["data"][0], ""), &json!({"url": "http://127.0.0.1:9/"}));
    host.send(change).await.expect_problem(422, "unprocessable");
    let inspected = host.command(&["inspect", built("datamp_core").to_str().unwrap()]);
    assert!(inspected.output.contains("host:https://*   (every public host)"), "{inspected:?}");
}
