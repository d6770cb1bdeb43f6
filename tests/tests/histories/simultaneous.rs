//! Several histories at the same time, on the same shops, transfers and keys. Which comes first nobody knows, so that what was
//! answered is held against the rules, and against what is there in the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use datamp_tests::{
    case::Database,
    host::Host,
    http::{Answer, PATIENCE},
    ledger,
};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::{
    client::{Client, Posted},
    host,
    model::{Balance, new_system},
    random, runner, shops,
    steps::{Action, Chain, Movement, NAMES, Posting, SHOPS, Step, histories},
};

/// How many times histories meet, and how many do each time.
const MEETINGS: usize = 8;
const AT_ONCE: usize = 4;

/// What was asked by all, and answered.
#[derive(Default)]
struct Record {
    chains: Vec<(Chain, Posted)>,
    payments: Vec<Asked>,
}

/// A payment that was asked for.
struct Asked {
    shop: usize,
    key: usize,
    amount: i64,
    answer: Answer,
}

pub(super) async fn keep_the_rules(database: Database) {
    let mut runner = runner();
    let mut host = host(database).await;
    let mut made = 0;
    let mut system: BTreeMap<_, _> = new_system().into_iter().collect();
    for number in 0..MEETINGS {
        let client = Client::new(host.public, number, shops(&host).await);
        let mut meeting = JoinSet::new();
        let is_over = Arc::new(AtomicBool::new(false));
        for part in 0..AT_ONCE {
            let history = random(&mut runner, &histories(15..30));
            println!("meeting {number}, history {part}: {history:?}");
            meeting.spawn(go_through(client.clone(), history));
        }
        let (records, ()) = tokio::join!(
            async {
                let records = meeting.join_all().await;
                is_over.store(true, Ordering::SeqCst);
                records
            },
            keep_verifying(&host, &is_over),
        );
        let mut record = Record::default();
        for part in records {
            record.chains.extend(part.chains);
            record.payments.extend(part.payments);
        }
        made += assert_one_effect(&client, &record, &mut system).await;
        ledger::assert_invariants(&host).await;
    }
    assert!(made > 20 * MEETINGS, "{made}");
    host.assert_well().await;
}

/// Verifies the ledger again and again while it is in use, once at least.
async fn keep_verifying(host: &Host, is_over: &AtomicBool) {
    loop {
        ledger::verify(host).await;
        if is_over.load(Ordering::SeqCst) {
            return;
        }
    }
}

async fn go_through(client: Client, history: Vec<Step>) -> Record {
    let mut record = Record::default();
    for (place, step) in history.iter().enumerate() {
        let step = if let Step::Again(back) = step { history[..place].iter().rev().nth(*back) } else { Some(step) };
        match step {
            Some(Step::Post(chains)) => {
                let answers = post(&client, chains).await;
                record.chains.extend(chains.iter().cloned().zip(answers));
            }
            Some(Step::Pay { shop, key, amount }) => {
                let answer = pay(&client, *shop, *key, *amount).await;
                record.payments.push(Asked { shop: *shop, key: *key, amount: *amount, answer });
            }
            // What lapses is a matter of time, not of who comes first: the histories one by one have it.
            Some(Step::Lapse { .. } | Step::Again(_)) | None => {}
        }
    }
    record
}

/// Posts chains. Those of which it is not known what became are asked for again, as the contract says, and they alone: the others
/// would be told that they exist.
async fn post(client: &Client, chains: &[Chain]) -> Vec<Posted> {
    let began = Instant::now();
    let mut answers = client.post(chains).await;
    loop {
        let is_unknown = |answer: &Posted| answer.as_ref().is_err_and(|failure| failure.get("Unavailable").is_some());
        let unknown: Vec<usize> = (0..chains.len()).filter(|place| is_unknown(&answers[*place])).collect();
        if unknown.is_empty() {
            return answers;
        }
        assert!(began.elapsed() < PATIENCE, "{answers:?}");
        let again: Vec<Chain> = unknown.iter().map(|place| chains[*place].clone()).collect();
        for (place, answer) in unknown.into_iter().zip(client.post(&again).await) {
            answers[place] = answer;
        }
    }
}

/// Pays, and asks again with the same key while it is in use, or core can't do it, as the API says.
async fn pay(client: &Client, shop: usize, key: usize, amount: i64) -> Answer {
    let began = Instant::now();
    loop {
        let answer = client.pay(shop, key, amount).await;
        if !matches!(answer.problem().as_deref(), Some("idempotency-key-in-use" | "unavailable")) {
            return answer;
        }
        assert!(began.elapsed() < PATIENCE, "{answer:?}");
        tokio::task::yield_now().await;
    }
}

