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

    async fn run(self, connection: &mut PgConnection, statement: &Arc<str>, arguments: PgArguments) -> Result<RowSet, Failure> {
        run_query(connection, statement, arguments).await
    }
}

impl Run for Changes {
    type Answer = u64;

    async fn run(self, connection: &mut PgConnection, statement: &Arc<str>, arguments: PgArguments) -> Result<u64, Failure> {
        run_execute(connection, statement, arguments).await
    }
}

/// One generation of a component.
pub(in super::super) struct PostgresComponent {
    pub(super) pool: Pool<PostgresConnector>,
}

impl PostgresComponent {
    /// Runs one statement by itself and answers its rows.
    pub(in super::super) async fn query(&self, shape: Shape, statement: String, parameters: Vec<Value>) -> Result<RowSet, Error> {
        self.run(Rows, shape, statement, parameters).await
    }

    /// Runs one statement by itself and answers how many rows it changed.
    pub(in super::super) async fn execute(&self, shape: Shape, statement: String, parameters: Vec<Value>) -> Result<u64, Error> {
        let changed = self.run(Changes, shape, statement, parameters).await?;
        Ok(if shape.changes_rows { changed } else { 0 })
    }

    async fn run<R: Run>(&self, run: R, shape: Shape, statement: String, parameters: Vec<Value>) -> Result<R::Answer, Error> {
        let (statement, arguments) = value::arguments(statement, parameters)?;
        let statement: Arc<str> = statement.into();
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
                Ok(()) => return Ok(PostgresTransaction { lease: Some(lease), busy: false }),
                // Nothing was begun on it: another one will do. A fresh one that is broken is the end of it.
                Err(error) if errors::is_broken(&error) && lease.reused => self.pool.clear(),
                Err(error) => return Err(errors::error(&error)),
            }
        }
    }
}

/// An open transaction. Dropped, it is rolled back.
pub(in super::super) struct PostgresTransaction {
    /// Empty once it has ended.
    lease: Option<Lease<PostgresConnector>>,
    /// A statement runs, or was cut short.
    busy: bool,
}

impl PostgresTransaction {
    pub(in super::super) async fn query(&mut self, statement: String, parameters: Vec<Value>) -> Result<RowSet, Error> {
        self.run(Rows, statement, parameters).await
    }

    pub(in super::super) async fn execute(
        &mut self,
        shape: Shape,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<u64, Error> {
        let changed = self.run(Changes, statement, parameters).await?;
        Ok(if shape.changes_rows { changed } else { 0 })
    }

    async fn run<R: Run>(&mut self, run: R, statement: String, parameters: Vec<Value>) -> Result<R::Answer, Error> {
        let (statement, arguments) = value::arguments(statement, parameters)?;
        let statement: Arc<str> = statement.into();
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        self.busy = true;
        match run.run(lease, &statement, arguments).await {
            Ok(answer) => {
                self.busy = false;
                Ok(answer)
            }
            Err(failure) => {
                // With its prepared statements gone too, the next transaction plans anew.
                self.busy = failure.cut_short || failure.stale_plan;
                Err(if failure.stale_plan { Error::Conflict } else { failure.error })
            }
        }
    }

    pub(in super::super) async fn commit(mut self) -> Result<(), Error> {
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        self.busy = true;
        let committed = control(lease, "COMMIT").await;
        match committed {
            Ok(()) => {
                self.settle();
                Ok(())
            }
            // A deferred constraint, a serialization: the server has rolled back. Anything else: the connection goes.
            Err(error) => Err(errors::error(&error)),
        }
    }

    pub(in super::super) async fn rollback(mut self) -> Result<(), Error> {
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        self.busy = true;
        if control(lease, "ROLLBACK").await.is_ok() {
            self.settle();
        }
        // A rollback that failed closes the connection, and with it the transaction.
        Ok(())
    }

    fn settle(&mut self) {
        if let Some(mut lease) = self.lease.take() {
            lease.settle();
        }
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        match self.lease.take() {
            // Its connection is closed, and the server rolls back.
            Some(lease) if self.busy => drop(lease),
            Some(lease) => lease.roll_back_and_return(()),
            None => {}
        }
    }
}
