//! The host is killed with SIGKILL at random moments under load, a hundred times in all the tests here, and started again. What it
//! had acknowledged is there, once; of what it had not, all or nothing is.
//!
//! The moments and the requests come from a seed, which is printed; `DATAMP_TEST_SEED` sets it. (The threads of the host take their
//! own turns, so a seed repeats what is asked for and when, and not what a kill hits.)

mod books;
mod client;

use std::{
    env, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use datamp_tests::{
    case::Database,
    component::{built, variant},
    host::{Host, Stopped},
    http::Outgoing,
    shop::{Shop, core_alone},
    wait::{LONG, until},
};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use client::Client;

/// How many shops there are, and how many clients pay from each: more than the cores, so that a kill always meets some.
const SHOPS: usize = 3;
const CLIENTS: usize = 12;

/// What a shop has to begin with, in kopecks: enough for many payments, and too little for the greatest.
const FUNDS: i64 = 50_000_000;

/// How much the host answers at most until it is killed, and how long it works on after that at most.
const MOST: usize = 80;
const LONGEST: Duration = Duration::from_millis(30);

/// Files of core that the host has seen before the first kill.
const KNOWN_FILES: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_loses_nothing_on_postgresql() {
    killed(Database::Postgresql, 30, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_while_core_is_swapped_loses_nothing_on_postgresql() {
    killed(Database::Postgresql, 30, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_loses_nothing_on_sqlite() {
    killed(Database::Sqlite, 20, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_while_core_is_swapped_loses_nothing_on_sqlite() {
    killed(Database::Sqlite, 20, 4).await;
}

/// Kills the host so many times. Every second test swaps core meanwhile.
async fn killed(database: Database, kills: usize, number: u64) {
    let seed: u64 = env::var("DATAMP_TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    println!("DATAMP_TEST_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed ^ number);
    let swaps = number.is_multiple_of(2);

    let mut host = core_alone(database).start().await;
    let secret: Arc<str> = host.control.secret("sandbox-payments", "sandbox-callback").await.into();
    let mut shops = Vec::new();
    for _ in 0..SHOPS {
        let shop = Shop::seeded(&host).await;
        shop.fund(&host, &secret, "the first", FUNDS).await;
        shops.push(shop);
    }
    let of_shop = |number: usize| shops[number % SHOPS].clone();
    let mut clients: Vec<Client> = (0..CLIENTS)
        .map(|number| Client::new(number, of_shop(number), Arc::clone(&secret), StdRng::seed_from_u64(rng.random())))
        .collect();
    let mut core = Core::new(&host, swaps).await;

    let mut told = Told::default();
    for round in 0..kills {
        let is_killed = Arc::new(AtomicBool::new(false));
        let answered = Arc::new(AtomicUsize::new(0));
        let load = start(clients, &host, &is_killed, &answered);
        progress(&answered, rng.random_range(0..MOST)).await;
        let change = if swaps { Some(core.change(&host, round, &mut rng)) } else { None };
        let longest = match &change {
            // Soon after a swap, early in one, and anywhere.
            Some(change) if round % 3 == 0 => {
                until("the swap is over", async || change.is_finished().then_some(())).await;
                LONGEST
            }
            Some(_) if round % 3 == 2 => LONGEST.max(core.takes * 2),
            _ => LONGEST,
        };
        // The moment is what is random here; nothing is waited for.
        tokio::time::sleep(longest.mul_f64(rng.random())).await;
        is_killed.store(true, Ordering::SeqCst);
        let stopped = host.kill();
        clients = load.join_all().await;
        clients.sort_by_key(|client| client.number);
        host = started_again(stopped, &mut told).await;
        if let Some(change) = change {
            core.assert_one_of_two(&host, change.await.unwrap(), &mut told).await;
        }
        // Before anything is asked again: what nobody was told of is there as a whole or not at all.
        books::assert_no_halves(&host).await;
        clients = settled(clients, &host, &mut told).await;
    }

    println!("{told:?}");
    told.assert_that_it_means_something(kills, swaps);
    for client in &mut clients {
        client.void_all(&host).await;
        client.repeat_all(&host).await;
    }
    books::assert_kept(&host, &shops, FUNDS, &clients).await;
    host.assert_well().await;
    let data = host.data().to_owned();
    drop(host.stop().await);
    assert_no_process(&data.display().to_string());
}

/// Lets the clients work until the host is gone.
fn start(
    clients: Vec<Client>,
    host: &Host,
    is_killed: &Arc<AtomicBool>,
    answered: &Arc<AtomicUsize>,
) -> JoinSet<Client> {
    let mut load = JoinSet::new();
    for mut client in clients {
        let (address, is_killed, answered) = (host.public, Arc::clone(is_killed), Arc::clone(answered));
        load.spawn(async move {
            let why = client.work(address, &answered).await;
            assert!(is_killed.load(Ordering::SeqCst), "client {}, before the host was killed: {why}", client.number);
            client
        });
    }
    load
}

/// Waits until so many requests were answered.
async fn progress(answered: &AtomicUsize, requests: usize) {
    until("so many were answered", async || (answered.load(Ordering::SeqCst) >= requests).then_some(())).await;
}

async fn started_again(stopped: Stopped, told: &mut Told) -> Host {
    let began = Instant::now();
    let host = stopped.start_without_components().await;
    told.longest_start = told.longest_start.max(began.elapsed());
    told.kills += 1;
    host
}

/// Lets the clients ask again for what they got no answer to, and compare the answers that they got.
async fn settled(clients: Vec<Client>, host: &Host, told: &mut Told) -> Vec<Client> {
    let mut settling = JoinSet::new();
    for mut client in clients {
        let address = host.public;
        settling.spawn(async move {
            let settled = client.settle(address).await;
            (client, settled)
        });
    }
    let mut clients = Vec::new();
    for (client, settled) in settling.join_all().await {
        told.acknowledged += settled.acknowledged;
        told.done += settled.done;
        told.not_done += settled.not_done;
        clients.push(client);
    }
    clients.sort_by_key(|client| client.number);
    clients
}

/// What happened, for whoever reads the test's output.
#[derive(Debug, Default)]
struct Told {
    kills: usize,
    /// Requests that were answered before the host was killed.
    acknowledged: usize,
    /// Requests without an answer that had been carried out.
    done: usize,
    /// Requests without an answer that had not.
    not_done: usize,
    /// Swaps that were answered, and those that were not and had been carried out, or not.
    swapped: usize,
    swapped_unanswered: usize,
    not_swapped: usize,
    longest_start: Duration,
}

impl Told {
    /// A test in which no kill hit anything would prove nothing.
    fn assert_that_it_means_something(&self, kills: usize, swaps: bool) {
        assert_eq!(self.kills, kills);
        assert!(self.acknowledged >= 10 * kills, "{self:?}");
        // Of what was not answered most had not begun; how much had ended is up to the moments.
        assert!(self.done + self.not_done > kills, "{self:?}");
        assert!(!swaps || self.swapped > 0 && self.swapped_unanswered + self.not_swapped > 0, "{self:?}");
    }
}

/// The generations of core.
struct Core {
    file: Vec<u8>,
    newest: u64,
    active: u64,
    /// How long the last swap took that was answered.
    takes: Duration,
}

/// What an operator was doing when the host was killed.
struct Change {
    to: To,
    /// The generation that the host said is active.
    acknowledged: Option<u64>,
    took: Duration,
}

/// The generation that is active once a swap is done.
#[derive(Clone, Copy, Debug)]
enum To {
    /// One that there was not before.
    New,
    /// One from before the active one.
    Earlier,
    This(u64),
}

impl Core {
    async fn new(host: &Host, swaps: bool) -> Self {
        let file = fs::read(built("datamp_core")).unwrap();
        let mut takes = Duration::ZERO;
        if swaps {
            for number in (0..KNOWN_FILES).chain([0]) {
                let began = Instant::now();
                host.control.deployed(variant(&file, number)).await;
                takes = began.elapsed();
            }
        }
        let active = host.control.active("core").await;
        Self { file, newest: active, active, takes }
    }

    /// Begins a swap: to a file that was there before, to one that has to be compiled, or back.
    fn change(&self, host: &Host, round: usize, rng: &mut StdRng) -> tokio::task::JoinHandle<Change> {
        let reason = json!({"by": "tests", "reason": "a test"});
        let deploy = |file: Vec<u8>| {
            let path = "/v1/deployments?by=tests&reason=a%20test&grant=all";
            (Outgoing::new("POST", path).header("content-type", "application/wasm").body(file), To::New)
        };
        let others: Vec<u64> = (1..=self.newest).filter(|number| *number != self.active).collect();
        let (request, to) = match rng.random_range(0..8) {
            0 => deploy(variant(&self.file, KNOWN_FILES + round)),
            1..3 if self.active > 1 => (Outgoing::post("/v1/components/core/rollback", &reason), To::Earlier),
            3..5 => {
                let number = others[rng.random_range(0..others.len())];
                let mut body = reason;
                body["generation"] = json!(number);
                (Outgoing::post("/v1/components/core/activate", &body), To::This(number))
            }
            _ => deploy(variant(&self.file, rng.random_range(0..KNOWN_FILES))),
        };
        let control = host.control.clone();
        let begin = LONGEST.mul_f64(rng.random::<f64>() / 2.0);
        tokio::spawn(async move {
            tokio::time::sleep(begin).await;
            let began = Instant::now();
            let answer = request.bearer(&control.token).send(control.address, LONG).await;
            let number = |answer: &Value| answer["generation"]["number"].as_u64().or_else(|| answer["number"].as_u64());
            let acknowledged = answer.ok().map(|answer| {
                assert!(answer.status.is_success(), "{} {}", answer.status, answer.text());
                number(&answer.json()).unwrap()
            });
            Change { to, acknowledged, took: began.elapsed() }
        })
    }

    /// After a kill the component is at the generation before or at the one after; at the latter if that was acknowledged.
    async fn assert_one_of_two(&mut self, host: &Host, change: Change, told: &mut Told) {
        let active = host.control.active("core").await;
        if let Some(acknowledged) = change.acknowledged {
            assert_eq!(active, acknowledged, "{:?}", change.to);
            told.swapped += 1;
            self.takes = change.took;
        } else if active == self.active {
            told.not_swapped += 1;
        } else {
            told.swapped_unanswered += 1;
        }
        let is_to = match change.to {
            To::New => active > self.newest,
            To::Earlier => active < self.active,
            To::This(number) => active == number,
        };
        assert!(active == self.active || is_to, "{active}: from {} to {:?}", self.active, change.to);
        // A new one may have been recorded and never have become active.
        let history = host.control.get("/v1/components/core/generations").await;
        let history = history.as_array().unwrap();
        self.newest = history.iter().map(|generation| generation["number"].as_u64().unwrap()).max().unwrap();
        let count = history.iter().filter(|generation| generation["state"] == "active").count();
        assert_eq!(count, 1, "{history:?}");
        self.active = active;
    }
}

/// Fails the test if any process was started with this data folder and is still there.
fn assert_no_process(data: &str) {
    for process in fs::read_dir("/proc").unwrap() {
        let command = fs::read(process.unwrap().path().join("cmdline")).unwrap_or_default();
        let command = String::from_utf8_lossy(&command).replace('\0', " ");
        assert!(!command.contains(data), "still there: {command}");
    }
}
