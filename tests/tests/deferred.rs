//! Events and jobs, end to end: a component publishes, takes and does them, while hosts are killed and components swapped.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Arc, Mutex},
};

use datamp_tests::{
    case::Database,
    component::{built, variant},
    host::{Host, Settings},
    http::{Outgoing, PATIENCE},
    load::{Load, expect},
    wait::{LONG, until},
};
use serde_json::{Value, json};

async fn host(database: Database) -> Host {
    Settings::new(database).component(built("case_deferred")).start().await
}

fn publication(payload: &str, end: &str) -> Outgoing {
    Outgoing::post("/deferred/publish", &json!({"topic": "deferred.tests", "payload": payload, "end": end}))
}

async fn publish(host: &Host, payload: &str, end: &str, status: u16) {
    host.send(publication(payload, end)).await.expect(status);
}

async fn switch(host: &Host, name: &str, is_on: bool) {
    host.post("/deferred/switch", &json!({"name": name, "is_on": is_on})).await.expect(204);
}

async fn schedule(host: &Host, name: &str, key: &str, after_ms: u64, commit: bool) {
    let job = json!({"name": name, "key": key, "after_ms": after_ms, "payload": key, "commit": commit});
    host.post("/deferred/schedule", &job).await.expect(if commit { 204 } else { 409 });
}

/// What was taken, by payload: how often, and by which generations.
async fn taken(host: &Host) -> BTreeMap<String, Vec<i64>> {
    let mut taken = BTreeMap::<String, Vec<i64>>::new();
    for delivery in host.get("/deferred/deliveries").await.expect(200).json().as_array().unwrap() {
        let payload = delivery["payload"].as_str().unwrap().trim_matches('"').to_owned();
        taken.entry(payload).or_default().push(delivery["generation"].as_i64().unwrap());
    }
    taken
}

async fn until_taken(host: &Host, payloads: &BTreeSet<String>) -> BTreeMap<String, Vec<i64>> {
    until("everything is taken", || async {
        let taken = taken(host).await;
        payloads.iter().all(|payload| taken.contains_key(payload)).then_some(taken)
    })
    .await
}

fn set(payloads: &[&str]) -> BTreeSet<String> {
    payloads.iter().map(|payload| (*payload).to_owned()).collect()
}

