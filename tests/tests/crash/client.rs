//! A client that remembers what it asked for and what it was told.

use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use datamp_tests::{
    host::Host,
    http::{Answer, Connection, Outgoing, PATIENCE},
    shop::{Shop, signed, text},
};
use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::time::timeout;

/// How many of the answers from before the round are asked for again after each kill, at random. At the end it is all.
const SAMPLE: usize = 10;

/// A client of one shop.
pub(super) struct Client {
    pub(super) number: usize,
    pub(super) shop: Shop,
    secret: Arc<str>,
    rng: StdRng,
    pub(super) asked: Vec<Asked>,
    /// The first one that was asked for since the last kill.
    round: usize,
    /// Top-ups that the provider has said nothing of yet.
    pending: VecDeque<Value>,
    /// Payments that are held.
    held: VecDeque<Value>,
    /// Payments of which something was moved, and how much can go back.
    paid: VecDeque<(String, i64)>,
}

/// Something that was asked for.
#[derive(Clone)]
pub(super) struct Asked {
    /// Its idempotency key; of an event, its id.
    pub(super) name: String,
    pub(super) what: What,
    pub(super) answer: Option<Answer>,
}

#[derive(Clone)]
pub(super) enum What {
    /// Whose money is moved at once, or held.
    Payment {
        amount: i64,
        is_held: bool,
    },
    Capture {
        payment: String,
        amount: Option<i64>,
    },
    Void {
        payment: String,
    },
    Refund {
        payment: String,
        amount: i64,
    },
    TopUp {
        amount: i64,
    },
    /// The provider's word about a top-up.
    Event {
        top_up: Value,
        succeeded: bool,
    },
}

/// What became of a round.
#[derive(Default)]
pub(super) struct Settled {
    pub(super) acknowledged: usize,
    pub(super) done: usize,
    pub(super) not_done: usize,
}

impl Asked {
    /// The request. It is made anew each time, since the provider's signature is good for some minutes.
    fn request(&self, shop: &Shop, secret: &str) -> Outgoing {
        match &self.what {
            What::Payment { amount, is_held } => {
                // The reference is the key, by which the payment is found in the database.
                let mut body =
                    json!({"amount": amount, "currency": "RUB", "description": "Clicks", "reference": self.name});
                if *is_held {
                    body["capture"] = json!("manual");
                }
                shop.post("/core/v1/payments", &self.name, &body)
            }
            What::Capture { payment, amount } => {
                shop.post(&format!("/core/v1/payments/{payment}/capture"), &self.name, &json!({"amount": amount}))
            }
            What::Void { payment } => shop.post(&format!("/core/v1/payments/{payment}/void"), &self.name, &json!({})),
            What::Refund { payment, amount } => {
                let body = json!({"amount": amount, "reason": "A mistake"});
                shop.post(&format!("/core/v1/payments/{payment}/refunds"), &self.name, &body)
            }
            What::TopUp { amount } => {
                let body = json!({"amount": amount, "currency": "RUB", "return_url": "https://shop.example/done"});
                shop.post("/core/v1/top-ups", &self.name, &body)
            }
            What::Event { top_up, succeeded } => {
                let body = json!({
                    "id": self.name,
                    "type": if *succeeded { "top_up.succeeded" } else { "top_up.failed" },
                    "top_up": top_up["id"],
                    "amount": top_up["amount"],
                    "currency": top_up["currency"],
                });
                signed(secret, &body)
            }
        }
    }

    /// Whether it has an answer that says that something was made.
    fn is_made(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| answer.status.is_success())
    }

    /// Whether an answer is one that is kept: it was made, or refused for good.
    fn check(&self, answer: &Answer) {
        let refused = answer.status == 402 && answer.problem().as_deref() == Some("insufficient-funds");
        let settled = match self.what {
            What::Payment { .. } => answer.status == 201 || refused,
            What::TopUp { .. } | What::Refund { .. } => answer.status == 201,
            What::Event { .. } | What::Capture { .. } | What::Void { .. } => answer.status == 200,
        };
        assert!(settled, "{}: {} {}", self.name, answer.status, answer.text());
    }

    /// Fails the test unless a later answer is the first one again, and says that it is.
    fn assert_again(&self, again: &Answer) {
        let first = self.answer.as_ref().unwrap();
        let shown = || format!("{}: {} and then {}", self.name, first.text(), again.text());
        assert_eq!(again.status, first.status, "{}", shown());
        if let What::Event { .. } = self.what {
            // A provider is told that it said so before, and how the top-up stands.
            assert_eq!(again.json()["events"][0]["outcome"], "repeated", "{}", shown());
            assert_eq!(again.json()["events"][0]["status"], first.json()["events"][0]["status"], "{}", shown());
        } else {
            assert!(again.body == first.body, "{}", shown());
            assert_eq!(again.header("location"), first.header("location"), "{}", shown());
            assert_eq!(again.header("content-type"), first.header("content-type"), "{}", shown());
            assert!(is_replay(again), "{}", shown());
        }
    }
}

