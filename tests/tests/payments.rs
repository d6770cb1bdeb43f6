//! What shops do with payments after they were made, with their currencies and their lists.

use datamp_tests::{
    host::Host,
    http::{Answer, Outgoing, PATIENCE},
    ledger,
    shop::{Owner, Shop, callback, text},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// Asks core for something with a shop's key.
pub(crate) async fn get(host: &Host, shop: &Shop, path: &str) -> Answer {
    host.send(shop.get(&format!("/core/v1{path}"))).await
}

/// Posts to core with an idempotency key.
pub(crate) async fn post(host: &Host, shop: &Shop, path: &str, key: &str, body: Value) -> Answer {
    host.send(shop.post(&format!("/core/v1{path}"), key, &body)).await
}

/// Holds an amount, and answers the payment's path below `/core/v1`.
async fn hold(host: &Host, shop: &Shop, key: &str, amount: i64) -> String {
    let body = json!({"amount": amount, "currency": "RUB", "description": "A banner", "capture": "manual"});
    let held = post(host, shop, "/payments", key, body).await.expect(201).json();
    assert_eq!(held["status"], "held", "{held}");
    format!("/payments/{}", text(&held["id"]))
}

/// What a shop has in a currency: posted and available.
pub(crate) async fn balance(host: &Host, shop: &Shop, currency: &str) -> (i64, i64) {
    let page = get(host, shop, &format!("/balance?currency={currency}")).await.expect(200).json();
    (page["data"][0]["posted"].as_i64().unwrap(), page["data"][0]["available"].as_i64().unwrap())
}

/// Status, captured and refunded of a payment.
fn state(payment: &Value) -> (String, i64, i64) {
    let number = |name: &str| payment[name].as_i64().unwrap();
    (text(&payment["status"]), number("captured_amount"), number("refunded_amount"))
}

fn is(status: &str, captured: i64, refunded: i64) -> (String, i64, i64) {
    (status.to_owned(), captured, refunded)
}

/// The ids of a list, read in pages of two.
async fn ids(host: &Host, shop: &Shop, path: &str) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), String::new());
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = get(host, shop, &format!("{path}{sign}limit=2{after}")).await.expect(200).json();
        ids.extend(page["data"].as_array().unwrap().iter().map(|entry| text(&entry["id"])));
        if page["has_more"] == false {
            return ids;
        }
        after = format!("&starting_after={}", text(&page["next"]));
    }
}

/// A time as it stands in a query.
fn time(value: &Value) -> String {
    text(value).replace('+', "%2B")
}

