//! Payment providers, end to end: the sandbox as an extension, and one that was made from the published contract alone.

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use datamp_tests::{
    case::Database,
    component::{built, variant},
    host::{Host, Settings},
    http::{Answer, Outgoing, PATIENCE},
    ledger,
    load::{Load, expect},
    shop::{Owner, Shop, callback, platform, signed, text},
};
use serde_json::{Value, json};

/// How long something may take that a schedule does.
const LONG: Duration = Duration::from_secs(90);

async fn with_plain_provider(database: Database) -> (Host, Shop) {
    let mut settings = Settings::new(database);
    // Core, which needs it, is given first: `up` finds the order.
    for name in ["datamp_core", "datamp_communication", "datamp_gate", "case_plain_provider"] {
        settings = settings.component(built(name));
    }
    let host = settings.start().await;
    let shop = Owner::register(&host, "anna@example.com").await.create_shop(&host, "A shop").await;
    (host, shop)
}

/// Gives a component's settings values, and a new generation that has them.
async fn set(host: &Host, component: &str, settings: &[(&str, &str)]) {
    static NUMBER: AtomicUsize = AtomicUsize::new(100);
    for (setting, value) in settings {
        let path = format!("/v1/components/{component}/settings/{setting}");
        let request = Outgoing::new("PUT", &path).header("content-type", "application/json");
        host.control.send(request.body(json!({"value": value}).to_string())).await.expect(204);
    }
    let file = match component {
        "plain-provider" => built("case_plain_provider"),
        own => built(&format!("datamp_{}", own.replace('-', "_"))),
    };
    host.control.deployed(variant(&fs::read(file).unwrap(), NUMBER.fetch_add(1, Ordering::Relaxed))).await;
}

async fn get(host: &Host, shop: &Shop, top_up: &Value) -> Value {
    host.send(shop.get(&format!("/core/v1/top-ups/{}", text(&top_up["id"])))).await.expect(200).json()
}

async fn all(host: &Host, shop: &Shop) -> Vec<Value> {
    let page = host.send(shop.get("/core/v1/top-ups?limit=100")).await.expect(200).json();
    page["data"].as_array().unwrap().clone()
}

