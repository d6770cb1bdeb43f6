//! What the keys to the shops' API may do, and how they are replaced.

use datamp_tests::{
    host::Host,
    http::Answer,
    shop::{Shop, text},
};
use serde_json::{Value, json};

use crate::payments::{balance, get, post};

both! {
    async fn keys_do_what_their_scopes_say_and_give_no_more(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let key = async |by: &Shop, name: &str, body: Value| -> Answer {
            let mut body = body;
            body["name"] = json!(name);
            post(&host, by, "/api-keys", name, body).await
        };
        let with = |answer: &Answer| Shop { id: shop.id.clone(), key: text(&answer.json()["secret"]) };
        let made = key(&shop, "reader", json!({"scopes": ["read"]})).await.expect(201);
        assert_eq!(made.json()["scopes"], json!(["read"]));
        let reader = with(&made);
        let payer = with(&key(&shop, "payer", json!({"scopes": ["payments"]})).await.expect(201));
        let keeper = with(&key(&shop, "keeper", json!({"scopes": ["keys", "read"]})).await.expect(201));
        let every = key(&shop, "every", json!({})).await.expect(201);
        assert_eq!(every.json()["scopes"].as_array().unwrap().len(), 7);

        assert_eq!(balance(&host, &reader, "RUB").await, (10_000, 10_000));
        get(&host, &payer, "/balance").await.expect_problem(403, "scope-missing");
        let refused = reader.pay(&host, "refused", 100).await;
        refused.expect_problem(403, "scope-missing");
        assert_eq!(refused.json()["scope"], "payments");
        assert!(refused.header("www-authenticate").unwrap().contains("insufficient_scope"));
        // Nothing was kept for that key.
        let paid = text(&payer.pay(&host, "refused", 100).await.expect(201).json()["id"]);
        for (by, path, scope) in [
            (&payer, format!("/payments/{paid}/refunds"), "refunds"),
            (&reader, format!("/payments/{paid}/capture"), "payments"),
            (&reader, format!("/payments/{paid}/void"), "payments"),
            (&payer, "/top-ups".to_owned(), "top-ups"),
            (&payer, "/accounts".to_owned(), "accounts"),
            (&reader, "/api-keys".to_owned(), "keys"),
        ] {
            let answer = post(&host, by, &path, "scope", json!({})).await;
            answer.expect_problem(403, "scope-missing");
            assert_eq!(answer.json()["scope"], scope, "{path}");
        }
        get(&host, &reader, "/api-keys").await.expect_problem(403, "scope-missing");

        // A key gives what it has: neither by a new key nor by rotating one.
        key(&keeper, "same", json!({"scopes": ["read"]})).await.expect(201);
        let refused = key(&keeper, "more", json!({"scopes": ["read", "payments"]})).await;
        refused.expect_problem(403, "scope-missing");
        assert_eq!(refused.json()["scope"], "payments");
        key(&keeper, "all", json!({})).await.expect_problem(403, "scope-missing");
        let id = text(&every.json()["id"]);
        post(&host, &keeper, &format!("/api-keys/{id}/rotate"), "rotate", json!({})).await
            .expect_problem(403, "scope-missing");
    }

    async fn a_rotated_key_works_until_the_overlap_ends(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let made = post(&host, &shop, "/api-keys", "make", json!({"name": "till", "scopes": ["read", "keys"]})).await.expect(201);
        let (id, old) = (text(&made.json()["id"]), Shop { id: shop.id.clone(), key: text(&made.json()["secret"]) });
        let rotate = format!("/api-keys/{id}/rotate");
        for overlap in [json!(-1), json!(604_801), json!("1"), json!(null)] {
            let answer = post(&host, &shop, &rotate, "bad", json!({"overlap_seconds": overlap})).await;
            assert_eq!((answer.status.as_u16(), &answer.json()["errors"][0]["field"]), (422, &json!("overlap_seconds")));
        }
        let rotated = post(&host, &old, &rotate, "rotate", json!({})).await.expect(201);
        let body = rotated.json();
        assert_eq!((&body["name"], &body["scopes"]), (&json!("till"), &json!(["read", "keys"])));
        assert_eq!(body["replaces"], json!(id));
        let new = Shop { id: shop.id.clone(), key: text(&body["secret"]) };
        // Asked again, it is the same key, and its secret is not told again.
        let replayed = post(&host, &old, &rotate, "rotate", json!({})).await.expect(201).json();
        assert_eq!((&replayed["id"], &replayed["secret"]), (&body["id"], &Value::Null));
        for by in [&old, &new] {
            get(&host, by, "/balance").await.expect(200);
        }
        let keys = get(&host, &new, "/api-keys").await.expect(200).json();
        let listed = |id: &Value| keys["data"].as_array().unwrap().iter().find(|key| key["id"] == *id).cloned().unwrap();
        assert!(listed(&json!(id))["expires_at"].is_string());
        assert_eq!(listed(&body["id"])["expires_at"], Value::Null);

        // The overlap is over: now, and by the clock.
        post(&host, &new, &rotate, "at once", json!({"overlap_seconds": 0})).await.expect(201);
        get(&host, &old, "/balance").await.expect_problem(401, "unauthorized");
        get(&host, &new, "/balance").await.expect(200);
        post(&host, &new, &rotate, "dead", json!({})).await.expect_problem(422, "api-key-not-live");
        let statement = "UPDATE api_key SET expires_at = 1 WHERE id = $1";
        assert_eq!(host.storage().change(host.data(), statement, &[&text(&body["id"])]).await, 1);
        get(&host, &new, "/balance").await.expect_problem(401, "unauthorized");
    }
}