both! {
    async fn a_hold_is_captured_in_part_and_refunded_no_further(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let path = hold(&host, &shop, "hold", 4_000).await;
        assert_eq!(balance(&host, &shop, "RUB").await, (10_000, 6_000));
        let held = get(&host, &shop, &path).await.expect(200).json();
        assert_eq!(state(&held), is("held", 0, 0));
        assert_eq!(held["capture"], "manual");
        assert!(held["expires_at"].is_string());
        // What is held can't be spent, and is no entry of the statement.
        shop.pay(&host, "too much", 6_001).await.expect_problem(402, "insufficient-funds");
        assert_eq!(ids(&host, &shop, "/statement").await.len(), 1);
        // Nothing was moved that could go back, and no more is held.
        post(&host, &shop, &format!("{path}/refunds"), "early", json!({"reason": "Too early"})).await
            .expect_problem(422, "payment-not-captured");
        post(&host, &shop, &format!("{path}/capture"), "more", json!({"amount": 4_001})).await
            .expect_problem(422, "capture-exceeds-hold");

        let captured = post(&host, &shop, &format!("{path}/capture"), "capture", json!({"amount": 2_500})).await.expect(200);
        assert_eq!(state(&captured.json()), is("succeeded", 2_500, 0));
        let replayed = post(&host, &shop, &format!("{path}/capture"), "capture", json!({"amount": 2_500})).await.expect(200);
        assert_eq!(replayed.body, captured.body);
        assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
        post(&host, &shop, &format!("{path}/capture"), "capture", json!({})).await
            .expect_problem(422, "idempotency-key-reused");
        // The rest was released.
        assert_eq!(balance(&host, &shop, "RUB").await, (7_500, 7_500));
        for (action, key) in [("capture", "again"), ("void", "too late")] {
            post(&host, &shop, &format!("{path}/{action}"), key, json!({})).await.expect_problem(422, "already-captured");
        }

        let refund = post(&host, &shop, &format!("{path}/refunds"), "first", json!({"amount": 1_000, "reason": "Late"}))
            .await.expect(201);
        assert_eq!(state(&get(&host, &shop, &path).await.json()), is("partially-refunded", 2_500, 1_000));
        let location = refund.header("location").unwrap().to_owned();
        assert_eq!(host.send(shop.get(&location)).await.expect(200).body, refund.body);
        post(&host, &shop, &format!("{path}/refunds"), "beyond", json!({"amount": 1_501, "reason": "More"})).await
            .expect_problem(422, "refund-exceeds-payment");
        // All that is left, without an amount; then nothing is.
        let rest = post(&host, &shop, &format!("{path}/refunds"), "rest", json!({"reason": "All of it"})).await.expect(201);
        assert_eq!(rest.json()["amount"], 1_500);
        assert_eq!(state(&get(&host, &shop, &path).await.json()), is("refunded", 2_500, 2_500));
        post(&host, &shop, &format!("{path}/refunds"), "none", json!({"reason": "More"})).await
            .expect_problem(422, "refund-exceeds-payment");
        assert_eq!(balance(&host, &shop, "RUB").await, (10_000, 10_000));
        let refunds = ids(&host, &shop, &format!("{path}/refunds")).await;
        assert_eq!(refunds, [text(&rest.json()["id"]), text(&refund.json()["id"])]);
        assert_eq!(ids(&host, &shop, "/refunds").await, refunds);

        // A hold that is voided is free again, and final.
        let path = hold(&host, &shop, "another", 10_000).await;
        assert_eq!(balance(&host, &shop, "RUB").await, (10_000, 0));
        let voided = host.send(
            Outgoing::new("POST", &format!("/core/v1{path}/void")).bearer(&shop.key).header("idempotency-key", "void")
        ).await.expect(200).json();
        assert_eq!(state(&voided), is("voided", 0, 0));
        assert_eq!(balance(&host, &shop, "RUB").await, (10_000, 10_000));
        for (action, key) in [("capture", "c"), ("void", "v")] {
            post(&host, &shop, &format!("{path}/{action}"), key, json!({})).await.expect_problem(422, "already-voided");
        }
        post(&host, &shop, &format!("{path}/refunds"), "r", json!({"reason": "None"})).await
            .expect_problem(422, "payment-not-captured");
        ledger::assert_sound(&host).await;
    }

    async fn an_immediate_payment_is_refunded_and_never_captured(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let paid = shop.pay(&host, "pay", 3_000).await.expect(201).json();
        assert_eq!(state(&paid), is("succeeded", 3_000, 0));
        assert_eq!((&paid["capture"], &paid["expires_at"]), (&json!("automatic"), &Value::Null));
        // Said and left out is the same request.
        let body = json!({"amount": 3_000, "currency": "RUB", "description": "Clicks in week 47", "capture": "automatic"});
        let replayed = post(&host, &shop, "/payments", "pay", body.clone()).await.expect(201);
        assert_eq!(replayed.header("idempotency-replayed"), Some("true"));
        let mut manual = body;
        manual["capture"] = json!("manual");
        post(&host, &shop, "/payments", "pay", manual).await.expect_problem(422, "idempotency-key-reused");

        let path = format!("/payments/{}", text(&paid["id"]));
        for (action, key) in [("capture", "c"), ("void", "v")] {
            post(&host, &shop, &format!("{path}/{action}"), key, json!({})).await.expect_problem(422, "already-captured");
        }
        // Sixteen at once want a quarter each: four get it, and nobody more.
        let mut asked = JoinSet::new();
        for number in 0..16 {
            let body = json!({"amount": 750, "reason": "A quarter"});
            let request = shop.post(&format!("/core/v1{path}/refunds"), &format!("quarter {number}"), &body);
            asked.spawn(request.send(host.public, PATIENCE));
        }
        let mut made = 0;
        for answer in asked.join_all().await {
            let answer = answer.unwrap();
            match answer.status.as_u16() {
                201 => made += 1,
                _ => answer.expect_problem(422, "refund-exceeds-payment"),
            }
        }
        assert_eq!(made, 4);
        assert_eq!(state(&get(&host, &shop, &path).await.json()), is("refunded", 3_000, 3_000));
        assert_eq!(balance(&host, &shop, "RUB").await, (10_000, 10_000));

        // Of a capture and a void at the same time one has its effect.
        let path = hold(&host, &shop, "hold", 1_000).await;
        let mut asked = JoinSet::new();
        for number in 0..8 {
            let action = if number % 2 == 0 { "capture" } else { "void" };
            let request = shop.post(&format!("/core/v1{path}/{action}"), &format!("race {number}"), &json!({}));
            asked.spawn(request.send(host.public, PATIENCE));
        }
        let statuses: Vec<u16> =
            asked.join_all().await.into_iter().map(|answer| answer.unwrap().status.as_u16()).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [200, 422].contains(status)), "{statuses:?}");
        ledger::assert_sound(&host).await;
    }

    async fn bad_payments_captures_and_refunds_change_nothing(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let held = hold(&host, &shop, "hold", 1_000).await;
        let (capture, void, refunds) = (format!("{held}/capture"), format!("{held}/void"), format!("{held}/refunds"));
        let payment = |capture: &str, expires_in: Value| {
            json!({"amount": 1, "currency": "RUB", "description": "x", "capture": capture, "expires_in": expires_in})
        };
        for (number, (path, body, field)) in [
            ("/payments", payment("automatic", json!(60)), "expires_in"),
            ("/payments", payment("manual", json!(59)), "expires_in"),
            ("/payments", payment("manual", json!(2_592_001)), "expires_in"),
            ("/payments", payment("later", json!(60)), "capture"),
            (&capture, json!({"amount": 0}), "amount"),
            (&capture, json!({"amount": -1}), "amount"),
            (&capture, json!({"amount": 1.5}), "amount"),
            (&capture, json!({"amount": "1"}), "amount"),
            (&capture, json!({"sum": 1}), "sum"),
            (&void, json!({"amount": 1}), "amount"),
            (&refunds, json!({}), "reason"),
            (&refunds, json!({"reason": " "}), "reason"),
            (&refunds, json!({"reason": "x".repeat(501)}), "reason"),
            (&refunds, json!({"reason": "x", "amount": 0}), "amount"),
            ("/accounts", json!({"currency": "rub"}), "currency"),
            ("/accounts", json!({}), "currency"),
            ("/api-keys", json!({"name": "x", "scopes": []}), "scopes"),
            ("/api-keys", json!({"name": "x", "scopes": ["all"]}), "scopes[0]"),
            ("/api-keys", json!({"name": "x", "expires_at": "2020-01-01T00:00:00Z"}), "expires_at"),
        ]
        .into_iter()
        .enumerate()
        {
            let answer = post(&host, &shop, path, &format!("bad {number}"), body.clone()).await;
            assert_eq!(answer.status, 422, "{path} {body}: {}", answer.text());
            assert_eq!(answer.problem().as_deref(), Some("unprocessable"), "{path} {body}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{path} {body}: {}", answer.text());
        }
        for path in [&capture, &void, &refunds] {
            let request = Outgoing::post(&format!("/core/v1{path}"), &json!({"reason": "x"})).bearer(&shop.key);
            host.send(request).await.expect_problem(400, "idempotency-key-missing");
        }
        // Nobody else's payment, and none that there is not.
        let stranger = Owner::register(&host, "boris@example.com").await.create_shop(&host, "Coffee").await;
        for action in ["capture", "void"] {
            post(&host, &stranger, &format!("{held}/{action}"), action, json!({})).await.expect_problem(404, "not-found");
        }
        post(&host, &stranger, &refunds, "refund", json!({"reason": "x"})).await.expect_problem(404, "not-found");
        get(&host, &stranger, &refunds).await.expect_problem(404, "not-found");
        get(&host, &shop, "/refunds/ref_01h455vb4pex5vsknk084sn02q").await.expect_problem(404, "not-found");
        get(&host, &shop, "/refunds/pay_01h455vb4pex5vsknk084sn02q").await.expect_problem(400, "bad-request");
        for (query, field) in [
            ("/payments?status=paid", "status"),
            ("/payments?created_after=yesterday", "created_after"),
            ("/payments?currency=RUR", "currency"),
            ("/payments?starting_after=pay_01h455vb4pex5vsknk084sn02q", "starting_after"),
            ("/top-ups?status=held", "status"),
            ("/refunds?status=failed", "status"),
            ("/balance?as_of=9999-01-01T00:00:00Z", "as_of"),
            ("/balance?as_of=1", "as_of"),
            ("/statement.csv?limit=1", "limit"),
            ("/statement.csv?starting_after=x", "starting_after"),
        ] {
            let answer = get(&host, &shop, query).await;
            assert_eq!((answer.status.as_u16(), answer.problem().as_deref()), (400, Some("bad-request")), "{query}");
            assert_eq!(answer.json()["errors"][0]["field"], field, "{query}: {}", answer.text());
        }
        assert_eq!(state(&get(&host, &shop, &held).await.json()), is("held", 0, 0));
        assert_eq!(balance(&host, &shop, "RUB").await, (10_000, 9_000));
        assert_eq!(ids(&host, &shop, "/payments").await.len(), 1);
    }

    async fn a_hold_whose_time_is_over_is_captured_no_more(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let path = hold(&host, &shop, "hold", 1_000).await;
        let changed = host.storage().change(host.data(), "UPDATE transfer SET expires_at = 1 WHERE kind = 'hold'", &[]).await;
        assert_eq!(changed, 1);
        for (action, key) in [("capture", "c"), ("void", "v")] {
            post(&host, &shop, &format!("{path}/{action}"), key, json!({})).await.expect_problem(422, "hold-expired");
        }
        // It is held until it is released, and its payment says so.
        assert_eq!(state(&get(&host, &shop, &path).await.json()), is("held", 0, 0));
        assert_eq!(balance(&host, &shop, "RUB").await, (10_000, 9_000));
    }

    async fn a_frozen_shop_spends_nothing_and_a_closed_one_gets_nothing(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let paid = text(&shop.pay(&host, "pay", 500).await.expect(201).json()["id"]);
        let (to_capture, to_void) = (hold(&host, &shop, "one", 1_000).await, hold(&host, &shop, "two", 2_000).await);
        let stand = async |status: &str| {
            host.storage().change(host.data(), "UPDATE shop SET status = $1 WHERE id = $2", &[status, &shop.id]).await;
            host.storage().change(host.data(), "UPDATE account SET status = $1 WHERE shop_id = $2", &[status, &shop.id]).await;
        };
        stand("frozen").await;
        shop.pay(&host, "frozen", 1).await.expect_problem(403, "shop-frozen");
        let manual = json!({"amount": 1, "currency": "RUB", "description": "x", "capture": "manual"});
        post(&host, &shop, "/payments", "frozen hold", manual).await.expect_problem(403, "shop-frozen");
        post(&host, &shop, &format!("{to_capture}/capture"), "c", json!({})).await.expect_problem(403, "shop-frozen");
        post(&host, &shop, "/accounts", "eur", json!({"currency": "EUR"})).await.expect_problem(403, "shop-frozen");
        // What is its own comes back to it.
        post(&host, &shop, &format!("{to_void}/void"), "v", json!({})).await.expect(200);
        post(&host, &shop, &format!("/payments/{paid}/refunds"), "r", json!({"amount": 100, "reason": "Late"})).await.expect(201);
        assert_eq!(balance(&host, &shop, "RUB").await, (9_600, 8_600));
        assert_eq!(get(&host, &shop, "/accounts/RUB").await.json()["status"], "frozen");

        stand("closed").await;
        shop.pay(&host, "closed", 1).await.expect_problem(403, "shop-closed");
        post(&host, &shop, &format!("/payments/{paid}/refunds"), "late", json!({"reason": "Late"})).await
            .expect_problem(403, "shop-closed");
        post(&host, &shop, "/accounts", "usd", json!({"currency": "USD"})).await.expect_problem(403, "shop-closed");
        // A refusal is an answer that stays.
        stand("active").await;
        shop.pay(&host, "frozen", 1).await.expect_problem(403, "shop-frozen");
        shop.pay(&host, "active", 1).await.expect(201);
        ledger::assert_sound(&host).await;
    }

    async fn a_shop_has_an_account_in_each_currency_that_it_opens(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let jpy = json!({"amount": 50, "currency": "JPY", "description": "Ads"});
        post(&host, &shop, "/payments", "none", jpy.clone()).await.expect_problem(422, "account-not-found");
        get(&host, &shop, "/accounts/JPY").await.expect_problem(404, "not-found");
        let opened = post(&host, &shop, "/accounts", "open", json!({"currency": "JPY"})).await.expect(201);
        assert_eq!((&opened.json()["minor_digits"], &opened.json()["posted"]), (&json!(0), &json!(0)));
        assert_eq!(host.send(shop.get(opened.header("location").unwrap())).await.expect(200).body, opened.body);
        let replayed = post(&host, &shop, "/accounts", "open", json!({"currency": "JPY"})).await.expect(201);
        assert_eq!(replayed.header("idempotency-replayed"), Some("true"));

        let top_up = json!({"amount": 800, "currency": "JPY"});
        let top_up = post(&host, &shop, "/top-ups", "yen", top_up).await.expect(201).json();
        let secret = host.control.secret("sandbox-payments", "sandbox-callback").await;
        host.send(callback(&secret, "evt_yen", &top_up)).await.expect(200);
        post(&host, &shop, "/payments", "yen payment", jpy).await.expect(201);
        // Opened again, it is the account that is there.
        let again = post(&host, &shop, "/accounts", "again", json!({"currency": "JPY"})).await.expect(200).json();
        assert_eq!((&again["id"], &again["posted"]), (&opened.json()["id"], &json!(750)));
        assert_eq!(balance(&host, &shop, "JPY").await, (750, 750));
        assert_eq!(balance(&host, &shop, "RUB").await, (10_000, 10_000));
        let accounts = get(&host, &shop, "/accounts").await.expect(200).json();
        let currencies: Vec<_> = accounts["data"].as_array().unwrap().iter().map(|account| text(&account["currency"])).collect();
        assert_eq!(currencies, ["JPY", "RUB"]);
        ledger::assert_sound(&host).await;
    }

    async fn lists_are_filtered_and_their_pages_complete(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        post(&host, &shop, "/accounts", "eur", json!({"currency": "EUR"})).await.expect(201);
        let mut made = Vec::new();
        for number in 0..6_i64 {
            let answer = match number % 3 {
                0 => shop.pay(&host, &format!("pay {number}"), 100 + number).await.expect(201).json(),
                1 => get(&host, &shop, &hold(&host, &shop, &format!("hold {number}"), 50).await).await.expect(200).json(),
                _ => {
                    let path = hold(&host, &shop, &format!("void {number}"), 50).await;
                    post(&host, &shop, &format!("{path}/void"), &format!("v {number}"), json!({})).await.expect(200).json()
                }
            };
            made.push(answer);
        }
        let newest_first = |only: &dyn Fn(&Value) -> bool| -> Vec<String> {
            made.iter().rev().filter(|payment| only(payment)).map(|payment| text(&payment["id"])).collect()
        };
        assert_eq!(ids(&host, &shop, "/payments").await, newest_first(&|_| true));
        for status in ["succeeded", "held", "voided", "expired", "refunded"] {
            let expected = newest_first(&|payment| payment["status"] == status);
            assert_eq!(ids(&host, &shop, &format!("/payments?status={status}")).await, expected, "{status}");
            assert_eq!(ids(&host, &shop, &format!("/payments?status={status}&currency=RUB")).await, expected, "{status}");
        }
        assert_eq!(ids(&host, &shop, "/payments?currency=EUR").await, Vec::<String>::new());
        assert_eq!(ids(&host, &shop, "/payments?currency=USD").await, Vec::<String>::new());
        // From the second, before the fifth: half-open.
        let (from, before) = (time(&made[1]["created_at"]), time(&made[4]["created_at"]));
        let between = ids(&host, &shop, &format!("/payments?created_after={from}&created_before={before}")).await;
        assert_eq!(between, newest_first(&|_| true)[2..5]);
        // What comes meanwhile moves nothing.
        let page = get(&host, &shop, "/payments?limit=2").await.expect(200).json();
        shop.pay(&host, "meanwhile", 1).await.expect(201);
        let next = get(&host, &shop, &format!("/payments?limit=2&starting_after={}", text(&page["next"]))).await.expect(200).json();
        assert_eq!(text(&next["data"][0]["id"]), newest_first(&|_| true)[2]);

        let refunded = text(&made[0]["id"]);
        post(&host, &shop, &format!("/payments/{refunded}/refunds"), "r", json!({"amount": 1, "reason": "=1+1"})).await.expect(201);
        assert_eq!(ids(&host, &shop, "/payments?status=partially-refunded").await, [refunded]);
        assert_eq!(ids(&host, &shop, "/refunds?status=succeeded&currency=RUB").await.len(), 1);
        assert_eq!(ids(&host, &shop, "/refunds?currency=EUR").await.len(), 0);
        assert_eq!(ids(&host, &shop, "/top-ups?status=succeeded").await.len(), 1);
        assert_eq!(ids(&host, &shop, "/top-ups?status=pending").await.len(), 0);
        for (code, count) in [("payment", 3), ("refund", 1), ("top-up", 1), ("reversal", 0)] {
            assert_eq!(ids(&host, &shop, &format!("/statement?code={code}")).await.len(), count, "{code}");
        }
        assert_eq!(ids(&host, &shop, "/statement").await.len(), 5);
        assert_eq!(ids(&host, &shop, &format!("/statement?currency=RUB&created_after={before}")).await.len(), 2);
        ledger::assert_sound(&host).await;
    }

    async fn a_balance_is_told_as_of_a_date(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let held = get(&host, &shop, &hold(&host, &shop, "hold", 1_000).await).await.json();
        let paid = shop.pay(&host, "pay", 500).await.expect(201).json();
        let as_of = async |time: &str| -> (i64, i64) {
            let balance = get(&host, &shop, &format!("/balance?currency=RUB&as_of={time}")).await.expect(200).json();
            (balance["data"][0]["posted"].as_i64().unwrap(), balance["data"][0]["available"].as_i64().unwrap())
        };
        assert_eq!(as_of("2020-01-01T00:00:00Z").await, (0, 0));
        assert_eq!(as_of(&time(&held["created_at"])).await, (10_000, 9_000));
        assert_eq!(as_of(&time(&paid["created_at"])).await, (9_500, 8_500));
    }

    async fn the_statement_is_a_table_that_spreadsheets_can_take(host: Host) {
        let shop = Shop::with_balance(&host, "anna@example.com", 10_000).await;
        let body = json!({"amount": 123, "currency": "RUB", "description": "=HYPERLINK(\"x\"), bold", "reference": "+7"});
        let paid = post(&host, &shop, "/payments", "pay", body).await.expect(201).json();
        post(&host, &shop, &format!("/payments/{}/refunds", text(&paid["id"])), "r", json!({"reason": "Late", "amount": 23}))
            .await.expect(201);
        let table = get(&host, &shop, "/statement.csv?currency=RUB").await.expect(200);
        assert_eq!(table.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
        assert!(table.header("link").is_none());
        let text_of = table.text();
        let lines: Vec<&str> = text_of.split("\r\n").collect();
        assert_eq!(lines.len(), 5, "{text_of}");
        assert!(lines[0].starts_with("id,created_at,direction,code,currency,amount_minor,amount,"), "{text_of}");
        assert!(lines[1].contains(",incoming,refund,RUB,23,0.23,9900,99.00,ref_"), "{text_of}");
        assert!(lines[1].contains(",Late,"), "{text_of}");
        assert!(lines[2].contains(",outgoing,payment,RUB,123,1.23,9877,98.77,pay_"), "{text_of}");
        assert!(lines[2].ends_with(r#","'=HYPERLINK(""x""), bold",'+7,2"#), "{text_of}");
        assert!(lines[3].contains(",incoming,top-up,RUB,10000,100.00,10000,100.00,top_"), "{text_of}");
        assert_eq!(lines[4], "");
        let only = get(&host, &shop, "/statement.csv?code=refund&created_after=2020-01-01T00:00:00Z").await.expect(200).text();
        assert_eq!(only.split("\r\n").count(), 3, "{only}");
        let empty = get(&host, &shop, "/statement.csv?currency=USD").await.expect(200).text();
        assert_eq!(empty.split("\r\n").count(), 2, "{empty}");
    }
}