/// Each id and each key has one effect, all answers tell of it, and it is all that there is. Answers how many transfers were made.
async fn assert_one_effect(
    client: &Client,
    record: &Record,
    system: &mut BTreeMap<(usize, &'static str), Balance>,
) -> usize {
    let mut made: BTreeMap<usize, (&Posting, i64)> = BTreeMap::new();
    let mut news = BTreeSet::new();
    for (chain, answer) in &record.chains {
        match answer {
            Ok(posted) => {
                let existed: BTreeSet<bool> = posted.iter().map(|(existed, _)| *existed).collect();
                assert_eq!(existed.len(), 1, "a chain that was made in part before: {chain:?}");
                for (posting, (existed, amount)) in chain.iter().zip(posted) {
                    let (first, of_first) = made.entry(posting.id).or_insert((posting, *amount));
                    assert_eq!((&named(first), *of_first), (&named(posting), *amount), "two effects of one id");
                    assert!(*existed || news.insert(posting.id), "made twice: {posting:?}");
                }
            }
            Err(failure) => assert!(is_named(failure), "{chain:?}: {failure}"),
        }
    }
    // Who was told that it existed was not the first.
    assert_eq!(news, made.keys().copied().collect());

    let mut balances: BTreeMap<_, _> =
        SHOPS.iter().zip(2..).map(|(currency, shop)| ((shop, *currency), Balance::default())).collect();
    balances.append(system);
    let mut resolved: BTreeMap<usize, &str> = BTreeMap::new();
    let mut reversed: BTreeMap<usize, i64> = BTreeMap::new();
    for (posting, amount) in made.values() {
        match &posting.action {
            Action::Transfer(movement) => add(&mut balances, movement, *amount, 0),
            Action::Hold(movement, _) => add(&mut balances, movement, 0, *amount),
            Action::Reversal(of, movement) => {
                add(&mut balances, movement, *amount, 0);
                *reversed.entry(*of).or_default() += amount;
            }
            Action::Capture(hold, _) | Action::Void(hold) | Action::Expire(hold) => {
                let Action::Hold(held, _) = &made[hold].0.action else { panic!("{posting:?} of {:?}", made[hold]) };
                let (by, moved) = match posting.action {
                    Action::Capture(..) => ("Capture", *amount),
                    Action::Void(_) => ("Void", 0),
                    _ => ("Expiry", 0),
                };
                assert!(*amount <= held.amount);
                assert_eq!(resolved.insert(*hold, by), None, "resolved twice: {hold}");
                add(&mut balances, held, moved, -held.amount);
            }
        }
    }
    for (shop, amount) in payments(client, record).await {
        let movement = super::spent(shop, amount);
        add(&mut balances, &movement, amount, 0);
    }

    let ids: Vec<usize> = (0..NAMES).collect();
    for (id, found) in ids.iter().zip(client.get(&ids).await) {
        let told = found.map(|found| {
            let amount = found["amount"].as_i64().unwrap();
            (amount, found["resolved_by"].clone(), found["reversed"].as_i64().unwrap())
        });
        let expected =
            made.get(id).map(|(_, amount)| (*amount, json!(resolved.get(id)), reversed.get(id).copied().unwrap_or(0)));
        assert_eq!(told, expected, "{id}");
    }
    let accounts: Vec<_> = balances.keys().copied().collect();
    let expected: Vec<_> = balances.values().copied().map(Some).collect();
    assert_eq!(client.balances(&accounts).await, expected, "{accounts:?}");
    assert!(balances.iter().all(|((owner, _), balance)| *owner < 2 || balance.posted >= balance.debits_pending));
    balances.retain(|(owner, _), _| *owner < 2);
    *system = balances;
    made.len()
}

/// A posting without what may be said in two ways: all of a hold.
fn named(posting: &Posting) -> Posting {
    match posting.action {
        Action::Capture(hold, _) => Posting { id: posting.id, action: Action::Capture(hold, None) },
        _ => posting.clone(),
    }
}

/// Whether a failure is one that a caller is to reckon with.
fn is_named(failure: &Value) -> bool {
    failure == "Conflict" || failure.get("Refused").is_some() || failure.get("Invalid").is_some()
}

fn add(balances: &mut BTreeMap<(usize, &'static str), Balance>, movement: &Movement, posted: i64, pending: i64) {
    let debit = balances.get_mut(&(movement.debit, movement.currency)).unwrap();
    debit.posted -= posted;
    debit.debits_pending += pending;
    let credit = balances.get_mut(&(movement.credit, movement.currency)).unwrap();
    credit.posted += posted;
    credit.credits_pending += pending;
}

/// The payments that were made, one for each key, by their shops; the answers to a key are the same, byte for byte.
async fn payments(client: &Client, record: &Record) -> Vec<(usize, i64)> {
    let mut by_key: BTreeMap<(usize, usize), Vec<&Asked>> = BTreeMap::new();
    for asked in &record.payments {
        by_key.entry((asked.shop, asked.key)).or_default().push(asked);
    }
    let mut made = Vec::new();
    for (key, asked) in by_key {
        let (other, of_key): (Vec<&Asked>, Vec<&Asked>) =
            asked.iter().partition(|asked| asked.answer.problem().as_deref() == Some("idempotency-key-reused"));
        let first: Vec<_> =
            of_key.iter().filter(|asked| asked.answer.header("idempotency-replayed").is_none()).collect();
        assert_eq!(first.len(), 1, "{key:?}");
        let first = first[0];
        for asked in &of_key {
            assert_eq!(asked.amount, first.amount, "{key:?}");
            assert_eq!((asked.answer.status, &asked.answer.body), (first.answer.status, &first.answer.body), "{key:?}");
        }
        assert!(other.iter().all(|asked| asked.amount != first.amount), "{key:?}");
        match first.answer.status.as_u16() {
            201 => made.push((key.0, first.answer.json())),
            _ => first.answer.expect_problem(402, "insufficient-funds"),
        }
    }
    for (number, shop) in client.shops.iter().enumerate() {
        let there = client.payments(shop).await;
        let told: Vec<_> = made.iter().filter(|(shop, _)| *shop == number + 2).map(|(_, payment)| payment).collect();
        assert_eq!(there.len(), told.len());
        assert!(there.iter().all(|payment| told.contains(&payment)), "{there:?} and {told:?}");
    }
    made.into_iter().map(|(shop, payment)| (shop, payment["amount"].as_i64().unwrap())).collect()
}
