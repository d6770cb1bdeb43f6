//! Runs SQL that never ends, for tests of the host.

use datamp_sdk::{database::Transaction, prelude::*};

datamp_sdk::service!("component.toml", routes, migrations = include_bytes!("../migrations.json"));

const FOR_EVER: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT CAST(COUNT(*) AS BIGINT) FROM n WHERE i < 0";

fn routes(router: &mut Router) {
    router.get("/slow-database/for-ever", for_ever);
    router.get("/slow-database/in-transaction", in_transaction);
    router.get("/slow-database/sleeps-in-transaction", sleeps_in_transaction);
    router.get("/slow-database/pebbles", pebbles);
}

fn for_ever() -> Result<Json<i64>, Problem> {
    Ok(Json(database::query_one(FOR_EVER, params![])?))
}

/// Writes, so that on SQLite it holds the one writer's lock, and then never ends.
fn in_transaction() -> Result<Json<i64>, Problem> {
    database::transaction(|tx: &Transaction| {
        tx.execute("INSERT INTO pebble (id) VALUES (1)", params![])?;
        Ok(Json(tx.query_one(FOR_EVER, params![])?))
    })
}

/// Holds a transaction open while it computes without end.
fn sleeps_in_transaction() -> Result<NoContent, Problem> {
    database::transaction(|tx: &Transaction| {
        tx.execute("INSERT INTO pebble (id) VALUES (2)", params![])?;
        loop {
            std::hint::spin_loop();
        }
    })
}

fn pebbles() -> Result<Json<i64>, Problem> {
    Ok(Json(database::query_one("SELECT COUNT(*) FROM pebble", params![])?))
}
