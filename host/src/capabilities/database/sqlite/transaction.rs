//! A transaction on SQLite.

use std::{sync::Arc, time::Duration};

use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{
    connection::{SqliteConnector, control, run_execute, run_query},
    errors,
    own::OwnStatements,
    value,
};
use crate::capabilities::database::{
    HostCall,
    pool::Lease,
    sql::{Error, RowSet, Value},
    statement::Shape,
};

/// How long a rollback may take whatever the call's deadline was.
const ROLLBACK: Duration = Duration::from_secs(5);

/// An open transaction. Dropped, it is rolled back.
pub(in super::super) struct SqliteTransaction {
    /// Empty once it has ended. Unsettled while a statement runs on it, or where one was cut short.
    lease: Option<Lease<SqliteConnector>>,
    /// The writer's place, where it may write.
    turn: Option<OwnedSemaphorePermit>,
    deadline: Instant,
    own: Arc<OwnStatements>,
}

impl SqliteTransaction {
    pub(super) async fn begin(
        mut lease: Lease<SqliteConnector>,
        turn: Option<OwnedSemaphorePermit>,
        deadline: Instant,
        own: &Arc<OwnStatements>,
    ) -> Result<Self, Error> {
        let begin = if turn.is_some() { "BEGIN IMMEDIATE" } else { "BEGIN" };
        lease.unsettle();
        lease.guard.set_deadline(deadline.into_std());
        let begun = control(&mut lease.connection, begin).await;
        let begun = begun.map_err(|error| errors::error(&error, &lease.guard));
        if !matches!(begun, Err(Error::Unavailable(_))) {
            lease.settle();
        }
        begun.map(|()| Self { lease: Some(lease), turn, deadline, own: Arc::clone(own) })
    }

    pub(in super::super) async fn query(
        &mut self,
        shape: Shape,
        statement: Arc<str>,
        parameters: Vec<Value>,
    ) -> Result<RowSet, Error> {
        self.check(shape)?;
        let arguments = value::arguments(parameters)?;
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        run_query(lease, statement, arguments, self.deadline).await
    }

    pub(in super::super) async fn execute(
        &mut self,
        shape: Shape,
        statement: Arc<str>,
        parameters: Vec<Value>,
    ) -> Result<u64, Error> {
        self.check(shape)?;
        let arguments = value::arguments(parameters)?;
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        let changed = run_execute(lease, statement, arguments, self.deadline).await?;
        Ok(if shape.changes_rows { changed } else { 0 })
    }

    /// Writes on behalf of the component.
    pub(in super::super) async fn call(&mut self, call: HostCall, parameters: Vec<Value>) -> Result<u64, Error> {
        let shape = Shape { changes_rows: true, may_write: true };
        let text = self.own.text(call);
        self.execute(shape, text, parameters).await
    }

    /// The connection refuses it too (`query_only`); this way the refusal costs nothing.
    fn check(&self, shape: Shape) -> Result<(), Error> {
        if shape.changes_rows && self.turn.is_none() {
            return Err(Error::Denied("writing in a read-only transaction".to_owned()));
        }
        Ok(())
    }

    pub(in super::super) async fn commit(mut self) -> Result<(), Error> {
        let mut lease = self.lease.take().ok_or(Error::TransactionEnded)?;
        lease.unsettle();
        lease.guard.set_deadline(self.deadline.into_std());
        let committed = control(&mut lease.connection, "COMMIT").await;
        let committed = committed.map_err(|error| errors::error(&error, &lease.guard));
        if committed.is_ok() {
            lease.settle();
        } else if !matches!(committed, Err(Error::Unavailable(_))) {
            // A deferred foreign key, a full disk: it is still open.
            lease.settle();
            lease.roll_back_and_return(self.turn.take());
        }
        committed
    }

    pub(in super::super) async fn rollback(mut self) -> Result<(), Error> {
        let mut lease = self.lease.take().ok_or(Error::TransactionEnded)?;
        lease.unsettle();
        lease.guard.set_deadline(std::time::Instant::now() + ROLLBACK);
        // One that fails leaves the lease unsettled: the connection is closed, and SQLite rolls back.
        if control(&mut lease.connection, "ROLLBACK").await.is_ok() {
            lease.settle();
        }
        Ok(())
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        if let Some(lease) = self.lease.take() {
            lease.roll_back_and_return(self.turn.take());
        }
    }
}
