//! Guarded connections to SQLite, and what runs on them.

use std::sync::Arc;

use futures::StreamExt as _;
use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Either, Executor as _, Row as _, SqlSafeStr as _,
    SqliteConnection, Statement as _,
    sqlite::{SqliteArguments, SqliteColumn, SqliteConnectOptions},
};
use tokio::time::Instant;

use super::{
    authorizer::{Action, Guard, Policy, install},
    errors,
    rights::{ComponentRights, Schema, SharedSchema},
    value,
};
use crate::capabilities::database::{
    answer::Answer,
    pool::{Connector, Lease},
    sql::{Error, RowSet},
    statement::is_remembered,
};

/// A connection and its guard.
pub(super) struct Guarded {
    pub(super) connection: SqliteConnection,
    pub(super) guard: Arc<Guard>,
    /// The schema that was there when it was made.
    made_for: Arc<Schema>,
}

/// Opens connections with a component's rights.
pub(super) struct SqliteConnector {
    pub(super) options: SqliteConnectOptions,
    pub(super) rights: Arc<ComponentRights>,
    pub(super) schema: SharedSchema,
}

impl Policy for Arc<ComponentRights> {
    fn judge(&self, action: &Action<'_>, statement: &str) -> Result<(), String> {
        (**self).judge(action, statement)
    }
}

impl Connector for SqliteConnector {
    type Connection = Guarded;

    async fn connect(&self) -> Result<Guarded, Error> {
        let unavailable = |error: sqlx::Error| Error::Unavailable(error.to_string());
        let made_for = self.schema.load_full();
        let mut connection = self.options.connect().await.map_err(unavailable)?;
        let guard = Guard::new(Arc::clone(&self.rights));
        install(&mut connection, &guard).await.map_err(unavailable)?;
        Ok(Guarded { connection, guard, made_for })
    }

    /// A file does not go away.
    async fn works(&self, _: &mut Guarded) -> bool {
        true
    }

    /// A statement that was prepared for other columns would be prepared again by SQLite in the middle of its run, without sqlx
    /// noticing, and one that is prepared anew would be for the columns that the connection remembers. So after a
    /// migration connections are made anew.
    fn is_current(&self, guarded: &Guarded) -> bool {
        Arc::ptr_eq(&self.schema.load(), &guarded.made_for)
    }

    async fn roll_back(guarded: &mut Guarded) -> bool {
        // The deadline of the call has no say in this.
        guarded.guard.set_deadline(std::time::Instant::now() + std::time::Duration::from_secs(60));
        control(&mut guarded.connection, "ROLLBACK").await.is_ok()
    }

    /// A statement ends at the next look at the clock; but there is none within a single function, and one of them (`instr` of two
    /// long texts) may take minutes. Its thread keeps its place in the pool: a component can't have more of them than that.
    async fn end(guarded: Guarded) {
        guarded.guard.interrupt();
        Self::close(guarded).await;
    }

    async fn close(guarded: Guarded) {
        if let Err(error) = guarded.connection.close().await {
            tracing::debug!(%error, "a connection to SQLite was not closed in good order");
        }
    }
}

impl Guarded {
    /// Makes ready for a statement.
    fn expect(&mut self, statement: &Arc<str>, deadline: Instant) {
        self.guard.expect(Arc::clone(statement));
        self.guard.set_deadline(deadline.into_std());
    }
}

/// Begins or ends a transaction. The pool knows which connections have one open, and sqlx does not: whoever drops one in
/// between closes it.
pub(super) async fn control(connection: &mut SqliteConnection, statement: &'static str) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::query(statement)).await.map(drop)
}

/// Runs a statement for its rows. The lease is settled where the statement came to its end.
pub(super) async fn run_query(
    lease: &mut Lease<SqliteConnector>,
    statement: Arc<str>,
    arguments: SqliteArguments,
    deadline: Instant,
) -> Result<RowSet, Error> {
    lease.unsettle();
    lease.expect(&statement, deadline);
    let answer = read(lease, statement, arguments).await;
    // What was cut short leaves a connection that still works on it.
    if !matches!(answer, Err(Error::TooLarge | Error::UnsupportedType(_) | Error::Unavailable(_))) {
        lease.settle();
    }
    answer
}

async fn read(guarded: &mut Guarded, statement: Arc<str>, arguments: SqliteArguments) -> Result<RowSet, Error> {
    let Guarded { connection, guard, .. } = guarded;
    let mut answer = Answer::new();
    let mut booleans = Vec::new();
    let query =
        sqlx::query_with(AssertSqlSafe(Arc::clone(&statement)), arguments).persistent(is_remembered(&statement));
    {
        let mut steps = connection.fetch_many(query);
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
    answer.name(columns.iter().map(|column| column.name().to_owned()));
}

/// Runs a statement for what it changes. The lease is settled where the statement came to its end.
pub(super) async fn run_execute(
    lease: &mut Lease<SqliteConnector>,
    statement: Arc<str>,
    arguments: SqliteArguments,
    deadline: Instant,
) -> Result<u64, Error> {
    lease.unsettle();
    lease.expect(&statement, deadline);
    let Guarded { connection, guard, .. } = &mut **lease;
    let mut changed = 0;
    let is_remembered = is_remembered(&statement);
    let query = sqlx::query_with(AssertSqlSafe(statement), arguments).persistent(is_remembered);
    {
        let mut steps = connection.fetch_many(query);
        while let Some(step) = steps.next().await {
            match step {
                Ok(Either::Left(done)) => changed += done.rows_affected(),
                Ok(Either::Right(_)) => {}
                Err(error) => {
                    drop(steps);
                    let error = errors::error(&error, guard);
                    if !matches!(error, Error::Unavailable(_)) {
                        lease.settle();
                    }
                    return Err(error);
                }
            }
        }
    }
    lease.settle();
    Ok(changed)
}