/// Waits until a top-up stands so.
async fn until(host: &Host, shop: &Shop, top_up: &Value, status: &str) -> Value {
    let began = Instant::now();
    loop {
        let now = get(host, shop, top_up).await;
        if now["status"] == status {
            return now;
        }
        assert!(began.elapsed() < LONG, "{now} is not {status}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The sandbox's page of a top-up, and what pressing one of its buttons shows.
async fn page(host: &Host, top_up: &Value, form: Option<&str>) -> String {
    let url = text(&top_up["confirmation_url"]);
    let path = url.strip_prefix(&format!("http://{}", host.public)).unwrap_or_else(|| panic!("{url}")).to_owned();
    let request = match form {
        None => Outgoing::get(&path),
        Some(form) => Outgoing::new("POST", &path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.to_owned()),
    };
    host.send(request.header("accept-language", "ru-RU,ru;q=0.9,en;q=0.8")).await.expect(200).text()
}

/// The callback that a page holds, as its script sends it.
fn held(page: &str) -> Outgoing {
    let data = |name: &str| {
        let rest = page.split(&format!("data-{name}=\"")).nth(1).unwrap_or_else(|| panic!("no {name} in {page}"));
        rest.split('"').next().unwrap().replace("&#34;", "\"").replace("&quot;", "\"").replace("&amp;", "&")
    };
    let (url, signature, body) = (data("url"), data("signature"), data("body"));
    let request = Outgoing::new("POST", &url).header("content-type", "application/json");
    request.header("sandbox-signature", &signature).body(body)
}

fn outcome(answer: Answer) -> String {
    text(&answer.expect(200).json()["events"][0]["outcome"])
}

#[tokio::test]
async fn the_sandbox_tops_up_on_sqlite() {
    the_sandbox_tops_up(Database::Sqlite).await;
}

#[tokio::test]
async fn the_sandbox_tops_up_on_postgresql() {
    the_sandbox_tops_up(Database::Postgresql).await;
}

async fn the_sandbox_tops_up(database: Database) {
    let host = platform(database).await;
    let shop = Owner::register(&host, "anna@example.com").await.create_shop(&host, "A shop").await;

    // A person pays on the page, which carries the callback.
    let asked = shop.top_up(&host, "first", 150_000).await.expect(201);
    let top_up = asked.json();
    assert_eq!((&top_up["status"], &top_up["provider"]), (&json!("pending"), &json!("sandbox")));
    let open = page(&host, &top_up, None).await;
    assert!(open.contains("1500.00\u{a0}RUB") && open.contains("Оплатить"), "{open}");
    let paid = page(&host, &top_up, Some("decision=pay")).await;
    assert!(paid.contains("Оплачено") && paid.contains("https://shop.example/done"), "{paid}");
    assert_eq!(outcome(host.send(held(&paid)).await), "credited");
    assert_eq!(outcome(host.send(held(&paid)).await), "repeated");
    // Who decided first has decided.
    let declined = page(&host, &top_up, Some("decision=decline")).await;
    assert!(declined.contains("Оплачено"), "{declined}");
    let again = page(&host, &top_up, Some("decision=again")).await;
    assert_eq!(outcome(host.send(held(&again)).await), "repeated");
    assert_eq!(shop.balance(&host).await, 150_000);
    // The answer of then, byte for byte.
    let replayed = shop.top_up(&host, "first", 150_000).await.expect(201);
    assert_eq!((replayed.body, replayed.headers.contains_key("idempotency-replayed")), (asked.body, true));
    shop.top_up(&host, "first", 150_001).await.expect_problem(422, "idempotency-key-reused");

    // Out of order, from any number of deliveries: what failed still succeeds, and is credited once.
    let secret = host.control.secret("sandbox-payments", "sandbox-callback").await;
    let second = shop.top_up(&host, "second", 1_000).await.expect(201).json();
    let event = |id: &str, kind: &str, top_up: &Value| json!({"id": id, "type": kind, "top_up": top_up, "amount": 1_000, "currency": "RUB"});
    let failed = event("evt_f", "top_up.failed", &second["id"]);
    assert_eq!(outcome(host.send(signed(&secret, &failed)).await), "failed");
    let now = get(&host, &shop, &second).await;
    assert!(now["status"] == "failed" && now["failure"].is_string(), "{now}");
    assert_eq!(outcome(host.send(callback(&secret, "evt_s", &second)).await), "credited");
    assert_eq!(outcome(host.send(signed(&secret, &failed)).await), "repeated");
    assert_eq!(outcome(host.send(callback(&secret, "evt_s2", &second)).await), "superseded");
    let now = get(&host, &shop, &second).await;
    assert!(now["status"] == "succeeded" && now["failure"].is_null(), "{now}");
    assert!(page(&host, &second, None).await.contains("Оплачено"), "the sandbox knows what was told by hand");

    // What is not to be believed or understood changes nothing.
    let third = shop.top_up(&host, "third", 1_000).await.expect(201).json();
    host.send(callback("another secret", "evt_3", &third)).await.expect_problem(401, "invalid-signature");
    host.post("/core/v1/callbacks/sandbox", &json!({})).await.expect_problem(401, "invalid-signature");
    host.send(signed(&secret, &json!({"id": "evt_3"}))).await.expect_problem(422, "invalid-event");
    let unknown = event("evt_3", "top_up.succeeded", &json!("top_01h455vb4pex5vsknk084sn02q"));
    host.send(signed(&secret, &unknown)).await.expect_problem(404, "top-up-not-found");
    let taken = event("evt_s", "top_up.succeeded", &third["id"]);
    host.send(signed(&secret, &taken)).await.expect_problem(409, "event-id-taken");
    host.post("/core/v1/callbacks/bank", &json!({})).await.expect_problem(404, "provider-not-active");
    assert_eq!(get(&host, &shop, &third).await["status"], "pending");
    assert_eq!(shop.balance(&host).await, 151_000);
    host.get("/sandbox-payments/pay/sandbox_1").await.expect(404);
    set(&host, "sandbox-payments", &[("pages", "off")]).await;
    let fourth = shop.top_up(&host, "fourth", 1_000).await.expect(201).json();
    assert!(fourth["confirmation_url"].is_null(), "{fourth}");
    ledger::assert_sound(&host).await;
}

#[tokio::test]
async fn a_callback_that_was_lost_is_made_up_for_on_sqlite() {
    a_callback_that_was_lost(Database::Sqlite).await;
}

#[tokio::test]
async fn a_callback_that_was_lost_is_made_up_for_on_postgresql() {
    a_callback_that_was_lost(Database::Postgresql).await;
}

async fn a_callback_that_was_lost(database: Database) {
    let host = platform(database).await;
    let shop = Owner::register(&host, "anna@example.com").await.create_shop(&host, "A shop").await;
    set(&host, "core", &[("provider-silence", "0")]).await;
    let paid = shop.top_up(&host, "paid", 5_000).await.expect(201).json();
    let declined = shop.top_up(&host, "declined", 700).await.expect(201).json();
    let open = shop.top_up(&host, "open", 90).await.expect(201).json();
    assert!(page(&host, &paid, Some("decision=pay&lose=yes")).await.contains("потеряно"));
    page(&host, &declined, Some("decision=decline&lose=yes")).await;
    until(&host, &shop, &paid, "succeeded").await;
    let declined = until(&host, &shop, &declined, "failed").await;
    assert!(declined["failure"].is_string());
    assert_eq!(get(&host, &shop, &open).await["status"], "pending");
    assert_eq!(shop.balance(&host).await, 5_000);
    // The callback comes after all.
    let late = page(&host, &paid, Some("decision=again")).await;
    assert_eq!(outcome(host.send(held(&late)).await), "superseded");
    assert_eq!(shop.balance(&host).await, 5_000);
    ledger::assert_sound(&host).await;
}

#[tokio::test]
async fn a_provider_without_the_sdk_that_fails_leaves_nothing_half_done_on_sqlite() {
    a_provider_that_fails(Database::Sqlite).await;
}

#[tokio::test]
async fn a_provider_without_the_sdk_that_fails_leaves_nothing_half_done_on_postgresql() {
    a_provider_that_fails(Database::Postgresql).await;
}

async fn a_provider_that_fails(database: Database) {
    let (host, shop) = with_plain_provider(database).await;
    shop.top_up(&host, "too little", 99).await.expect_problem(422, "amount-not-taken");
    assert!(all(&host, &shop).await.is_empty());

    // However it fails, the same request goes on with the same top-up once it works.
    for (number, (how, status, problem)) in [
        ("trap", 500, "component-failed"),
        ("slow", 504, "deadline-exceeded"),
        ("unavailable", 503, "provider-unavailable"),
        ("misconfigured", 503, "provider-unavailable"),
        ("nonsense", 502, "provider-answer-invalid"),
    ]
    .into_iter()
    .enumerate()
    {
        set(&host, "plain-provider", &[("start", how)]).await;
        for _ in 0..2 {
            let answer = shop.top_up(&host, how, 1_000).await;
            answer.expect_problem(status, problem);
            assert!(status >= 502 || answer.text().contains("plain-provider"), "{}", answer.text());
        }
        let created = all(&host, &shop).await;
        assert_eq!(created.len(), number + 1, "{how}: one top-up, however often it is asked for");
        assert!(created[0]["status"] == "created" && created[0]["provider_reference"].is_null(), "{}", created[0]);
        shop.top_up(&host, how, 1_001).await.expect_problem(422, "idempotency-key-reused");

        set(&host, "plain-provider", &[("start", "ok")]).await;
        let begun = shop.top_up(&host, how, 1_000).await.expect(201);
        assert_eq!((&begun.json()["id"], &begun.json()["status"]), (&created[0]["id"], &json!("pending")));
        let url = text(&begun.json()["confirmation_url"]);
        assert_eq!(url, format!("https://bank.example/pay?to=http://{}/core/v1/callbacks/plain", host.public));
        let again = shop.top_up(&host, how, 1_000).await.expect(201);
        assert_eq!(again.body, begun.body);
    }

    // What it refuses is refused for good.
    set(&host, "plain-provider", &[("start", "refused")]).await;
    let refused = shop.top_up(&host, "refused", 1_000).await;
    refused.expect_problem(422, "top-up-refused");
    assert!(refused.text().contains("Your bank says no."), "{}", refused.text());
    set(&host, "plain-provider", &[("start", "ok")]).await;
    assert_eq!(shop.top_up(&host, "refused", 1_000).await.body, refused.body);
    let newest = &all(&host, &shop).await[0];
    assert_eq!((&newest["status"], &newest["failure"]), (&json!("failed"), &json!("Your bank says no.")));

    // Money may come before the answer did.
    set(&host, "plain-provider", &[("start", "trap")]).await;
    shop.top_up(&host, "early", 1_000).await.expect_problem(500, "component-failed");
    let early = all(&host, &shop).await[0].clone();
    told(&host, &[("e-early", &early, "succeeded")]).await.expect(200);
    let found = shop.top_up(&host, "early", 1_000).await.expect(201).json();
    assert_eq!((&found["id"], &found["status"]), (&early["id"], &json!("succeeded")));
    assert_eq!(shop.balance(&host).await, 1_000);
    ledger::assert_sound(&host).await;
}

/// A callback of the plain provider.
async fn told(host: &Host, events: &[(&str, &Value, &str)]) -> Answer {
    let line = |(id, top_up, outcome): &(&str, &Value, &str)| {
        let (top_up, amount, currency) = (text(&top_up["id"]), &top_up["amount"], text(&top_up["currency"]));
        format!("{id} {top_up} {amount} {currency} {outcome}\n")
    };
    let body: String = events.iter().map(line).collect();
    host.send(Outgoing::new("POST", "/core/v1/callbacks/plain").header("x-token", "sesame").body(body)).await
}

#[tokio::test]
async fn a_provider_without_the_sdk_decides_about_top_ups_on_sqlite() {
    a_provider_decides(Database::Sqlite).await;
}

#[tokio::test]
async fn a_provider_without_the_sdk_decides_about_top_ups_on_postgresql() {
    a_provider_decides(Database::Postgresql).await;
}

async fn a_provider_decides(database: Database) {
    let (host, shop) = with_plain_provider(database).await;
    let first = shop.top_up(&host, "first", 1_000).await.expect(201).json();
    let second = shop.top_up(&host, "second", 200).await.expect(201).json();

    // Several events in one callback, in words that the provider wants to hear, and again.
    let forged = Outgoing::new("POST", "/core/v1/callbacks/plain").header("x-token", "open");
    host.send(forged).await.expect_problem(401, "invalid-signature");
    for _ in 0..2 {
        let answer = told(&host, &[("e-1", &first, "succeeded"), ("e-2", &second, "failed")]).await.expect(200);
        assert_eq!((answer.text().as_str(), answer.header("content-type")), ("OK", Some("text/plain")));
        assert_eq!(shop.balance(&host).await, 1_000);
    }
    assert_eq!(get(&host, &shop, &second).await["failure"], "The card has expired.");
    // Of several, one that can't be taken is asked for again, and the others count once.
    let third = shop.top_up(&host, "third", 300).await.expect(201).json();
    let strange = json!({"id": "top_01h455vb4pex5vsknk084sn02q", "amount": 1, "currency": "RUB"});
    for _ in 0..2 {
        let answer = told(&host, &[("e-3", &third, "succeeded"), ("e-4", &strange, "succeeded")]).await;
        answer.expect_problem(404, "top-up-not-found");
        assert_eq!(shop.balance(&host).await, 1_300);
    }

    // Another provider takes its place; what is the first one's waits for it.
    set(&host, "plain-provider", &[("start", "trap")]).await;
    shop.top_up(&host, "waits", 400).await.expect_problem(500, "component-failed");
    set(&host, "plain-provider", &[("start", "ok")]).await;
    set(&host, "plain-provider", &[("name", "other")]).await;
    let waits = all(&host, &shop).await[0].clone();
    told(&host, &[("e-5", &waits, "succeeded")]).await.expect_problem(404, "provider-not-active");
    shop.top_up(&host, "waits", 400).await.expect_problem(503, "provider-not-active");
    let others = shop.top_up(&host, "others", 500).await.expect(201).json();
    assert_eq!(others["provider"], "other");
    assert_eq!(shop.top_up(&host, "first", 1_000).await.expect(201).json()["provider"], "plain");
    set(&host, "plain-provider", &[("name", "plain")]).await;
    told(&host, &[("e-5", &waits, "succeeded")]).await.expect(200);
    told(&host, &[("e-6", &others, "succeeded")]).await.expect_problem(404, "top-up-not-found");
    assert_eq!(shop.balance(&host).await, 1_700);

    // Nothing came in time; then the provider says, when it is asked, and by a callback, that it did.
    set(&host, "core", &[("provider-silence", "0"), ("top-up-lifetime", "1")]).await;
    set(&host, "plain-provider", &[("state", "trap")]).await;
    let late = shop.top_up(&host, "late", 600).await.expect(201).json();
    let later = shop.top_up(&host, "later", 7_000).await.expect(201).json();
    until(&host, &shop, &late, "expired").await;
    until(&host, &shop, &later, "expired").await;
    told(&host, &[("e-7", &late, "succeeded")]).await.expect(200);
    assert_eq!(shop.balance(&host).await, 2_300);
    set(&host, "plain-provider", &[("state", "succeeded")]).await;
    until(&host, &shop, &later, "succeeded").await;
    assert_eq!(shop.balance(&host).await, 9_300);
    ledger::assert_sound(&host).await;
}

#[tokio::test]
async fn a_top_up_that_is_asked_for_many_times_at_once_is_one_on_sqlite() {
    asked_for_at_once(Database::Sqlite).await;
}

#[tokio::test]
async fn a_top_up_that_is_asked_for_many_times_at_once_is_one_on_postgresql() {
    asked_for_at_once(Database::Postgresql).await;
}

async fn asked_for_at_once(database: Database) {
    let host = platform(database).await;
    let shop = Owner::register(&host, "anna@example.com").await.create_shop(&host, "A shop").await;
    let body = json!({"amount": 1_000, "currency": "RUB"});
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..16 {
        asked.spawn(shop.post("/core/v1/top-ups", "the-same-key", &body).send(host.public, PATIENCE));
    }
    let mut made = vec![];
    while let Some(answer) = asked.join_next().await {
        let answer = answer.unwrap().unwrap();
        match answer.status.as_u16() {
            201 => made.push(answer),
            // Still being carried out: asked again, it gives the same answer.
            _ => answer.expect_problem(409, "idempotency-key-in-use"),
        }
    }
    made.push(host.send(shop.post("/core/v1/top-ups", "the-same-key", &body)).await.expect(201));
    assert!(made.windows(2).all(|pair| pair[0].body == pair[1].body));
    assert_eq!(made.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count(), 1);
    assert_eq!(all(&host, &shop).await.len(), 1);
}

/// How often each component is swapped.
const SWAPS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_provider_and_core_are_swapped_under_load() {
    let host = platform(Database::Sqlite).await;
    let shop = Owner::register(&host, "anna@example.com").await.create_shop(&host, "A shop").await;
    let asking = shop.clone();
    let load = Load::start(
        host.public,
        4,
        move |client, number| {
            let body = json!({"amount": 1_000, "currency": "RUB"});
            asking.post("/core/v1/top-ups", &format!("{client}-{number}"), &body)
        },
        |_, _, answer| {
            expect(answer, 201)?;
            if answer.json()["status"] == "pending" { Ok(()) } else { Err(answer.text()) }
        },
    );
    for number in 0..SWAPS {
        for (name, file) in [("sandbox-payments", "datamp_sandbox_payments"), ("core", "datamp_core")] {
            load.advance(4).await;
            if number % 2 == 0 {
                host.control.deployed(variant(&fs::read(built(file)).unwrap(), number % 4)).await;
            } else {
                host.control.rollback(name).await.expect(200);
            }
        }
    }
    load.advance(4).await;
    let report = load.stop().await;
    report.assert_flawless(SWAPS * 4);
    let count = "SELECT COUNT(*) FROM top_up WHERE status = 'pending' AND provider_reference <> ''";
    let made = host.storage().number(host.data(), count).await;
    assert_eq!(usize::try_from(made).unwrap(), report.succeeded);
}

#[tokio::test]
async fn core_is_not_deployed_without_a_provider_and_the_provider_stays() {
    let host = Settings::new(Database::Sqlite).start().await;
    let core = fs::read(built("datamp_core")).unwrap();
    let refused = host.control.deploy(core.clone(), &["all".to_owned()]).await;
    assert!(
        refused.status.is_client_error() && refused.text().contains("datamp:payments/provider"),
        "{}",
        refused.text()
    );
    host.control.deployed(fs::read(built("datamp_sandbox_payments")).unwrap()).await;
    host.control.deployed(core).await;
    // One at a time: another component that provides it is told whose it is.
    let other = host.control.deploy(fs::read(built("case_plain_provider")).unwrap(), &["all".to_owned()]).await;
    assert!(other.status.is_client_error() && other.text().contains("sandbox-payments"), "{}", other.text());
}
