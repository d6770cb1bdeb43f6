//! A component's connections to PostgreSQL, and what runs on them.

use std::sync::Arc;

use futures::StreamExt as _;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Either, Executor as _, PgConnection, Row as _,
    SqlSafeStr as _, Statement as _,
    postgres::{PgArguments, PgColumn, PgConnectOptions},
};

use super::{errors, value};
use crate::capabilities::database::{
    answer::Answer,
    pool::Connector,
    sql::{Error, RowSet},
    statement::is_remembered,
};

/// Logs in as a component.
pub(super) struct PostgresConnector {
    pub(super) options: PgConnectOptions,
}

impl Connector for PostgresConnector {
    type Connection = PgConnection;

    async fn connect(&self) -> Result<PgConnection, Error> {
        self.options.connect().await.map_err(|error| match errors::error(&error) {
            unavailable @ Error::Unavailable(_) => unavailable,
            _ => Error::Unavailable(error.to_string()),
        })
    }

    async fn works(&self, connection: &mut PgConnection) -> bool {
        connection.ping().await.is_ok()
    }

    /// The server itself says when a prepared statement no longer fits.
    fn is_current(&self, _: &PgConnection) -> bool {
        true
    }

    async fn roll_back(connection: &mut PgConnection) -> bool {
        control(connection, "ROLLBACK").await.is_ok()
    }

    /// The server looks for a client that went away every `client_connection_check_interval`, and ends what it ran for it.
    async fn end(connection: PgConnection) {
        drop(connection);
    }

    async fn close(connection: PgConnection) {
        if let Err(error) = connection.close().await {
            tracing::debug!(%error, "a connection to PostgreSQL was not closed in good order");
        }
    }
}

/// Begins or ends a transaction. The pool knows which connections have one open, and sqlx does not: whoever drops one in
/// between closes it.
pub(super) async fn control(connection: &mut PgConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(statement)).await.map(drop)
}

/// Why a statement failed, with what it takes to go on.
pub(super) struct Failure {
    /// For the component.
    pub(super) error: Error,
    /// The answer was not read to its end: the connection can't be used again.
    pub(super) cut_short: bool,
    /// The server had let go of the connection.
    pub(super) broken: bool,
    /// The plan was out of date: prepared anew, the statement runs.
    pub(super) stale_plan: bool,
}

impl Failure {
    fn of(error: &sqlx::Error) -> Self {
        let server = matches!(error, sqlx::Error::Database(_));
        let broken = errors::is_broken(error);
        Self {
            error: errors::error(error),
            cut_short: broken || !server,
            broken,
            stale_plan: errors::is_stale_plan(error),
        }
    }

    const fn unread(error: Error) -> Self {
        Self { error, cut_short: true, broken: false, stale_plan: false }
    }
}

/// Runs a statement for its rows.
pub(super) async fn run_query(
    connection: &mut PgConnection,
    statement: &Arc<str>,
    arguments: PgArguments,
) -> Result<RowSet, Failure> {
    let mut answer = Answer::new();
    let mut kinds = Vec::new();
    let query = sqlx::query_with(AssertSqlSafe(Arc::clone(statement)), arguments).persistent(is_remembered(statement));
    {
        let mut steps = connection.fetch_many(query);
        while let Some(step) = steps.next().await {
            let Either::Right(row) = step.map_err(|error| Failure::of(&error))? else { continue };
            if answer.is_empty() {
                name(&mut answer, row.columns());
                kinds = value::kinds(row.columns()).map_err(Failure::unread)?;
            }
            let values = value::row(&row, &kinds).map_err(Failure::unread)?;
            answer.push(values).map_err(Failure::unread)?;
        }
    }
    if answer.is_empty() {
        // Without a row sqlx names no columns; the statement is in its cache, and it knows them without asking the server.
        let prepared = connection.prepare(AssertSqlSafe(Arc::clone(statement)).into_sql_str()).await;
        name(&mut answer, prepared.map_err(|error| Failure::of(&error))?.columns());
    }
    Ok(answer.finish())
}

fn name(answer: &mut Answer, columns: &[PgColumn]) {
    answer.name(columns.iter().map(|column| column.name().to_owned()));
}

/// Runs a statement for what it changes.
pub(super) async fn run_execute(
    connection: &mut PgConnection,
    statement: &Arc<str>,
    arguments: PgArguments,
) -> Result<u64, Failure> {
    let mut changed = 0;
    let query = sqlx::query_with(AssertSqlSafe(Arc::clone(statement)), arguments).persistent(is_remembered(statement));
    let mut steps = connection.fetch_many(query);
    while let Some(step) = steps.next().await {
        if let Either::Left(done) = step.map_err(|error| Failure::of(&error))? {
            changed += done.rows_affected();
        }
    }
    Ok(changed)
}
