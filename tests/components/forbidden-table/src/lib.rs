//! Runs the statement in its body, alone or inside a transaction, and answers what came of it.

use datamp_sdk::{database::Transaction, prelude::*};
use serde_json::Value;

datamp_sdk::service!("component.toml", routes, migrations = include_bytes!("../migrations.json"));

fn routes(router: &mut Router) {
    router.post("/forbidden-table/query", query);
    router.post("/forbidden-table/execute", execute);
    router.post("/forbidden-table/transaction", transaction);
}

fn query(Body(statement): Body) -> String {
    told(database::query::<Value>(&text(&statement), params![]))
}

fn execute(Body(statement): Body) -> String {
    told(database::execute(&text(&statement), params![]))
}

/// Statements after one another, each on a line of its own.
fn transaction(Body(statements): Body) -> String {
    told(database::transaction(|tx: &Transaction| {
        let mut rows = Vec::new();
        for statement in text(&statements).lines() {
            rows = tx.query::<Value>(statement, params![])?;
        }
        Ok::<_, database::Error>(rows)
    }))
}

fn text(statement: &[u8]) -> String {
    String::from_utf8_lossy(statement).into_owned()
}

fn told<T: std::fmt::Debug>(outcome: Result<T, database::Error>) -> String {
    match outcome {
        Ok(found) => format!("done: {found:?}"),
        Err(error) => format!("{error:?}"),
    }
}
