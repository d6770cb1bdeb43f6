//! Publishes events, takes them, and does jobs, for tests of the host. What it took is in its table `delivery`.

use std::time::Duration;

use datamp_sdk::{
    Event, Failure,
    database::Transaction,
    environment,
    jobs::{self, NewJob, Task},
    messaging,
    prelude::*,
};
use serde::{Deserialize, Serialize};

datamp_sdk::service!(
    "component.toml",
    routes,
    migrations = include_bytes!("../migrations.json"),
    subscriber = on_event,
    jobs = run
);

fn routes(router: &mut Router) {
    router
        .post("/deferred/publish", publish)
        .post("/deferred/switch", switch)
        .post("/deferred/schedule", schedule)
        .post("/deferred/cancel", cancel)
        .get("/deferred/deliveries", deliveries);
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    topic: String,
    payload: String,
    /// `commit`, `rollback`, or `alone`: without a transaction.
    end: String,
}

fn publish(Json(new): Json<Publish>) -> Result<Json<String>, Problem> {
    if new.end == "alone" {
        return Ok(Json(messaging::publish(&new.topic, &new.payload)?));
    }
    database::transaction(|tx: &Transaction| {
        let id = tx.publish(&new.topic, &new.payload)?;
        if new.end == "commit" { Ok(Json(id)) } else { Err(Problem::conflict("It is rolled back.")) }
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    name: String,
    is_on: bool,
}

/// While `fail` is on, events and jobs of that payload fail.
fn switch(Json(new): Json<Switch>) -> Result<NoContent, Problem> {
    database::execute(
        "INSERT INTO switch (name, is_on) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on",
        params![new.name, i64::from(new.is_on)],
    )?;
    Ok(NoContent)
}

fn is_on(name: &str) -> Result<bool, database::Error> {
    let on: Option<i64> = database::query_optional("SELECT is_on FROM switch WHERE name = $1", params![name])?;
    Ok(on == Some(1))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Schedule {
    name: String,
    key: String,
    after_ms: u64,
    payload: String,
    commit: bool,
}

fn schedule(Json(new): Json<Schedule>) -> Result<NoContent, Problem> {
    let job = NewJob::after(Duration::from_millis(new.after_ms), &new.name, &new.key, &new.payload)?;
    database::transaction(|tx: &Transaction| {
        tx.schedule(&job)?;
        if new.commit { Ok(NoContent) } else { Err(Problem::conflict("It is rolled back.")) }
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    name: String,
    key: String,
}

fn cancel(Json(job): Json<Key>) -> Result<Json<bool>, Problem> {
    Ok(Json(jobs::cancel(&job.name, &job.key)?))
}

#[derive(Deserialize, Serialize)]
struct Delivery {
    event: String,
    topic: String,
    payload: String,
    attempt: i64,
    generation: i64,
}

fn deliveries() -> Result<Json<Vec<Delivery>>, Problem> {
    Ok(Json(database::query("SELECT event, topic, payload, attempt, generation FROM delivery ORDER BY id", params![])?))
}

fn note(event: &str, topic: &str, payload: &str, attempt: u32) -> Result<(), Failure> {
    let generation = i64::try_from(environment::describe().generation).unwrap_or(0);
    database::execute(
        "INSERT INTO delivery (event, topic, payload, attempt, generation) VALUES ($1, $2, $3, $4, $5)",
        params![event, topic, payload, i64::from(attempt), generation],
    )?;
    Ok(())
}

fn on_event(event: &Event) -> Result<(), Failure> {
    let payload: String = event.json()?;
    match payload.as_str() {
        "traps" if is_on("trap")? => {
            #[allow(clippy::panic, reason = "it is to trap")]
            {
                panic!("the switch is on")
            }
        }
        "fails" if is_on("fail")? => Err(Failure::retry("the switch is on")),
        "rejected" => Err(Failure::reject("it is never taken")),
        _ => note(&event.id, &event.topic, &payload, event.attempt),
    }
}

fn run(task: &Task) -> Result<(), Failure> {
    if task.name == "tick" && !is_on("tick")? {
        return Ok(());
    }
    if task.name == "fails" && is_on("fail")? {
        return Err(Failure::retry("the switch is on"));
    }
    note(&task.scheduled_for.to_rfc3339(), &task.name, &task.payload, task.attempt)
}
