//! What a component of somebody else's can ask of core by its contracts, and can't do to the shops by it.

use datamp_tests::{
    case::Database,
    component::built,
    host::Host,
    http::PATIENCE,
    ledger::assert_sound,
    shop::{Shop, core_alone, text},
    wait::until,
};
use serde_json::{Value, json};

const MANY: &str = "2120-01-01T00:00:00Z";

/// A host with a component that asks for whatever it is told to, and a shop that owns 100.00 RUB.
async fn world(database: Database) -> (Host, Shop) {
    let host = core_alone(database).component(built("case_ledger_client")).start().await;
    let shop = Shop::seeded_in(&host, "RUB").await;
    let secret = host.control.secret("sandbox-payments", "sandbox-callback").await;
    shop.fund(&host, &secret, "first", 10_000).await;
    (host, shop)
}

on_both! {
    no_such_shop as a_payment_of_a_shop_that_there_is_not_fails_alone_on_sqlite,
        a_payment_of_a_shop_that_there_is_not_fails_alone_on_postgresql;
    a_foreign_hold as a_hold_that_refers_to_a_payment_says_nothing_of_it_on_sqlite,
        a_hold_that_refers_to_a_payment_says_nothing_of_it_on_postgresql;
}

async fn no_such_shop(database: Database) {
    let (host, shop) = world(database).await;
    let payment = |shop: &str, key: &str| {
        json!({
            "shop": shop, "key": key, "request_id": "r", "amount": 700, "currency": "RUB", "description": "Clicks",
            "reference": null,
        })
    };
    let nobody = "shop_01h455vb4pex5vsknk084sn02q";
    let asked = json!([payment(&shop.id, "one"), payment(nobody, "two"), payment(&shop.id, "three")]);
    for replayed in [false, true] {
        let answers = host.post("/ledger-client/pay", &asked).await.expect(200).json();
        for place in [0, 2] {
            let answer = &answers[place]["Ok"]["Answered"];
            assert_eq!((&answer["status"], &answer["replayed"]), (&json!(201), &json!(replayed)), "{answers}");
        }
        assert_eq!(answers[1], json!({"Err": {"ShopNotFound": nobody}}));
    }
    let alone = host.post("/ledger-client/pay", &json!([payment(nobody, "two")])).await.expect(200).json();
    assert_eq!(alone, json!([{"Err": {"ShopNotFound": nobody}}]));
    let balance = host.send(shop.get("/core/v1/balance?currency=RUB")).await.expect(200).json();
    assert_eq!(balance["data"][0]["posted"], 10_000 - 1_400);
    assert_sound(&host).await;
}

/// Lets all holds lapse, and waits until nobody lists them any more.
async fn lapse(host: &Host) {
    host.execute("UPDATE transfer SET expires_at = 1 WHERE kind = 'hold'").await;
    host.execute("UPDATE open_hold SET expires_at = 1").await;
    until("the holds have expired", || async {
        let ran = host.command(&["run", "core", "expire-holds"]);
        assert!(ran.succeeded, "{ran:?}");
        (host.storage().number(host.data(), "SELECT COUNT(*) FROM open_hold").await == 0).then_some(())
    })
    .await;
}

async fn a_foreign_hold(database: Database) {
    let (host, shop) = world(database).await;
    let endpoint = json!({"url": "https://hooks.example.com/in"});
    host.send(shop.post("/core/v1/webhook-endpoints", "endpoint", &endpoint)).await.expect(201);
    let manual = json!({"amount": 300, "currency": "RUB", "description": "Clicks", "capture": "manual"});
    let held = host.send(shop.post("/core/v1/payments", "held", &manual)).await.expect(201).json();
    let id = text(&held["id"]);
    lapse(&host).await;
    let path = format!("/core/v1/payments/{id}");
    let expired = host.send(shop.get(&path)).await.expect(200).json();
    assert_eq!(expired["status"], "expired");
    let told = async || {
        let events = "SELECT COUNT(*) FROM webhook_event WHERE type = 'payment.expired'";
        host.storage().number(host.data(), events).await
    };
    assert_eq!(told().await, 1);

    // A component may name it as the reference of a hold of its own.
    let movement = json!({
        "debit": {"Shop": shop.id}, "credit": {"System": "revenue/advertising"}, "currency": "RUB", "amount": 50,
        "code": "payment", "reference": id,
    });
    let hold = |number: u32| {
        let action = json!({"Hold": {"movement": movement, "expires_at": MANY}});
        json!([[{"id": format!("tr_{number:026}"), "action": action}]])
    };
    let posted = host.post("/ledger-client/post", &hold(1)).await.expect(200).json();
    assert!(posted[0]["Ok"].is_array(), "{posted}");
    lapse(&host).await;
    let found = host.post("/ledger-client/get", &json!([format!("tr_{:026}", 1)])).await.expect(200).json();
    assert_eq!(found[0]["Ok"]["resolved_by"], "Expiry", "{found}");
    assert_eq!(told().await, 1, "the shop is told once");

    // Nor does what becomes of it change where the payment stands.
    let posted = host.post("/ledger-client/post", &hold(2)).await.expect(200).json();
    assert!(posted[0]["Ok"].is_array(), "{posted}");
    let capture = json!({"Capture": {"hold": format!("tr_{:026}", 2), "amount": null}});
    let captured = json!([[{"id": format!("tr_{:026}", 3), "action": capture}]]);
    let captured = host.post("/ledger-client/post", &captured).await.expect(200).json();
    assert!(captured[0]["Ok"].is_array(), "{captured}");
    assert_eq!(host.send(shop.get(&path)).await.expect(200).json(), expired);
}

/// The payment's key was free when it was looked up. Only when its answer is kept can it be seen that a top-up has begun with it.
#[tokio::test]
async fn a_key_that_a_top_up_was_begun_with_meanwhile_is_not_paid_with() {
    let (host, shop) = world(Database::Postgresql).await;
    let lock = "UPDATE account SET posted_at = posted_at WHERE shop_id = $1";
    let locked = host.storage().uncommitted(host.data(), lock, &[&shop.id]).await;
    let payment = json!({"amount": 700, "currency": "RUB", "description": "Clicks"});
    let asked = shop.post("/core/v1/payments", "the key", &payment).send(host.public, PATIENCE);
    let asked = tokio::spawn(asked);
    until("the payment waits for the account", || async {
        let waiting =
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        (host.storage().number(host.data(), waiting).await == 1).then_some(())
    })
    .await;
    let begun = "INSERT INTO top_up (id, shop_id, amount, currency, status, provider, provider_reference, created_at, \
                 idempotency_key, fingerprint) \
                 VALUES ('top_01h455vb4pex5vsknk084sn02q', $1, 500, 'RUB', 'pending', 'sandbox', '', 1, 'the key', 'another')";
    assert_eq!(host.storage().change(host.data(), begun, &[&shop.id]).await, 1);
    locked.commit().await;
    asked.await.unwrap().unwrap().expect_problem(422, "idempotency-key-reused");
    let payments: Value = host.send(shop.get("/core/v1/payments")).await.expect(200).json();
    assert_eq!(payments["data"], json!([]));
    assert_sound(&host).await;
}
