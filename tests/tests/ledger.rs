//! The contract of the ledger, as another component has it: `tests/components/poster` hands over what it is asked.

use datamp_tests::{
    case::Database,
    component::built,
    host::{Host, Settings},
    http::Outgoing,
    ledger::assert_sound,
    shop::text,
    wait::until,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

on_both! {
    every_action as every_action_has_its_effect_once_on_sqlite, every_action_has_its_effect_once_on_postgresql;
    merged_chains as chains_of_callers_at_the_same_time_stay_apart_on_sqlite,
        chains_of_callers_at_the_same_time_stay_apart_on_postgresql;
    a_rule as what_the_database_refuses_fails_alone_on_sqlite, what_the_database_refuses_fails_alone_on_postgresql;
    sizes as lists_are_as_long_as_the_contract_says_on_sqlite, lists_are_as_long_as_the_contract_says_on_postgresql;
}

async fn host(database: Database) -> Host {
    let mut settings = Settings::new(database);
    for name in ["datamp_core", "datamp_sandbox_payments", "case_bench_seed", "case_poster"] {
        settings = settings.component(built(name));
    }
    settings.start().await
}

/// The id of a transfer, by a number.
fn tr(number: u32) -> String {
    format!("tr_{number:026}")
}

fn sandbox() -> Value {
    json!({"System": "provider/sandbox"})
}

fn advertising() -> Value {
    json!({"System": "revenue/advertising"})
}

/// A shop, with what the sandbox gave it in a transfer that is its own.
async fn shop(host: &Host, number: u32, owned: i64) -> Value {
    let id = text(&host.post("/bench-seed/shops", &json!({})).await.expect(200).json()["shop"]);
    let shop = json!({"Shop": id});
    assert_posted(&post(host, &chain(vec![transfer(number, &sandbox(), &shop, owned)])).await[0], &[owned]);
    shop
}

fn movement(debit: &Value, credit: &Value, amount: i64) -> Value {
    json!({"debit": debit, "credit": credit, "currency": "RUB", "amount": amount, "code": "payment", "reference": "bid_1"})
}

fn posting(number: u32, action: &str, what: Value) -> Value {
    json!({"id": tr(number), "action": {action: what}})
}

fn transfer(number: u32, debit: &Value, credit: &Value, amount: i64) -> Value {
    posting(number, "Transfer", movement(debit, credit, amount))
}

/// A list of one chain.
fn chain(postings: Vec<Value>) -> Value {
    json!([postings])
}

fn request(chains: &Value) -> Outgoing {
    Outgoing::post("/poster/post", chains)
}

async fn post(host: &Host, chains: &Value) -> Vec<Value> {
    host.send(request(chains)).await.expect(200).json().as_array().unwrap().clone()
}

/// The chain was made, with these amounts.
fn assert_posted(answer: &Value, amounts: &[i64]) {
    let posted = answer["Ok"].as_array().unwrap_or_else(|| panic!("{answer}"));
    let found: Vec<_> = posted.iter().map(|one| (one["amount"].as_i64(), one["existed"].as_bool())).collect();
    assert_eq!(found, amounts.iter().map(|amount| (Some(*amount), Some(false))).collect::<Vec<_>>());
}

fn refused(posting: u32, refusal: &str) -> Value {
    json!({"Err": {"Refused": {"posting": posting, "refusal": refusal}}})
}

/// What is posted, and available, of accounts.
async fn balances(host: &Host, owners: &[&Value]) -> Vec<(i64, i64)> {
    let accounts: Vec<_> = owners.iter().map(|owner| json!({"owner": owner, "currency": "RUB"})).collect();
    let answers = host.post("/poster/balances", &json!(accounts)).await.expect(200).json();
    let number = |answer: &Value, field: &str| answer["Ok"][field].as_i64().unwrap_or_else(|| panic!("{answer}"));
    answers.as_array().unwrap().iter().map(|answer| (number(answer, "posted"), number(answer, "available"))).collect()
}

async fn every_action(database: Database) {
    let host = host(database).await;
    let (a, b) = (shop(&host, 1, 1_000).await, shop(&host, 2, 1_000).await);
    let hold = |number, amount, expires_at: &str| {
        posting(number, "Hold", json!({"movement": movement(&a, &advertising(), amount), "expires_at": expires_at}))
    };
    let later = "2100-01-01T00:00:00Z";
    let capture = |number, hold: u32, amount: Option<i64>| {
        posting(number, "Capture", json!({"hold": tr(hold), "amount": amount}))
    };
    let back = json!({"transfer": tr(10), "movement": movement(&b, &a, 50)});
    let chains = json!([
        [transfer(10, &a, &b, 100)],
        [hold(11, 300, later)],
        [hold(12, 200, later)],
        [capture(13, 11, Some(250))],
        [posting(14, "Void", json!(tr(12)))],
        [posting(15, "Reversal", back)],
        // Each of these is refused, for its own reason.
        [posting(16, "Void", json!(tr(11)))],
        [capture(17, 12, None)],
        [posting(18, "Expire", json!(tr(10)))],
        [hold(19, 1, "2020-01-01T00:00:00Z")],
        [transfer(20, &a, &b, 10_000)],
        [transfer(10, &a, &b, 101)],
        [transfer(21, &json!({"Shop": "shop_00000000000000000000000000"}), &b, 1)],
    ]);
    let answers = post(&host, &chains).await;
    for (answer, amount) in answers.iter().zip([100, 300, 200, 250, 200, 50]) {
        assert_posted(answer, &[amount]);
    }
    let why = [
        "HoldAlreadyCaptured",
        "HoldAlreadyVoided",
        "TransferNotAHold",
        "ExpiryPassed",
        "InsufficientFunds",
        "ExistsWithDifferentAmount",
        "DebitAccountNotFound",
    ];
    assert_eq!(answers[6..], why.map(|refusal| refused(0, refusal)));

    let after = [(700, 700), (1_050, 1_050), (250, 250), (-2_000, -2_000)];
    assert_eq!(balances(&host, &[&a, &b, &advertising(), &sandbox()]).await, after);
    // Asked for again, all of it was made before, at the same time, and nothing moves.
    for (again, first) in post(&host, &chains).await.iter().zip(&answers).take(6) {
        assert_eq!(
            (&again["Ok"][0]["existed"], &again["Ok"][0]["created_at"]),
            (&json!(true), &first["Ok"][0]["created_at"])
        );
    }
    assert_eq!(balances(&host, &[&a, &b, &advertising(), &sandbox()]).await, after);

    let ids = json!([tr(11), tr(13), tr(15), tr(10), tr(99), "tr_x"]);
    let found = host.post("/poster/get", &ids).await.expect(200).json();
    assert_eq!(found[0]["Ok"]["resolved_by"], "Capture");
    assert_eq!((&found[0]["Ok"]["kind"], &found[0]["Ok"]["expires_at"]), (&json!("Hold"), &json!(later)));
    assert_eq!((&found[1]["Ok"]["resolves"], &found[1]["Ok"]["amount"]), (&json!(tr(11)), &json!(250)));
    assert_eq!((&found[1]["Ok"]["debit"], &found[1]["Ok"]["credit"]), (&a, &advertising()));
    assert_eq!(found[2]["Ok"]["reverses"], tr(10));
    assert_eq!((&found[3]["Ok"]["reversed"], &found[3]["Ok"]["code"]), (&json!(50), &json!("payment")));
    assert_eq!(found[4]["Err"], "NotFound");
    assert_eq!(found[5]["Err"]["Invalid"][0], "ids");
    assert_sound(&host).await;
}

/// Asks for all of these at once; the answers in their order.
async fn together(host: &Host, requests: Vec<Value>) -> Vec<Vec<Value>> {
    let mut sent = JoinSet::new();
    for (place, chains) in requests.iter().enumerate() {
        let answer = request(chains).send(host.public, datamp_tests::http::PATIENCE);
        sent.spawn(async move { (place, answer.await.unwrap().expect(200).json()) });
    }
    let mut answers = sent.join_all().await;
    answers.sort_by_key(|(place, _)| *place);
    answers.into_iter().map(|(_, answer)| answer.as_array().unwrap().clone()).collect()
}

/// Every caller posts to the same accounts. Half of them end in a chain that fails at its last posting: were chains put together
/// beyond their caller's list, the next caller's would fail with it, or it would succeed without them.
async fn merged_chains(database: Database) {
    let host = host(database).await;
    let (a, b) = (shop(&host, 1, 1_000).await, shop(&host, 2, 1_000).await);
    let callers = 24;
    let lists = (0..callers).map(|caller: u32| {
        let id = 100 + caller * 10;
        let last = if caller.is_multiple_of(2) { 1 } else { 1_000_000 };
        json!([
            [transfer(id, &a, &b, 2), transfer(id + 1, &b, &a, 2)],
            [transfer(id + 2, &a, &advertising(), 3)],
            [transfer(id + 3, &a, &b, 1), transfer(id + 4, &b, &a, 1), transfer(id + 5, &a, &b, last)],
        ])
    });
    let mut lists: Vec<_> = lists.collect();
    // And each list twice: the same ids at the same time have one effect.
    lists.extend(lists.clone());
    for (place, answers) in together(&host, lists).await.iter().enumerate() {
        let amounts = |answer: &Value| {
            let posted = answer["Ok"].as_array().unwrap_or_else(|| panic!("{answer}"));
            posted.iter().map(|one| one["amount"].as_i64().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(answers.len(), 3);
        assert_eq!((amounts(&answers[0]), amounts(&answers[1])), (vec![2, 2], vec![3]));
        if place % 2 == 0 {
            assert_eq!(amounts(&answers[2]), [1, 1, 1]);
        } else {
            assert_eq!(answers[2], refused(2, "InsufficientFunds"));
        }
    }
    let paid = 3 * i64::from(callers);
    let moved = i64::from(callers / 2);
    let (a_has, b_has) = (1_000 - paid - moved, 1_000 + moved);
    assert_eq!(balances(&host, &[&a, &b, &advertising()]).await, [(a_has, a_has), (b_has, b_has), (paid, paid)]);
    assert_sound(&host).await;
}

/// No lock keeps those apart who ask for the same id between accounts of their own: one of them learns of the other when it
/// writes, and looks again.
#[tokio::test]
async fn an_id_that_is_taken_between_other_accounts_meanwhile_is_refused() {
    let host = host(Database::Postgresql).await;
    let (a, b) = (shop(&host, 1, 1_000).await, shop(&host, 2, 1_000).await);
    let (c, d) = (shop(&host, 3, 1_000).await, shop(&host, 4, 1_000).await);
    let id = |shop: &Value| shop["Shop"].as_str().unwrap().to_owned();
    let insert = "INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, currency, code, reference, debit_balance, \
                  credit_balance, created_at) SELECT $1, c.id, d.id, 1, 'RUB', 'payment', 'bid_1', 0, 0, c.posted_at + d.posted_at \
                  FROM account AS c, account AS d WHERE c.shop_id = $2 AND d.shop_id = $3";
    let other = host.storage().uncommitted(host.data(), insert, &[&tr(100), &id(&c), &id(&d)]).await;

    let asked = request(&chain(vec![transfer(100, &a, &b, 1)])).send(host.public, datamp_tests::http::PATIENCE);
    let asked = tokio::spawn(asked);
    until("it waits for the other", || async {
        let waiting =
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        (host.storage().number(host.data(), waiting).await == 1).then_some(())
    })
    .await;
    other.commit().await;
    let answer = asked.await.unwrap().unwrap().expect(200).json();
    assert_eq!(answer[0], refused(0, "ExistsWithDifferentDebitAccount"));
    assert_eq!(balances(&host, &[&a, &b]).await, [(1_000, 1_000); 2]);
}

/// Only the database knows that a top-up was credited: it refuses the whole transaction that credits it again.
async fn a_rule(database: Database) {
    let host = host(database).await;
    let a = shop(&host, 1, 1_000).await;
    let top_up = |number| {
        let mut movement = movement(&sandbox(), &a, 5);
        movement["code"] = json!("top-up");
        movement["reference"] = json!("top_1");
        posting(number, "Transfer", movement)
    };
    assert_posted(&post(&host, &chain(vec![top_up(2)])).await[0], &[5]);
    let lists = (0..20).map(|caller: u32| {
        let pays = transfer(100 + caller, &a, &advertising(), 1);
        if caller.is_multiple_of(5) { chain(vec![pays, top_up(200 + caller)]) } else { chain(vec![pays]) }
    });
    for (caller, answers) in together(&host, lists.collect()).await.iter().enumerate() {
        if caller % 5 == 0 {
            assert!(answers[0]["Err"]["Conflict"].is_string(), "{}", answers[0]);
        } else {
            assert_posted(&answers[0], &[1]);
        }
    }
    assert_eq!(balances(&host, &[&a]).await, [(1_005 - 16, 1_005 - 16)]);
    assert_sound(&host).await;
}

async fn sizes(database: Database) {
    let host = host(database).await;
    let a = shop(&host, 1, 10_000).await;
    let pay = |number| transfer(number, &a, &advertising(), 1);
    // As many as there may be, alone and in a chain; and together more than one transaction holds.
    let mut most: Vec<_> = (0..999).map(|number| json!([pay(10_000 + number)])).collect();
    most.push(json!((0..1_000).map(|number| pay(20_000 + number)).collect::<Vec<_>>()));
    let answers = post(&host, &json!(most)).await;
    assert_eq!(answers.len(), 1_000);
    assert!(answers.iter().all(|answer| answer["Ok"].is_array()), "{}", answers[999]);
    assert_eq!(answers[999]["Ok"].as_array().unwrap().len(), 1_000);
    let after = [(10_000 - 1_999, 10_000 - 1_999)];
    assert_eq!(balances(&host, &[&a]).await, after);

    let too_many: Vec<_> = (0..1_001).map(|number| json!([pay(30_000 + number)])).collect();
    let answers = post(&host, &json!(too_many)).await;
    assert!(answers.len() == 1_001 && answers.iter().all(|answer| answer["Err"]["OutOfBounds"].is_string()));
    let long: Vec<_> = (0..1_001).map(|number| pay(40_000 + number)).collect();
    let answers = post(&host, &json!([long, [], [pay(50_000)]])).await;
    assert!(answers[..2].iter().all(|answer| answer["Err"]["OutOfBounds"].is_string()));
    assert_posted(&answers[2], &[1]);
    assert_eq!(balances(&host, &[&a]).await, [(after[0].0 - 1, after[0].1 - 1)]);
    assert_sound(&host).await;
}
