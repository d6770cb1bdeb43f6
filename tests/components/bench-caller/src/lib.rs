//! Calls bench-echo as often as it is told, for the benchmark of calls between components.

mod contract;

use datamp_sdk::prelude::*;
use serde::Deserialize;

use crate::contract::Entry;

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.get("/bench/scalar", call_scalar);
    router.get("/bench/records/{records}", call_records);
}

#[derive(Deserialize)]
struct Calls {
    calls: u32,
}

/// Makes `calls` calls with a number.
fn call_scalar(Query(Calls { calls }): Query<Calls>) -> Result<(), Problem> {
    for call in 0..u64::from(calls) {
        if contract::scalar(call) != call + 1 {
            return Err(Problem::internal("bench-echo answered something else"));
        }
    }
    Ok(())
}

/// Makes `calls` calls with a list of `records` records.
fn call_records(Path(records): Path<u32>, Query(Calls { calls }): Query<Calls>) -> Result<(), Problem> {
    let entries: Vec<_> = (0..records)
        .map(|n| Entry { id: format!("transfer_{n:026}"), amount: i64::from(n), note: Some("an order".to_owned()) })
        .collect();
    for _ in 0..calls {
        if contract::records(&entries).len() != entries.len() {
            return Err(Problem::internal("bench-echo answered something else"));
        }
    }
    Ok(())
}
