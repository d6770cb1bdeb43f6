//! What the database and the API say, against what the clients were told.

use std::collections::BTreeMap;

use datamp_tests::{
    host::Host,
    ledger,
    shop::{Shop, text},
};
use serde_json::Value;

use super::client::{Client, What};

/// What is there only in part, if anything is: each statement counts rows that lack what was to be written with them.
const HALVES: [&str; 10] = [
    "SELECT COUNT(*) FROM payment AS p WHERE NOT EXISTS \
     (SELECT 1 FROM transfer AS t WHERE t.id = p.transfer_id AND t.reference = p.id AND t.amount = p.amount)",
    "SELECT COUNT(*) FROM transfer AS t WHERE t.code = 'payment' AND NOT EXISTS (SELECT 1 FROM payment AS p WHERE p.id = t.reference)",
    "SELECT COUNT(*) FROM payment AS p WHERE NOT EXISTS \
     (SELECT 1 FROM idempotency AS i WHERE i.shop_id = p.shop_id AND i.key = p.reference AND i.location = '/core/v1/payments/' || p.id)",
    "SELECT COUNT(*) FROM idempotency AS i WHERE i.status = 201 AND i.location LIKE '/core/v1/payments/%' \
     AND NOT EXISTS (SELECT 1 FROM payment AS p WHERE i.location = '/core/v1/payments/' || p.id)",
    // One that is only created goes on when it is asked for again.
    "SELECT COUNT(*) FROM top_up AS u WHERE u.provider_reference <> '' AND NOT EXISTS \
     (SELECT 1 FROM idempotency AS i WHERE i.shop_id = u.shop_id AND i.location = '/core/v1/top-ups/' || u.id)",
    "SELECT COUNT(*) FROM top_up AS u WHERE (u.status = 'pending') = \
     EXISTS (SELECT 1 FROM provider_event AS e WHERE e.top_up_id = u.id)",
    "SELECT COUNT(*) FROM refund AS r WHERE NOT EXISTS \
     (SELECT 1 FROM transfer AS t WHERE t.id = r.transfer_id AND t.reference = r.id AND t.amount = r.amount) \
     OR NOT EXISTS (SELECT 1 FROM idempotency AS i WHERE i.shop_id = r.shop_id AND i.location = '/core/v1/refunds/' || r.id)",
    "SELECT COUNT(*) FROM transfer AS t WHERE t.code = 'refund' AND NOT EXISTS (SELECT 1 FROM refund AS r WHERE r.id = t.reference)",
    "SELECT COUNT(*) FROM payment AS p WHERE p.capture = 'manual' AND (p.status = 'held') = \
     EXISTS (SELECT 1 FROM transfer AS t WHERE t.pending_id = p.transfer_id)",
    "SELECT COUNT(*) FROM transfer AS t WHERE t.code = 'top-up' AND NOT EXISTS \
     (SELECT 1 FROM top_up AS u WHERE u.transfer_id = t.id AND u.id = t.reference AND u.amount = t.amount)",
];

/// Fails the test if anything is there in part.
pub(super) async fn assert_no_halves(host: &Host) {
    let mut reader = host.storage().reader(host.data()).await;
    for statement in HALVES {
        assert_eq!(reader.number(statement).await, 0, "{statement}");
    }
    reader.close().await;
}

/// Fails the test unless what was acknowledged is there, once, and nothing else is, in the API and in the database alike.
pub(super) async fn assert_kept(host: &Host, shops: &[Shop], funds: i64, clients: &[Client]) {
    assert_no_halves(host).await;
    ledger::assert_sound(host).await;
    let mut payments = 0;
    let mut captured = 0;
    for shop in shops {
        let of_shop: Vec<_> = clients.iter().filter(|client| client.shop.id == shop.id).collect();
        let told: BTreeMap<String, Value> = of_shop.iter().flat_map(|client| client.payments()).collect();
        assert_eq!(all(host, shop, "/core/v1/payments").await, told);
        let refunds: BTreeMap<String, Value> = of_shop.iter().flat_map(|client| client.refunds()).collect();
        assert_eq!(all(host, shop, "/core/v1/refunds").await, refunds);
        let sum = |name: &str| told.values().map(|payment| payment[name].as_i64().unwrap()).sum::<i64>();
        payments += told.len();
        captured += sum("captured_amount");
        let spent = sum("captured_amount") - sum("refunded_amount");

        // Those that the clients asked for, and the first one.
        let asked: BTreeMap<String, Value> = of_shop.iter().flat_map(|client| client.top_ups()).collect();
        let top_ups = all(host, shop, "/core/v1/top-ups").await;
        assert_eq!(top_ups.len(), asked.len() + 1);
        let events = of_shop.iter().flat_map(|client| &client.asked).filter_map(|asked| match &asked.what {
            What::Event { top_up, succeeded } => {
                Some((text(&top_up["id"]), if *succeeded { "succeeded" } else { "failed" }))
            }
            _ => None,
        });
        let events: BTreeMap<String, &str> = events.collect();
        let mut came = funds;
        for (id, top_up) in &asked {
            let status = events.get(id).copied().unwrap_or("pending");
            assert_eq!(top_ups[id]["status"], status, "{id}");
            assert_eq!(top_ups[id]["amount"], top_up["amount"]);
            came += if status == "succeeded" { top_up["amount"].as_i64().unwrap() } else { 0 };
        }
        assert_eq!(shop.balance(host).await, came - spent);
    }
    assert_eq!(ledger::paid(host).await, captured);
    let verified = ledger::assert_invariants(host).await;
    println!("{payments} payments, {verified:?}");
    let mut reader = host.storage().reader(host.data()).await;
    let rows = reader.number("SELECT COUNT(*) FROM payment").await;
    let keys = reader.number("SELECT COUNT(*) FROM (SELECT DISTINCT shop_id, reference FROM payment) AS k").await;
    reader.close().await;
    assert_eq!((rows, keys), (i64::try_from(payments).unwrap(), rows));
}

/// A whole list of the API, read page by page, by the ids in it.
async fn all(host: &Host, shop: &Shop, path: &str) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = host.send(shop.get(&format!("{path}?limit=100{after}"))).await.expect(200).json();
        for entry in page["data"].as_array().unwrap() {
            let before = all.insert(text(&entry["id"]), entry.clone());
            assert!(before.is_none(), "twice in {path}: {entry}");
        }
        if page["has_more"] == false {
            return all;
        }
        after = format!("&starting_after={}", text(&page["next"]));
    }
}