async fn what_is_published_is_taken_exactly_if_its_transaction_commits(database: Database) {
    let host = host(database).await;
    publish(&host, "rolled back", "rollback", 409).await;
    publish(&host, "committed", "commit", 200).await;
    publish(&host, "alone", "alone", 200).await;
    publish(&host, "rolled back, too", "rollback", 409).await;
    publish(&host, "last", "commit", 200).await;
    let taken = until_taken(&host, &set(&["committed", "alone", "last"])).await;
    assert_eq!(taken.keys().cloned().collect::<BTreeSet<_>>(), set(&["committed", "alone", "last"]));
    assert!(taken.values().all(|times| times.len() == 1), "{taken:?}");
    // A topic that its manifest does not name.
    let foreign = json!({"topic": "tests.foreign", "payload": "x", "end": "commit"});
    host.post("/deferred/publish", &foreign).await.expect(500);
    assert!(host.control.logs("deferred").await.contains("messaging.publishes"));
    // It is counted once its outcome is written down.
    until("three are counted", || async {
        let metrics = host.get("/metrics").await.expect(200).text();
        metrics.contains("datamp_work_done_total{kind=\"event\",component=\"deferred\"} 3").then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_is_taken_exactly_if_its_transaction_commits_on_sqlite() {
    what_is_published_is_taken_exactly_if_its_transaction_commits(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_is_taken_exactly_if_its_transaction_commits_on_postgresql() {
    what_is_published_is_taken_exactly_if_its_transaction_commits(Database::Postgresql).await;
}

/// Publishes without a pause; what was acknowledged is in the set.
fn publishing(host: &Host, prefix: &'static str) -> (Load, Arc<Mutex<BTreeSet<String>>>) {
    let acknowledged = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&acknowledged);
    let load = Load::start(
        host.public,
        4,
        move |client, number| publication(&format!("{prefix}-{client}-{number}"), "commit"),
        move |client, number, answer| {
            expect(answer, 200)?;
            seen.lock().unwrap().insert(format!("{prefix}-{client}-{number}"));
            Ok(())
        },
    );
    (load, acknowledged)
}

async fn a_host_that_is_killed_loses_no_event(database: Database) {
    let mut host = host(database).await;
    let mut all = BTreeSet::new();
    for round in ["one", "two", "three"] {
        let (load, acknowledged) = publishing(&host, round);
        load.advance(40).await;
        let killed = host.kill();
        load.stop().await;
        all.append(&mut acknowledged.lock().unwrap());
        host = killed.start().await;
    }
    let taken = until_taken(&host, &all).await;
    // Of what was not acknowledged each may be there or not; nothing else is.
    assert!(taken.len() <= all.len() + 3 * 4, "{} of {}", taken.len(), all.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_loses_no_event_on_sqlite() {
    a_host_that_is_killed_loses_no_event(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_loses_no_event_on_postgresql() {
    a_host_that_is_killed_loses_no_event(Database::Postgresql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_on_one_database_deliver_each_event_once() {
    // They share their keys as they share their database.
    let key = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
    let settings = Settings::new(Database::Postgresql).environment("DATAMP_MASTER_KEY", key);
    let one = settings.clone().component(built("case_deferred")).start().await;
    let two = settings.start().await;
    let ((first, acknowledged), (second, others)) = (publishing(&one, "one"), publishing(&two, "two"));
    first.advance(100).await;
    second.advance(100).await;
    first.stop().await.assert_flawless(100);
    second.stop().await.assert_flawless(100);
    let mut all = acknowledged.lock().unwrap().clone();
    all.append(&mut others.lock().unwrap());
    let taken = until_taken(&one, &all).await;
    let often: Vec<_> = taken.iter().filter(|(_, times)| times.len() != 1).collect();
    assert!(often.is_empty(), "{often:?}");
    assert_eq!(taken.len(), all.len());

    // What one of them leaves behind, the other one does.
    publish(&two, "from the dead", "commit", 200).await;
    schedule(&two, "reminder", "from the dead, too", 500, true).await;
    drop(two.kill());
    until_taken(&one, &set(&["from the dead", "from the dead, too"])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_of_the_subscriber_under_load_loses_nothing() {
    let host = host(Database::Sqlite).await;
    let file = fs::read(built("case_deferred")).unwrap();
    let (load, acknowledged) = publishing(&host, "swap");
    for number in 1..=6 {
        load.advance(20).await;
        if number % 3 == 0 {
            host.control.rollback("deferred").await.expect(200);
        } else {
            host.control.deployed(variant(&file, number)).await;
        }
    }
    load.advance(20).await;
    load.stop().await.assert_flawless(100);
    let all = acknowledged.lock().unwrap().clone();
    let taken = until_taken(&host, &all).await;
    let generations: BTreeSet<_> = taken.values().flatten().collect();
    assert!(generations.len() > 3, "{generations:?}");
    assert!(taken.values().all(|times| times.len() == 1), "a swap is no reason to deliver twice: {taken:?}");
    assert_eq!(host.control.get("/v1/events?dead=true").await, json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_event_ends_as_a_dead_letter_alone_and_is_replayed() {
    let host = host(Database::Sqlite).await;
    switch(&host, "trap", true).await;
    switch(&host, "fail", true).await;
    let good: Vec<String> = (0..20).map(|n| format!("good {n}")).collect();
    for (number, payload) in good.iter().enumerate() {
        publish(&host, payload, "commit", 200).await;
        match number {
            5 => publish(&host, "traps", "commit", 200).await,
            10 => publish(&host, "fails", "commit", 200).await,
            15 => publish(&host, "rejected", "commit", 200).await,
            _ => {}
        }
    }
    let dead = until("three dead letters", || async {
        let dead = host.control.get("/v1/events?dead=true").await;
        (dead.as_array().unwrap().len() == 3).then_some(dead)
    })
    .await;
    // None of those that came along with it is among them.
    until_taken(&host, &good.iter().cloned().collect()).await;
    let of = |payload: &str| {
        let quoted = format!("{payload:?}");
        dead.as_array().unwrap().iter().find(|letter| letter["payload"] == quoted.as_str()).unwrap().clone()
    };
    assert_eq!((&of("traps")["attempts"], &of("fails")["attempts"]), (&json!(3), &json!(3)));
    assert!(of("traps")["last_error"].as_str().unwrap().contains("unreachable"), "{dead}");
    assert_eq!(of("fails")["last_error"], "the switch is on");
    // Once by itself; and once before, where it came along with one that traps.
    let rejected = of("rejected");
    assert!([json!(1), json!(2)].contains(&rejected["attempts"]), "{rejected}");
    assert_eq!(rejected["last_error"], "it is never taken");

    let listed = host.command(&["events", "list", "--dead", "--component", "deferred"]);
    assert!(listed.succeeded && listed.output.lines().count() == 4 && listed.output.contains("dead"), "{listed:?}");
    switch(&host, "trap", false).await;
    switch(&host, "fail", false).await;
    let id = of("traps")["id"].as_str().unwrap().to_owned();
    let replayed = host.command(&["events", "replay", &id]);
    assert!(replayed.succeeded && replayed.output.contains("1 replayed"), "{replayed:?}");
    until_taken(&host, &set(&["traps"])).await;
    let again = host.command(&["events", "replay", &id]);
    assert!(!again.succeeded && again.errors.contains("no dead letter"), "{again:?}");
    assert!(!host.command(&["events", "replay"]).succeeded);
    // All of a component, of which one is rejected again.
    let rest = host.command(&["events", "replay", "--component", "deferred"]);
    assert!(rest.output.contains("2 replayed"), "{rest:?}");
    until_taken(&host, &set(&["fails"])).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schedule_fires_once_for_each_of_its_times() {
    let host = host(Database::Sqlite).await;
    switch(&host, "tick", true).await;
    let times = until("three ticks", || async {
        let deliveries = host.get("/deferred/deliveries").await.expect(200).json();
        let ticks: Vec<Value> =
            deliveries.as_array().unwrap().iter().filter(|d| d["topic"] == "tick").cloned().collect();
        (ticks.len() >= 3).then_some(ticks)
    })
    .await;
    let distinct: BTreeSet<_> = times.iter().map(|tick| tick["event"].as_str().unwrap()).collect();
    assert_eq!(distinct.len(), times.len(), "{times:?}");
    assert!(times.iter().all(|tick| tick["payload"] == "{\"by\": \"schedule\"}"), "{times:?}");
    let listed = host.command(&["jobs", "schedules"]);
    assert!(listed.succeeded && listed.output.contains("tick") && listed.output.contains("* * * * * *"), "{listed:?}");
}

async fn a_delayed_job_runs_when_its_time_has_come_unless_it_was_cancelled(database: Database) {
    let host = host(database).await;
    schedule(&host, "reminder", "soon", 300, true).await;
    schedule(&host, "reminder", "rolled back", 0, false).await;
    schedule(&host, "reminder", "cancelled", 3_600_000, true).await;
    schedule(&host, "reminder", "later", 3_600_000, true).await;
    let cancel = |key: &str| Outgoing::post("/deferred/cancel", &json!({"name": "reminder", "key": key}));
    assert_eq!(host.send(cancel("cancelled")).await.expect(200).json(), true);
    assert_eq!(host.send(cancel("cancelled")).await.expect(200).json(), false);
    until_taken(&host, &set(&["soon"])).await;
    // It is not done again once its outcome is written down.
    until("it is done", || async {
        let waiting = host.control.get("/v1/jobs?dead=false&name=reminder").await;
        waiting.as_array().unwrap().iter().all(|job| job["key"] == "later").then_some(())
    })
    .await;
    schedule(&host, "reminder", "after the restart", 1000, true).await;
    let host = host.kill().start_without_components().await;
    let taken = until_taken(&host, &set(&["soon", "after the restart"])).await;
    assert_eq!(taken.keys().cloned().collect::<BTreeSet<_>>(), set(&["soon", "after the restart"]));
    assert_eq!(taken["soon"].len(), 1, "{taken:?}");
    let waiting = until("all but one are done", || async {
        let waiting = host.control.get("/v1/jobs?dead=false&name=reminder").await;
        (waiting.as_array().unwrap().len() == 1).then_some(waiting)
    })
    .await;
    assert_eq!(waiting[0]["key"], "later");
    // Scheduled anew, it is there once, at its new time.
    schedule(&host, "reminder", "later", 0, true).await;
    let taken = until_taken(&host, &set(&["later"])).await;
    assert_eq!(taken["later"].len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delayed_job_runs_when_its_time_has_come_unless_it_was_cancelled_on_sqlite() {
    a_delayed_job_runs_when_its_time_has_come_unless_it_was_cancelled(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delayed_job_runs_when_its_time_has_come_unless_it_was_cancelled_on_postgresql() {
    a_delayed_job_runs_when_its_time_has_come_unless_it_was_cancelled(Database::Postgresql).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_fails_is_tried_again_and_ends_as_a_dead_letter() {
    let host = host(Database::Sqlite).await;
    switch(&host, "fail", true).await;
    schedule(&host, "fails", "job", 0, true).await;
    let dead = until("a dead job", || async {
        let dead = host.control.get("/v1/jobs?dead=true").await;
        (dead.as_array().unwrap().len() == 1).then_some(dead)
    })
    .await;
    assert_eq!((&dead[0]["attempts"], &dead[0]["key"]), (&json!(3), &json!("job")));
    switch(&host, "fail", false).await;
    let replayed = host.command(&["jobs", "replay", "--component", "deferred", "--name", "fails"]);
    assert!(replayed.output.contains("1 replayed"), "{replayed:?}");
    until_taken(&host, &set(&["job"])).await;
    let listed = host.command(&["jobs", "list", "--dead"]);
    assert_eq!(listed.output.lines().count(), 1, "{listed:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_told_to_stop_finishes_what_it_has_begun() {
    let host = host(Database::Sqlite).await;
    let (load, acknowledged) = publishing(&host, "stop");
    load.advance(40).await;
    load.stop().await.assert_flawless(40);
    let host = host.stop().await.start_without_components().await;
    let all = acknowledged.lock().unwrap().clone();
    let taken = until_taken(&host, &all).await;
    assert!(taken.values().all(|times| times.len() == 1), "{taken:?}");
    assert!(PATIENCE < LONG);
}
