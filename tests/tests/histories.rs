//! Random histories of the ledger, by its contract and by the shops' API: one after the other each answer must be a model's, and at
//! the same time the rules must hold whatever comes first.
//!
//! What is asked comes from a seed, which is printed; `DATAMP_TEST_SEED` sets it. A history that fails is not made smaller: each
//! step is a request to the host, and the history is printed.

mod client;
mod model;
mod simultaneous;
mod steps;

use std::env;

use datamp_tests::{
    case::Database,
    component::built,
    host::Host,
    ledger,
    shop::{Shop, core_alone},
};
use proptest::{
    strategy::{Strategy, ValueTree as _},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use client::{Client, payment_of};
use model::{Made, Model, new_system};
use steps::{Action, Chain, Ends, NAMES, Posting, SHOPS, Step, histories, spent};

/// How many histories each test goes through at least, and at most where they have not told enough: what comes is up to chance.
const SEQUENTIAL: usize = 24;
const MOST: usize = 4 * SEQUENTIAL;

#[tokio::test]
async fn every_answer_of_a_history_is_the_models_on_sqlite() {
    answers_are_the_models(Database::Sqlite).await;
}

#[tokio::test]
async fn every_answer_of_a_history_is_the_models_on_postgresql() {
    answers_are_the_models(Database::Postgresql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_at_the_same_time_keep_the_rules_on_sqlite() {
    simultaneous::keep_the_rules(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn histories_at_the_same_time_keep_the_rules_on_postgresql() {
    simultaneous::keep_the_rules(Database::Postgresql).await;
}

/// What makes random histories.
fn runner() -> TestRunner {
    let seed: u64 = env::var("DATAMP_TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("DATAMP_TEST_SEED={seed}");
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(Config::default(), TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn random<T: std::fmt::Debug>(runner: &mut TestRunner, strategy: &impl Strategy<Value = T>) -> T {
    strategy.new_tree(runner).unwrap().current()
}

async fn host(database: Database) -> Host {
    core_alone(database).component(built("case_ledger_client")).start().await
}

async fn shops(host: &Host) -> Vec<Shop> {
    let mut shops = Vec::new();
    for currency in SHOPS {
        shops.push(Shop::seeded_in(host, currency).await);
    }
    shops
}

async fn answers_are_the_models(database: Database) {
    let mut runner = runner();
    let mut host = host(database).await;
    let mut system = new_system();
    let mut told = Told::default();
    for number in 0..MOST {
        if number >= SEQUENTIAL && told.means_something() {
            break;
        }
        let history = random(&mut runner, &histories(40..60));
        println!("history {number}: {history:?}");
        let client = Client::new(host.public, number, shops(&host).await);
        let mut sequence = Sequence {
            client,
            model: Model::new(system),
            payments: Vec::new(),
            told: std::mem::take(&mut told),
            holds: 0,
        };
        // Somewhere within, too.
        let pause = number % history.len();
        for (place, step) in history.iter().enumerate() {
            println!("step {place}");
            sequence.take(step, &history[..place]).await;
            if place == pause {
                ledger::assert_invariants(&host).await;
            }
        }
        sequence.assert_as_the_model().await;
        ledger::assert_invariants(&host).await;
        (system, told) = (sequence.model.system(), sequence.told);
    }
    println!("{told:?}");
    assert!(told.means_something(), "{told:?}");
    host.assert_well().await;
}

/// How often what came, for whoever reads the test's output: a history in which all is refused would prove nothing.
#[derive(Debug, Default)]
struct Told {
    made: usize,
    existed: usize,
    paid: usize,
    replayed: usize,
    lapsed: usize,
    failures: std::collections::BTreeMap<String, usize>,
}

impl Told {
    fn means_something(&self) -> bool {
        let usual = [
            "InsufficientFunds",
            "ExceedsHold",
            "HoldAlreadyCaptured",
            "HoldAlreadyVoided",
            "ExceedsReversible",
            "ReversalWithOtherAccounts",
            "Exists",
            "Conflict",
        ];
        self.made > 10 * SEQUENTIAL
            && self.existed > SEQUENTIAL / 2
            && self.paid > SEQUENTIAL
            && self.replayed > SEQUENTIAL
            && self.lapsed > 0
            && usual.iter().all(|usual| self.failures.contains_key(*usual))
    }

    fn count(&mut self, answer: &Result<Vec<(bool, i64)>, Value>) {
        match answer {
            Ok(posted) => {
                let existed = posted.iter().filter(|(existed, _)| *existed).count();
                self.existed += existed;
                self.made += posted.len() - existed;
            }
            Err(failure) => {
                let refusal = failure["Refused"]["refusal"].as_str().or_else(|| failure.as_str()).unwrap_or("Invalid");
                *self.failures.entry(refusal.to_owned()).or_default() += 1;
            }
        }
    }
}

/// One history, step by step, with the model beside it.
struct Sequence {
    client: Client,
    model: Model,
    payments: Vec<Paid>,
    told: Told,
    holds: usize,
}

/// A payment that was asked for, and how it was answered.
struct Paid {
    shop: usize,
    key: usize,
    amount: i64,
    answer: datamp_tests::http::Answer,
}

impl Sequence {
    async fn take(&mut self, step: &Step, before: &[Step]) {
        match step {
            Step::Post(chains) => self.post(chains).await,
            Step::Pay { shop, key, amount } => self.pay(*shop, *key, *amount).await,
            Step::Lapse { shop, amount } => self.lapse(*shop, *amount).await,
            Step::Again(back) => match before.iter().rev().nth(*back) {
                Some(Step::Post(chains)) => self.post(chains).await,
                Some(Step::Pay { shop, key, amount }) => self.pay(*shop, *key, *amount).await,
                _ => {}
            },
        }
    }

    async fn post(&mut self, chains: &[Chain]) {
        let answers = self.client.post(chains).await;
        for (chain, answer) in chains.iter().zip(&answers) {
            let expected = self.model.post(chain);
            assert_eq!(answer, &expected, "{chain:?}");
            self.told.count(answer);
        }
    }

    /// A payment is made once for its key, and its answer is given again, byte for byte.
    async fn pay(&mut self, shop: usize, key: usize, amount: i64) {
        let answer = self.client.pay(shop, key, amount).await;
        let first = self.payments.iter().find(|first| (first.shop, first.key) == (shop, key));
        let replayed = answer.header("idempotency-replayed");
        match first {
            Some(first) if first.amount == amount => {
                assert_eq!((answer.status, &answer.body), (first.answer.status, &first.answer.body));
                assert_eq!(replayed, Some("true"));
                self.told.replayed += 1;
            }
            Some(_) => answer.expect_problem(422, "idempotency-key-reused"),
            None => {
                assert_eq!(replayed, None);
                if self.model.pay(shop, amount) {
                    assert_eq!(payment_of(&answer), amount);
                    self.told.paid += 1;
                } else {
                    answer.expect_problem(402, "insufficient-funds");
                }
                self.payments.push(Paid { shop, key, amount, answer });
            }
        }
    }

    /// A hold whose time is over is neither captured nor voided; it expires, and what it held is free.
    async fn lapse(&mut self, shop: usize, amount: i64) {
        // Beyond the names that other steps have.
        let [hold, capture, void, expiry] = [0, 1, 2, 3].map(|place| NAMES + 4 * self.holds + place);
        self.holds += 1;
        let alone = |id, action| vec![vec![Posting { id, action }]];
        let chains = alone(hold, Action::Hold(spent(shop, amount), Some(Ends::AtOnce)));
        let ends = self.client.lapse_soon();
        let answer = self.client.post(&chains).await.remove(0);
        if answer == Err(json!({"Refused": {"posting": 0, "refusal": "ExpiryPassed"}})) {
            // The machine was so busy that the time was over when the request came.
            assert!(ends.is_over());
            return;
        }
        assert_eq!(answer, self.model.post(&chains[0]));
        if answer.is_err() {
            return;
        }
        ends.wait().await;
        // Whoever notes that holds lapse may have done so already.
        let already = Err(json!({"Refused": {"posting": 0, "refusal": "HoldAlreadyExpired"}}));
        for (id, action) in [(capture, Action::Capture(hold, None)), (void, Action::Void(hold))] {
            let chains = alone(id, action);
            let answer = self.client.post(&chains).await.remove(0);
            assert!(answer == self.model.post(&chains[0]) || answer == already, "{answer:?}");
        }
        let chains = alone(expiry, Action::Expire(hold));
        let answer = self.client.post(&chains).await.remove(0);
        let expected = self.model.post(&chains[0]);
        if answer == already {
            self.model.made.remove(&expiry);
        } else {
            assert_eq!(answer, expected);
        }
        self.told.lapsed += 1;
    }

    /// Every balance and every transfer is what the model says.
    async fn assert_as_the_model(&self) {
        let accounts: Vec<_> = self.model.accounts.keys().copied().collect();
        let balances = self.client.balances(&accounts).await;
        let expected: Vec<_> = self.model.accounts.values().copied().map(Some).collect();
        assert_eq!(balances, expected, "{accounts:?}");
        let ids: Vec<usize> = (0..NAMES + 4 * self.holds).collect();
        for (id, found) in ids.iter().zip(self.client.get(&ids).await) {
            let made = self.model.made.get(id).map(|made| self.told_of(made));
            assert_eq!(found, made, "{id}");
        }
        for (number, shop) in self.client.shops.iter().enumerate() {
            let made = |paid: &&Paid| paid.shop == number + 2 && paid.answer.status == 201;
            let made = self.payments.iter().filter(made).map(|paid| paid.answer.json());
            assert_eq!(self.client.payments(shop).await, made.rev().collect::<Vec<_>>());
        }
    }

    /// What the contract says of a transfer, without its times.
    fn told_of(&self, made: &Made) -> Value {
        let names = &self.client.names;
        let movement = &made.movement;
        let (resolves, reverses) = match &made.action {
            Action::Capture(hold, _) | Action::Void(hold) | Action::Expire(hold) => (Some(*hold), None),
            Action::Reversal(of, _) => (None, Some(*of)),
            Action::Transfer(_) | Action::Hold(..) => (None, None),
        };
        json!({
            "kind": made.kind(),
            "debit": names.owner(movement.debit),
            "credit": names.owner(movement.credit),
            "currency": movement.currency,
            "amount": movement.amount,
            "code": movement.code,
            "resolves": resolves.map(|id| names.transfer(id)),
            "reverses": reverses.map(|id| names.transfer(id)),
            "resolved_by": made.resolved,
            "reversed": made.reversed,
        })
    }
}
