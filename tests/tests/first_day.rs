//! A shop's first day, from the registration to the statement.

use datamp_tests::{
    case::Database,
    http::Outgoing,
    ledger,
    shop::{Owner, PASSWORD, callback, code, platform, signed, text},
};
use serde_json::{Value, json};

#[tokio::test]
async fn a_shops_first_day_on_sqlite() {
    first_day(Database::Sqlite).await;
}

#[tokio::test]
async fn a_shops_first_day_on_postgresql() {
    first_day(Database::Postgresql).await;
}

async fn first_day(database: Database) {
    let mut host = platform(database).await;

    // The owner registers, and can't log in before the address is proven to be theirs.
    let email = "anna@example.com";
    let registration = json!({"email": email, "password": PASSWORD, "language": "en"});
    host.post("/gate/v1/register", &registration).await.expect(202);
    let wrong = json!({"email": email, "code": "000000"});
    let code = code(&host, email).await;
    if code != "000000" {
        let answer = host.post("/gate/v1/email/verify", &wrong).await;
        assert!(answer.status.is_client_error() && answer.problem().is_some(), "{}", answer.text());
    }
    host.post("/gate/v1/email/verify", &json!({"email": email, "code": code})).await.expect(200);
    let used = host.post("/gate/v1/email/verify", &json!({"email": email, "code": code})).await;
    assert!(used.status.is_client_error(), "a code is good for one use: {}", used.text());

    let wrong = json!({"email": email, "password": "not the password", "client": "mobile", "device": "a phone"});
    let answer = host.post("/gate/v1/login", &wrong).await;
    assert_eq!(answer.status, 401, "{}", answer.text());
    let login = json!({"email": email, "password": PASSWORD, "client": "mobile", "device": "a phone"});
    let tokens = host.post("/gate/v1/login", &login).await.expect(200).json();
    let refresh = json!({"refresh_token": tokens["refresh_token"], "device": "a phone"});
    let tokens = host.post("/gate/v1/refresh", &refresh).await.expect(200).json();
    let owner = Owner { email: email.to_owned(), access_token: text(&tokens["access_token"]) };
    let me = host.send(Outgoing::get("/gate/v1/me").bearer(&owner.access_token)).await.expect(200).json();
    assert_eq!((&me["email"], &me["email_verified"]), (&json!(email), &json!(true)));
    assert_eq!(host.get("/gate/v1/me").await.status, 401);

    // A shop, and a key for its programs.
    let shop = owner.create_shop(&host, "Tea from Georgia").await;
    assert_eq!(shop.balance(&host).await, 0);

    // 1,500 roubles are topped up: credited when the provider says so, and once, however often it does.
    let top_up = shop.top_up(&host, "top-up-1", 150_000).await.expect(201).json();
    assert_eq!(top_up["status"], "pending");
    assert_eq!(shop.balance(&host).await, 0);
    let secret = host.control.secret("sandbox-payments", "sandbox-callback").await;
    let forged = callback("another secret", "evt_1", &top_up);
    assert_eq!(host.send(forged).await.status, 401);
    assert_eq!(shop.balance(&host).await, 0);
    let credited = host.send(callback(&secret, "evt_1", &top_up)).await.expect(200).json();
    assert_eq!(credited["events"][0]["outcome"], "credited");
    let repeated = host.send(callback(&secret, "evt_1", &top_up)).await.expect(200).json();
    assert_eq!(repeated["events"][0]["outcome"], "repeated");
    let again = host.send(callback(&secret, "evt_2", &top_up)).await.expect(200).json();
    assert_eq!(again["events"][0]["outcome"], "superseded");
    let mut less = top_up.clone();
    less["amount"] = json!(1);
    assert!(host.send(callback(&secret, "evt_3", &less)).await.status.is_client_error());
    assert!(host.send(signed(&secret, &json!({"id": "evt_4"}))).await.status.is_client_error());
    assert_eq!(shop.balance(&host).await, 150_000);
    let path = format!("/core/v1/top-ups/{}", text(&top_up["id"]));
    assert_eq!(host.send(shop.get(&path)).await.expect(200).json()["status"], "succeeded");

    // A payment, the same again, and another one with the same key.
    let paid = shop.pay(&host, "order-1", 49_900).await.expect(201);
    assert!(paid.header("idempotency-replayed").is_none());
    let replayed = shop.pay(&host, "order-1", 49_900).await.expect(201);
    assert_eq!(replayed.body, paid.body);
    assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
    assert_eq!(replayed.header("location"), paid.header("location"));
    shop.pay(&host, "order-1", 49_901).await.expect_problem(422, "idempotency-key-reused");
    assert_eq!(shop.balance(&host).await, 100_100);
    let fetched = host.send(shop.get(paid.header("location").unwrap())).await.expect(200);
    assert_eq!(fetched.json(), paid.json());

    // What can't be paid leaves everything as it was.
    let refused = shop.pay(&host, "order-2", 100_101).await;
    assert!(refused.status.is_client_error(), "{}", refused.text());
    assert_eq!(refused.problem().as_deref(), Some("insufficient-funds"));
    for body in [json!({}), json!({"amount": 0}), json!({"amount": -1}), json!({"amount": 1.5}), json!({"amount": "1"})]
    {
        let answer = host.send(shop.post("/core/v1/payments", "order-3", &body)).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
        assert!(answer.json()["errors"][0]["field"].is_string() && answer.json()["request_id"].is_string());
    }
    let without_key = shop.payment("", 1);
    assert_eq!(host.send(without_key).await.status, 400);
    shop.pay(&host, "order-3", 100_000).await.expect(201);
    assert_eq!(shop.balance(&host).await, 100);

    // The statement, a page at a time, newest first.
    let entries = statement(&host, &shop, 2).await;
    let told: Vec<(i64, &str, &str, i64)> = entries
        .iter()
        .map(|entry| {
            let number = |name: &str| entry[name].as_i64().unwrap();
            let word = |name: &str| entry[name].as_str().unwrap();
            (number("amount"), word("direction"), word("code"), number("balance_after"))
        })
        .collect();
    assert_eq!(
        told,
        [
            (100_000, "outgoing", "payment", 100),
            (49_900, "outgoing", "payment", 100_100),
            (150_000, "incoming", "top-up", 150_000),
        ]
    );
    assert_eq!(entries[1]["reference"], paid.json()["id"]);
    assert_eq!(entries[2]["reference"], top_up["id"]);

    // The owner sees the same in the web platform, and a stranger sees nothing.
    let path = format!("/gate/v1/shops/{}", shop.id);
    let seen = host.send(Outgoing::get(&path).bearer(&owner.access_token)).await.expect(200).json();
    assert_eq!(seen["balances"][0]["posted"], 100);
    let stranger = Owner::register(&host, "boris@example.com").await;
    assert_eq!(host.send(Outgoing::get(&path).bearer(&stranger.access_token)).await.status, 404);
    let other = stranger.create_shop(&host, "Coffee from Kenya").await;
    assert_eq!(host.send(other.get(paid.header("location").unwrap())).await.status, 404);
    assert_eq!(other.balance(&host).await, 0);

    ledger::assert_sound(&host).await;
    assert_eq!(ledger::paid(&host).await, 149_900);

    // All of it is still there after a power cut, on the same components.
    host = host.kill().start().await;
    assert_eq!(shop.balance(&host).await, 100);
    let replayed = shop.pay(&host, "order-1", 49_900).await.expect(201);
    assert_eq!(replayed.body, paid.body);
    assert_eq!(statement(&host, &shop, 100).await, entries);
    ledger::assert_sound(&host).await;
    host.assert_well().await;
}

