//! Guarded connections to SQLite, and what runs on them.

use std::sync::Arc;

use futures::StreamExt as _;
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Either, Executor as _, Row as _, SqlSafeStr as _, Statement as _,
    SqliteConnection,
    sqlite::{SqliteArguments, SqliteColumn, SqliteConnectOptions},
};

use super::{
    authorizer::{Guard, Policy, install},
    errors, value,
};
use crate::capabilities::database::{
    answer::Answer,
    pool::Connector,
    sql::{Error, RowSet},
};

/// A connection and its guard.
pub(super) struct Guarded {
    pub(super) connection: SqliteConnection,
    pub(super) guard: Arc<Guard>,
}

/// Opens connections with a component's rights.
pub(super) struct SqliteConnector {
    options: SqliteConnectOptions,
    policy: Arc<dyn Policy>,
}

impl SqliteConnector {
    /// With these options and rights.
    pub(super) fn new<P: Policy>(options: SqliteConnectOptions, rights: impl FnOnce() -> P) -> Self {
        Self { options, policy: Arc::new(rights()) }
    }
}

impl Policy for Arc<dyn Policy> {
    fn judge(&self, action: &super::authorizer::Action<'_>) -> Result<(), String> {
        (**self).judge(action)
    }
}

impl Connector for SqliteConnector {
    type Connection = Guarded;

    async fn connect(&self) -> Result<Guarded, Error> {
        let unavailable = |error: sqlx::Error| Error::Unavailable(error.to_string());
        let mut connection = self.options.connect().await.map_err(unavailable)?;
        let guard = Guard::new(Arc::clone(&self.policy));
        install(&mut connection, &guard).await.map_err(unavailable)?;
        Ok(Guarded { connection, guard })
    }

    /// A file does not go away.
    async fn works(&self, _: &mut Guarded) -> bool {
        true
    }

    async fn roll_back(guarded: &mut Guarded) -> bool {
        // The deadline of the call has no say in this.
        guarded.guard.set_deadline(std::time::Instant::now() + std::time::Duration::from_secs(60));
        control(&mut guarded.connection, "ROLLBACK").await.is_ok()
    }

    fn abandon(guarded: &mut Guarded) {
        guarded.guard.interrupt();
    }

    async fn close(guarded: Guarded) {
        if let Err(error) = guarded.connection.close().await {
            tracing::debug!(%error, "a connection to SQLite was not closed in good order");
        }
    }
}

/// Begins or ends a transaction. The pool knows which connections have one open, and sqlx does not: whoever drops one in
/// between closes it.
pub(super) async fn control(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::query(statement)).await.map(drop)
}

/// Runs a statement for its rows.
pub(super) async fn run_query(guarded: &mut Guarded, statement: String, arguments: SqliteArguments) -> Result<RowSet, Error> {
    let Guarded { connection, guard } = guarded;
    // A text that many can hold: most answers have a row, and then it is never copied.
    let statement: Arc<str> = statement.into();
    let mut answer = Answer::new();
    let mut booleans = Vec::new();
    {
        let mut steps = connection.fetch_many(sqlx::query_with(AssertSqlSafe(Arc::clone(&statement)), arguments));
        while let Some(step) = steps.next().await {
            let Either::Right(row) = step.map_err(|error| errors::error(&error, guard))? else { continue };
            if answer.is_empty() {
                name(&mut answer, row.columns());
                booleans = value::booleans(row.columns());
            }
            answer.push(value::row(&row, &booleans)?)?;
        }
    }
    if answer.is_empty() {
        // Without a row sqlx names no columns; the statement is in its cache, and it knows them.
        let prepared = connection.prepare(AssertSqlSafe(statement).into_sql_str()).await;
        name(&mut answer, prepared.map_err(|error| errors::error(&error, guard))?.columns());
    }
    Ok(answer.finish())
}

fn name(answer: &mut Answer, columns: &[SqliteColumn]) {
    use sqlx::Column as _;
    answer.name(columns.iter().map(|column| column.name().to_owned()));
}

/// Runs a statement for what it changes.
pub(super) async fn run_execute(guarded: &mut Guarded, statement: String, arguments: SqliteArguments) -> Result<u64, Error> {
    let Guarded { connection, guard } = guarded;
    let mut changed = 0;
    let mut steps = connection.fetch_many(sqlx::query_with(AssertSqlSafe(statement), arguments));
    while let Some(step) = steps.next().await {
        if let Either::Left(done) = step.map_err(|error| errors::error(&error, guard))? {
            changed += done.rows_affected();
        }
    }
    Ok(changed)
}