fn is_replay(answer: &Answer) -> bool {
    answer.header("idempotency-replayed") == Some("true") || answer.json()["events"][0]["outcome"] == "repeated"
}

/// Whether a machine that is too busy could not do it in time: not an answer that is kept.
fn is_too_busy(answer: &Answer) -> bool {
    matches!(answer.status.as_u16(), 503 | 504)
}

impl Client {
    pub(super) fn new(number: usize, shop: Shop, secret: Arc<str>, rng: StdRng) -> Self {
        Self {
            number,
            shop,
            secret,
            rng,
            asked: Vec::new(),
            round: 0,
            pending: VecDeque::new(),
            held: VecDeque::new(),
            paid: VecDeque::new(),
        }
    }

    /// Asks for one thing after the other until one is not answered, and says why.
    pub(super) async fn work(&mut self, address: SocketAddr, answered: &AtomicUsize) -> String {
        self.round = self.asked.len();
        let mut connection = match Connection::open(address).await {
            Ok(connection) => connection,
            Err(error) => return format!("{error:#}"),
        };
        loop {
            let asked = self.next();
            let request = asked.request(&self.shop, &self.secret);
            self.asked.push(asked);
            match timeout(PATIENCE, connection.send(request)).await {
                // Asked for again once the host was killed, as what had no answer.
                Ok(Ok(answer)) if is_too_busy(&answer) => {}
                Ok(Ok(answer)) => {
                    self.take(self.asked.len() - 1, answer);
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                Ok(Err(error)) => return format!("{error:#}"),
                Err(_) => return "no answer: it hangs".to_owned(),
            }
        }
    }

    fn next(&mut self) -> Asked {
        let name = format!("{}-{}", self.number, self.asked.len());
        let follows = if self.rng.random_bool(0.5) { self.follow() } else { None };
        let what = follows.unwrap_or_else(|| match self.rng.random_range(0..20) {
            0..4 => What::TopUp { amount: self.rng.random_range(1..10_000) },
            // More than any shop has.
            4 => What::Payment {
                amount: self.rng.random_range(10_i64.pow(9)..10_i64.pow(10)),
                is_held: self.rng.random(),
            },
            5..10 => What::Payment { amount: self.rng.random_range(1..1_000), is_held: true },
            _ => What::Payment { amount: self.rng.random_range(1..1_000), is_held: false },
        });
        Asked { name, what, answer: None }
    }

    /// What follows something that was made, if anything can.
    fn follow(&mut self) -> Option<What> {
        match self.rng.random_range(0..4) {
            0 => Some(What::Event { top_up: self.pending.pop_front()?, succeeded: self.rng.random_bool(0.8) }),
            1 => {
                let (payment, left) = self.paid.pop_front()?;
                let amount = self.rng.random_range(1..=left);
                if amount < left {
                    self.paid.push_back((payment.clone(), left - amount));
                }
                Some(What::Refund { payment, amount })
            }
            _ => {
                let payment = self.held.pop_front()?;
                let held = payment["amount"].as_i64().unwrap();
                let part = self.rng.random_range(1..=held);
                let payment = text(&payment["id"]);
                Some(match self.rng.random_range(0..3) {
                    0 => What::Void { payment },
                    1 => What::Capture { payment, amount: None },
                    _ => What::Capture { payment, amount: Some(part) },
                })
            }
        }
    }

    fn take(&mut self, place: usize, answer: Answer) {
        let asked = &mut self.asked[place];
        asked.check(&answer);
        if answer.status.is_success() {
            let made = answer.json();
            match asked.what {
                What::TopUp { .. } => self.pending.push_back(made),
                What::Payment { is_held: true, .. } => self.held.push_back(made),
                What::Payment { amount, is_held: false } => self.paid.push_back((text(&made["id"]), amount)),
                What::Capture { .. } => {
                    self.paid.push_back((text(&made["id"]), made["captured_amount"].as_i64().unwrap()));
                }
                What::Void { .. } | What::Refund { .. } | What::Event { .. } => {}
            }
        }
        asked.answer = Some(answer);
    }

    /// Voids what is still held, so that all of the balance is available.
    pub(super) async fn void_all(&mut self, host: &Host) {
        let mut connection = Connection::open(host.public).await.unwrap();
        while let Some(payment) = self.held.pop_front() {
            let name = format!("{}-{}", self.number, self.asked.len());
            self.asked.push(Asked { name, what: What::Void { payment: text(&payment["id"]) }, answer: None });
            let place = self.asked.len() - 1;
            let answer = self.ask(&mut connection, place).await;
            self.take(place, answer);
        }
    }

    /// Asks again for what was not answered, once more for the answer, and for all answers of the round and some from before.
    pub(super) async fn settle(&mut self, address: SocketAddr) -> Settled {
        let mut connection = Connection::open(address).await.unwrap();
        let mut settled = Settled::default();
        for place in self.round..self.asked.len() {
            if self.asked[place].answer.is_some() {
                settled.acknowledged += 1;
            } else {
                let answer = self.ask(&mut connection, place).await;
                if is_replay(&answer) {
                    settled.done += 1;
                } else {
                    settled.not_done += 1;
                }
                self.take(place, answer);
            }
        }
        let sample: Vec<usize> = (0..SAMPLE.min(self.round)).map(|_| self.rng.random_range(0..self.round)).collect();
        for place in (self.round..self.asked.len()).chain(sample) {
            let again = self.ask(&mut connection, place).await;
            self.asked[place].assert_again(&again);
        }
        settled
    }

    /// Asks again for all that was ever answered.
    pub(super) async fn repeat_all(&mut self, host: &Host) {
        let mut connection = Connection::open(host.public).await.unwrap();
        for place in 0..self.asked.len() {
            let again = self.ask(&mut connection, place).await;
            self.asked[place].assert_again(&again);
        }
    }

    /// Sends a request until it has an answer of its own: the server of the database may be at what the killed host told it last.
    async fn ask(&self, connection: &mut Connection, place: usize) -> Answer {
        let asked = &self.asked[place];
        let began = Instant::now();
        loop {
            let request = asked.request(&self.shop, &self.secret);
            let answer = timeout(PATIENCE, connection.send(request)).await.expect("an answer in time").unwrap();
            let is_first = asked.answer.is_none();
            let in_use = is_first && answer.problem().as_deref() == Some("idempotency-key-in-use");
            if !in_use && !is_too_busy(&answer) {
                return answer;
            }
            assert!(began.elapsed() < PATIENCE, "{}: {}", asked.name, answer.text());
            tokio::task::yield_now().await;
        }
    }

    /// The top-ups that were made, by their ids, as they were then.
    pub(super) fn top_ups(&self) -> BTreeMap<String, Value> {
        let made = self.made().filter(|(what, _)| matches!(what, What::TopUp { .. }));
        made.map(|(_, top_up)| (text(&top_up["id"]), top_up)).collect()
    }

    /// The refunds that were made, by their ids.
    pub(super) fn refunds(&self) -> BTreeMap<String, Value> {
        let made = self.made().filter(|(what, _)| matches!(what, What::Refund { .. }));
        made.map(|(_, refund)| (text(&refund["id"]), refund)).collect()
    }

    /// The payments that were made, by their ids, as they must be after all that followed.
    pub(super) fn payments(&self) -> BTreeMap<String, Value> {
        let mut payments = BTreeMap::new();
        for (what, made) in self.made() {
            match what {
                What::Payment { .. } | What::Capture { .. } | What::Void { .. } => {
                    payments.insert(text(&made["id"]), made);
                }
                What::Refund { payment, amount } => {
                    let payment: &mut Value = payments.get_mut(payment).unwrap();
                    let refunded = payment["refunded_amount"].as_i64().unwrap() + amount;
                    payment["refunded_amount"] = json!(refunded);
                    let is_all = payment["captured_amount"] == refunded;
                    payment["status"] = json!(if is_all { "refunded" } else { "partially-refunded" });
                }
                What::TopUp { .. } | What::Event { .. } => {}
            }
        }
        payments
    }

    /// What was answered that something was made, in order. What follows a payment was asked for after its answer.
    fn made(&self) -> impl Iterator<Item = (&What, Value)> {
        let made = self.asked.iter().filter(|asked| asked.is_made());
        made.filter_map(|asked| Some((&asked.what, asked.answer.as_ref()?.json())))
    }
}