/// The whole statement, read in pages of this size.
async fn statement(host: &datamp_tests::host::Host, shop: &datamp_tests::shop::Shop, size: usize) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/core/v1/statement?currency=RUB&limit={size}{after}");
        let page = host.send(shop.get(&path)).await.expect(200).json();
        let data = page["data"].as_array().unwrap();
        assert!(data.len() <= size);
        entries.extend(data.iter().cloned());
        if page["has_more"] == false {
            return entries;
        }
        after = format!("&starting_after={}", page["next"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_payment_that_is_asked_for_many_times_at_once_is_made_once_on_sqlite() {
    asked_for_at_once(Database::Sqlite).await;
}

#[tokio::test]
async fn a_payment_that_is_asked_for_many_times_at_once_is_made_once_on_postgresql() {
    asked_for_at_once(Database::Postgresql).await;
}

async fn asked_for_at_once(database: Database) {
    let host = platform(database).await;
    let shop = datamp_tests::shop::Shop::with_balance(&host, "anna@example.com", 10_000).await;
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..16 {
        asked.spawn(shop.payment("the-same-key", 1_000).send(host.public, datamp_tests::http::PATIENCE));
    }
    let mut made = Vec::new();
    while let Some(answer) = asked.join_next().await {
        let answer = answer.unwrap().unwrap();
        match answer.status.as_u16() {
            201 => made.push(answer),
            // Still being made: asked again, it gives the same answer.
            409 => answer.expect_problem(409, "idempotency-key-in-use"),
            status => panic!("{status}: {}", answer.text()),
        }
    }
    made.push(shop.pay(&host, "the-same-key", 1_000).await.expect(201));
    assert!(made.windows(2).all(|pair| pair[0].body == pair[1].body));
    assert_eq!(made.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count(), 1);
    assert_eq!(shop.balance(&host).await, 9_000);
    ledger::assert_sound(&host).await;
}
