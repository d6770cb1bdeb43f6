//! The table `sandbox_payment`: one statement for a list, whatever its length.

use datamp_sdk::database::{self, Dialect, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::Serialize;

use crate::payment::{Payment, State};

/// A payment to begin.
#[derive(Clone, Debug, Serialize)]
pub struct New {
    /// The sandbox's name for it, unless the top-up has one already.
    pub reference: String,
    /// The top-up that it is for.
    pub top_up: String,
    /// How much, in minor units.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
    /// What it is for.
    pub description: String,
    /// Where the person goes afterwards.
    pub return_url: Option<String>,
    /// Where callbacks go.
    pub callback_url: String,
    /// When it is given up, in microseconds since the Unix epoch.
    pub expires_at: i64,
}

const INSERT_SQLITE: &str = "INSERT INTO sandbox_payment (reference, top_up, amount, currency, description, return_url, callback_url, \
    state, expires_at, created_at) SELECT value ->> 'reference', value ->> 'top_up', value ->> 'amount', value ->> 'currency', \
    value ->> 'description', value ->> 'return_url', value ->> 'callback_url', 'pending', value ->> 'expires_at', $2 \
    FROM json_each($1) WHERE true ON CONFLICT (top_up) DO NOTHING";

const INSERT_POSTGRESQL: &str = "INSERT INTO sandbox_payment (reference, top_up, amount, currency, description, return_url, \
    callback_url, state, expires_at, created_at) SELECT reference, top_up, amount, currency, description, return_url, callback_url, \
    'pending', expires_at, $2 FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) AS r (reference TEXT, top_up TEXT, amount BIGINT, \
    currency TEXT, description TEXT, return_url TEXT, callback_url TEXT, expires_at BIGINT) ON CONFLICT (top_up) DO NOTHING";

/// What is in a list of texts, in either dialect.
macro_rules! among {
    ($column:literal) => {
        (
            concat!(
                "SELECT reference, top_up, amount, currency, description, return_url, callback_url, state, expires_at \
                     FROM sandbox_payment WHERE ",
                $column,
                " IN (SELECT value FROM json_each($1))"
            ),
            concat!(
                "SELECT reference, top_up, amount, currency, description, return_url, callback_url, state, expires_at \
                     FROM sandbox_payment WHERE ",
                $column,
                " = ANY($1)"
            ),
        )
    };
}

const OF_TOP_UPS: (&str, &str) = among!("top_up");

const BY_REFERENCES: (&str, &str) = among!("reference");

/// What was said of other money, or once it succeeded, changes nothing.
const DECIDE: &str = "UPDATE sandbox_payment SET state = $4 \
                      WHERE top_up = $1 AND amount = $2 AND currency = $3 AND state <> 'succeeded' AND state <> $4";

fn spoken((sqlite, postgresql): (&'static str, &'static str)) -> &'static str {
    match database::dialect() {
        Dialect::Sqlite => sqlite,
        Dialect::Postgresql => postgresql,
    }
}

/// Begins payments, and answers those of all these top-ups: what was begun before stays as it was.
pub fn begin(new: &[New], now: Timestamp) -> Result<Vec<Payment>, database::Error> {
    let top_ups: Vec<&str> = new.iter().map(|new| new.top_up.as_str()).collect();
    database::transaction(|tx: &Transaction| {
        tx.execute(spoken((INSERT_SQLITE, INSERT_POSTGRESQL)), params![JsonText(new), now])?;
        // In a statement of its own: where another transaction began one, the one above waited for it.
        tx.query(spoken(OF_TOP_UPS), params![top_ups.clone()])
    })
}

/// Payments by their references, in no promised order.
pub fn by_references(references: &[String]) -> Result<Vec<Payment>, database::Error> {
    let references: Vec<&str> = references.iter().map(String::as_str).collect();
    database::query(spoken(BY_REFERENCES), params![references])
}

/// One payment.
pub fn get(reference: &str) -> Result<Option<Payment>, database::Error> {
    Ok(by_references(&[reference.to_owned()])?.pop())
}

/// Writes down what became of a payment.
pub fn decide(top_up: &str, amount: i64, currency: &str, state: State) -> Result<(), database::Error> {
    database::execute(DECIDE, params![top_up, amount, currency, state.as_str()])?;
    Ok(())
}
