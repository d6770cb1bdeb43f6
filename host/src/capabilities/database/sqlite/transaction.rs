//! A transaction on SQLite.

use tokio::{sync::OwnedSemaphorePermit, time::Instant};

use super::{
    connection::{SqliteConnector, control, run_execute, run_query},
    errors, value,
};
use crate::capabilities::database::{
    pool::{Lease, Pool},
    sql::{Error, RowSet, Value},
    statement::Shape,
};

/// An open transaction. Dropped, it is rolled back.
pub(in super::super) struct SqliteTransaction {
    /// Empty once it has ended.
    lease: Option<Lease<SqliteConnector>>,
    /// The writer's place, where it may write.
    turn: Option<OwnedSemaphorePermit>,
    deadline: Instant,
    /// A statement runs, or was cut short.
    busy: bool,
}

impl SqliteTransaction {
    pub(super) async fn begin(
        pool: &Pool<SqliteConnector>,
        turn: Option<OwnedSemaphorePermit>,
        deadline: Instant,
    ) -> Result<Self, Error> {
        let mut lease = pool.lease().await?;
        lease.unsettle();
        lease.guard.set_deadline(deadline.into_std());
        let begin = if turn.is_some() { "BEGIN IMMEDIATE" } else { "BEGIN" };
        let begun = control(&mut lease.connection, begin).await;
        if let Err(error) = begun {
            let error = errors::error(&error, &lease.guard);
            // Refused, and nothing was begun.
            lease.settle();
            return Err(error);
        }
        Ok(Self { lease: Some(lease), turn, deadline, busy: false })
    }

    /// Whether statements may write.
    const fn writes(&self) -> bool {
        self.turn.is_some()
    }

    pub(in super::super) async fn query(
        &mut self,
        shape: Shape,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<RowSet, Error> {
        self.check(shape)?;
        let arguments = value::arguments(parameters)?;
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        lease.guard.set_deadline(self.deadline.into_std());
        self.busy = true;
        let answer = run_query(lease, statement, arguments).await;
        self.busy = matches!(answer, Err(Error::TooLarge | Error::UnsupportedType(_) | Error::Unavailable(_)));
        answer
    }

    pub(in super::super) async fn execute(
        &mut self,
        shape: Shape,
        statement: String,
        parameters: Vec<Value>,
    ) -> Result<u64, Error> {
        self.check(shape)?;
        let arguments = value::arguments(parameters)?;
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        lease.guard.set_deadline(self.deadline.into_std());
        self.busy = true;
        let changed = run_execute(lease, statement, arguments).await;
        self.busy = matches!(changed, Err(Error::Unavailable(_)));
        changed.map(|changed| if shape.changes_rows { changed } else { 0 })
    }

    /// `query_only` would refuse it too; but a temporary name for the right that is missing is worth the look.
    fn check(&self, shape: Shape) -> Result<(), Error> {
        if shape.changes_rows && !self.writes() {
            return Err(Error::Denied("writing in a read-only transaction".to_owned()));
        }
        Ok(())
    }

    pub(in super::super) async fn commit(mut self) -> Result<(), Error> {
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        self.busy = true;
        let committed = control(&mut lease.connection, "COMMIT").await;
        self.busy = false;
        match committed {
            Ok(()) => {
                if let Some(mut lease) = self.lease.take() {
                    lease.settle();
                }
                Ok(())
            }
            Err(error) => Err(errors::error(&error, &lease.guard)),
        }
    }

    pub(in super::super) async fn rollback(mut self) -> Result<(), Error> {
        let lease = self.lease.as_mut().ok_or(Error::TransactionEnded)?;
        self.busy = true;
        lease.guard.set_deadline(std::time::Instant::now() + std::time::Duration::from_secs(60));
        let rolled_back = control(&mut lease.connection, "ROLLBACK").await;
        if let Some(mut lease) = self.lease.take()
            && rolled_back.is_ok()
        {
            lease.settle();
        }
        // A rollback that failed closed the connection, and with it the transaction.
        Ok(())
    }
}

impl Drop for SqliteTransaction {
    fn drop(&mut self) {
        let turn = self.turn.take();
        match self.lease.take() {
            // Its connection is closed, and SQLite rolls back.
            Some(lease) if self.busy => drop((lease, turn)),
            Some(lease) => lease.roll_back_and_return(turn),
            None => {}
        }
    }
}
