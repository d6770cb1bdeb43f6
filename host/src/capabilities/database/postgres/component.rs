//! One generation of a component on PostgreSQL, and its transactions.

use std::sync::Arc;

use sqlx::{Connection as _, PgConnection, postgres::PgArguments};

use super::{
    connection::{Failure, PostgresConnector, control, run_execute, run_query},
    errors, value,
};
use crate::capabilities::database::{
    pool::{Lease, Pool},
    sql::{Access, Error, RowSet, Value},
    statement::Shape,
};

/// What a statement answers.
trait Run: Copy + Send {
    type Answer: Send;

    fn run(
        self,
        connection: &mut PgConnection,
        statement: &Arc<str>,
        arguments: PgArguments,
    ) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

#[derive(Clone, Copy)]
struct Rows;

#[derive(Clone, Copy)]
struct Changes;

impl Run for Rows {
    type Answer = RowSet;

    async fn run(
        self,
        connection: &mut PgConnection,
        statement: &Arc<str>,
        arguments: PgArguments,
    ) -> Result<RowSet, Failure> {
        run_query(connection, statement, arguments).await
    }
}

impl Run for Changes {
    type Answer = u64;

    async fn run(
        self,
        connection: &mut PgConnection,
        statement: &Arc<str>,
        arguments: PgArguments,
    ) -> Result<u64, Failure> {
        run_execute(connection, statement, arguments).await
    }
}

/// One generation of a component.
pub(in super::super) struct PostgresComponent {
    pub(super) pool: Pool<PostgresConnector>,
}

impl PostgresComponent {
    /// Runs one statement by itself and answers its rows.
    pub(in super::super) async fn query(
        &self,
        shape: Shape,
        statement: Arc<str>,
        parameters: Vec<Value>,
    ) -> Result<RowSet, Error> {
        self.run(Rows, shape, statement, parameters).await
    }

    /// Runs one statement by itself and answers how many rows it changed.
    pub(in super::super) async fn execute(
        &self,
        shape: Shape,
        statement: Arc<str>,
        parameters: Vec<Value>,
    ) -> Result<u64, Error> {
        let changed = self.run(Changes, shape, statement, parameters).await?;
        Ok(if shape.changes_rows { changed } else { 0 })
    }

    async fn run<R: Run>(
        &self,
        run: R,
        shape: Shape,
        statement: Arc<str>,
        parameters: Vec<Value>,
    ) -> Result<R::Answer, Error> {
        let (statement, arguments) = value::arguments(statement, parameters)?;
        let mut lease = self.pool.lease().await?;
        // A copy for the second try only where there may be one.
        let again = lease.reused.then(|| arguments.clone());
        lease.unsettle();
        let failure = match run.run(&mut lease, &statement, arguments).await {
            Ok(answer) => {
                lease.settle();
                return Ok(answer);
            }
            Err(failure) => failure,
        };
        if failure.broken {
            self.pool.clear();
        }
        // The server ended an idle connection: a statement that only reads may simply run on another one.
        let on_another = failure.broken && !shape.may_write;
        if let Some(arguments) = again
            && (failure.stale_plan || on_another)
        {
            if failure.stale_plan {
                lease.clear_cached_statements().await.map_err(|error| errors::error(&error))?;
            } else {
                drop(lease);
                lease = self.pool.lease().await?;
                lease.unsettle();
            }
            let answer = run.run(&mut lease, &statement, arguments).await;
            if !answer.as_ref().is_err_and(|failure| failure.cut_short) {
                lease.settle();
            }
            return answer.map_err(|failure| failure.error);
        }
        if !failure.cut_short {
            lease.settle();
        }
        Err(failure.error)
    }

    /// Begins a transaction.
    pub(in super::super) async fn begin(&self, access: Access) -> Result<PostgresTransaction, Error> {
        let begin = match access {
            Access::ReadOnly => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Access::ReadWrite => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
        };
        loop {
            let mut lease = self.pool.lease().await?;
            lease.unsettle();
            match control(&mut lease, begin).await {
                Ok(()) => {
                    lease.settle();
                    return Ok(PostgresTransaction { lease: Some(lease) });
                }
                // Nothing was begun on it: another one will do. A fresh one that is broken is the end of it.
                Err(error) if errors::is_broken(&error) && lease.reused => self.pool.clear(),
                Err(error) => return Err(errors::error(&error)),
            }
        }
    }
}

/// An open transaction. Dropped, it is rolled back.
pub(in super::super) struct PostgresTransaction {
    /// Empty once it has ended. Unsettled while a statement runs on it, or where one was cut short.
    lease: Option<Lease<PostgresConnector>>,
}

impl PostgresTransaction {
    pub(in super::super) async fn query(
        &mut self,
        statement: Arc<str>,
        parameters: Vec<Value>,
    ) -> Result<RowSet, Error> {
        self.run(Rows, statement, parameters).await
    }

    pub(in super::super) async fn execute(
        &mut self,
        shape: Shape,
        statement: Arc<str>,
        parameters: Vec<Value>,
    ) -> Result<u64, Error> {
        let changed = self.run(Changes, statement, parameters).await?;
        Ok(if shape.changes_rows { changed } else { 0 })
    }

    async fn run<R: Run>(&mut self, run: R, statement: Arc<str>, parameters: Vec<Value>) -> Result<R::Answer, Error> {
        let (statement, arguments) = value::arguments(statement, parameters)?;
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        lease.unsettle();
        match run.run(lease, &statement, arguments).await {
            Ok(answer) => {
                lease.settle();
                Ok(answer)
            }
            // Its connection is closed: without its prepared statements, the next transaction plans anew.
            Err(Failure { stale_plan: true, .. }) => Err(Error::Conflict),
            Err(failure) => {
                if !failure.cut_short {
                    lease.settle();
                }
                Err(failure.error)
            }
        }
    }

    pub(in super::super) async fn commit(mut self) -> Result<(), Error> {
        let mut lease = self.lease.take().ok_or(Error::TransactionEnded)?;
        lease.unsettle();
        // Where it fails (a deferred constraint, say), the server has rolled back; the connection is closed, to be sure.
        control(&mut lease, "COMMIT").await.map_err(|error| errors::error(&error))?;
        lease.settle();
        Ok(())
    }

    pub(in super::super) async fn rollback(mut self) -> Result<(), Error> {
        let mut lease = self.lease.take().ok_or(Error::TransactionEnded)?;
        lease.unsettle();
        // One that fails leaves the lease unsettled: the connection is closed, and the server rolls back.
        if control(&mut lease, "ROLLBACK").await.is_ok() {
            lease.settle();
        }
        Ok(())
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.roll_back_and_return(());
        }
    }
}
