//! A component's own share of the database: its connections, with its rights and no more.

use std::{future::Future, sync::Arc};

use tokio::time::Instant;

use super::{
    host_call::{HostCall, of_component},
    postgres::{PostgresComponent, PostgresTransaction, number},
    sql::{Access, Dialect, Error, RowSet, Value},
    sqlite::{SqliteComponent, SqliteTransaction},
    statement::Statements,
};
use crate::timers::Timers;

/// The database as one generation of a component may use it. Cheap to clone. When the last clone goes, its connections are closed.
#[derive(Clone)]
pub struct ComponentDatabase {
    kind: Arc<Kind>,
    shared: Shared,
}

/// What a component's statements share, within transactions and without.
#[derive(Clone)]
struct Shared {
    statements: Arc<Statements>,
    timers: Timers,
}

enum Kind {
    Sqlite(SqliteComponent),
    Postgresql(PostgresComponent),
}

impl ComponentDatabase {
    pub(super) fn on_sqlite(component: SqliteComponent) -> Self {
        Self::new(Dialect::Sqlite, Kind::Sqlite(component))
    }

    pub(super) fn on_postgresql(component: PostgresComponent) -> Self {
        Self::new(Dialect::Postgresql, Kind::Postgresql(component))
    }

    fn new(dialect: Dialect, kind: Kind) -> Self {
        let statements = Arc::new(Statements::new(dialect));
        Self { kind: Arc::new(kind), shared: Shared { statements, timers: Timers::default() } }
    }

    /// Which SQL it speaks.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        self.shared.statements.dialect()
    }

    /// How many more statements can be read at once on SQLite.
    #[cfg(test)]
    pub(super) fn free_readers(&self) -> Option<usize> {
        match &*self.kind {
            Kind::Sqlite(component) => Some(component.free_readers()),
            Kind::Postgresql(_) => None,
        }
    }

    /// Runs one statement by itself and answers its rows.
    ///
    /// # Errors
    /// As the contract says; `timeout` once the deadline has passed.
    pub async fn query(&self, statement: String, parameters: Vec<Value>, deadline: Instant) -> Result<RowSet, Error> {
        let (shape, statement) = self.shared.statements.inspect(statement, parameters.len())?;
        match &*self.kind {
            Kind::Sqlite(component) => {
                self.shared.until(deadline, component.query(shape, statement, parameters, deadline)).await
            }
            Kind::Postgresql(component) => {
                self.shared.until(deadline, component.query(shape, statement, parameters)).await
            }
        }
    }

    /// Runs one statement by itself and answers how many rows it changed; 0 for one that changes none.
    ///
    /// # Errors
    /// As the contract says; `timeout` once the deadline has passed.
    pub async fn execute(&self, statement: String, parameters: Vec<Value>, deadline: Instant) -> Result<u64, Error> {
        let (shape, statement) = self.shared.statements.inspect(statement, parameters.len())?;
        match &*self.kind {
            Kind::Sqlite(component) => {
                self.shared.until(deadline, component.execute(shape, statement, parameters, deadline)).await
            }
            Kind::Postgresql(component) => {
                self.shared.until(deadline, component.execute(shape, statement, parameters)).await
            }
        }
    }

    /// Begins a transaction, which lives until the deadline at the longest.
    ///
    /// # Errors
    /// As the contract says; `timeout` where neither a connection nor, on SQLite, the writer's lock was had before the deadline.
    pub async fn begin(&self, access: Access, deadline: Instant) -> Result<OpenTransaction, Error> {
        let kind = match &*self.kind {
            Kind::Sqlite(component) => {
                self.shared.until(deadline, component.begin(access, deadline)).await.map(OpenKind::Sqlite)
            }
            Kind::Postgresql(component) => {
                self.shared.until(deadline, component.begin(access)).await.map(OpenKind::Postgresql)
            }
        };
        Ok(OpenTransaction { kind: Some(kind?), deadline, shared: self.shared.clone(), defers_work: false })
    }
}

/// A transaction that has begun. Dropped, it is rolled back.
///
/// Any error of a statement ends it, on either database: PostgreSQL knows no other way, and SQL that works on one should work
/// on the other.
pub struct OpenTransaction {
    /// Empty once it has ended.
    kind: Option<OpenKind>,
    deadline: Instant,
    shared: Shared,
    defers_work: bool,
}

enum OpenKind {
    Sqlite(SqliteTransaction),
    Postgresql(PostgresTransaction),
}

impl OpenTransaction {
    /// Whether an error has ended it.
    #[must_use]
    pub const fn has_ended(&self) -> bool {
        self.kind.is_none()
    }

    /// Runs a statement and answers its rows.
    ///
    /// # Errors
    /// As the contract says. The transaction has ended then.
    pub async fn query(&mut self, statement: String, parameters: Vec<Value>) -> Result<RowSet, Error> {
        let kind = self.kind.as_mut().ok_or(Error::TransactionEnded)?;
        let answer = match self.shared.statements.inspect(statement, parameters.len()) {
            Err(error) => Err(error),
            Ok((shape, statement)) => match kind {
                OpenKind::Sqlite(open) => {
                    self.shared.until(self.deadline, open.query(shape, statement, parameters)).await
                }
                OpenKind::Postgresql(open) => self.shared.until(self.deadline, open.query(statement, parameters)).await,
            },
        };
        if answer.is_err() {
            self.kind = None;
        }
        answer
    }

    /// Runs a statement and answers how many rows it changed; 0 for one that changes none.
    ///
    /// # Errors
    /// As the contract says. The transaction has ended then.
    pub async fn execute(&mut self, statement: String, parameters: Vec<Value>) -> Result<u64, Error> {
        let kind = self.kind.as_mut().ok_or(Error::TransactionEnded)?;
        let changed = match self.shared.statements.inspect(statement, parameters.len()) {
            Err(error) => Err(error),
            Ok((shape, statement)) => match kind {
                OpenKind::Sqlite(open) => {
                    self.shared.until(self.deadline, open.execute(shape, statement, parameters)).await
                }
                OpenKind::Postgresql(open) => {
                    self.shared.until(self.deadline, open.execute(shape, statement, parameters)).await
                }
            },
        };
        if changed.is_err() {
            self.kind = None;
        }
        changed
    }

    /// Writes on behalf of the component `caller`, and answers how many rows that changed.
    ///
    /// # Errors
    /// As the contract says. The transaction has ended then.
    pub async fn call(&mut self, call: HostCall, caller: &str, parameters: Vec<Value>) -> Result<u64, Error> {
        let kind = self.kind.as_mut().ok_or(Error::TransactionEnded)?;
        let changed = match kind {
            OpenKind::Sqlite(open) => {
                self.shared.until(self.deadline, open.call(call, of_component(caller, parameters))).await
            }
            OpenKind::Postgresql(open) => {
                let answer = self.shared.until(self.deadline, open.query(call.as_component().into(), parameters)).await;
                answer.map(|answer| number(&answer))
            }
        };
        match changed {
            Ok(_) => self.defers_work = true,
            Err(_) => self.kind = None,
        }
        changed
    }

    /// Whether it deferred work: whoever does that is to be woken once it has committed.
    #[must_use]
    pub const fn defers_work(&self) -> bool {
        self.defers_work
    }

    /// Makes it last.
    ///
    /// # Errors
    /// Nothing took effect; but after `timeout` and `unavailable` the outcome is unknown.
    pub async fn commit(self) -> Result<(), Error> {
        match self.kind.ok_or(Error::TransactionEnded)? {
            OpenKind::Sqlite(open) => self.shared.until(self.deadline, open.commit()).await,
            OpenKind::Postgresql(open) => self.shared.until(self.deadline, open.commit()).await,
        }
    }

    /// Undoes it.
    ///
    /// # Errors
    /// `transaction-ended` where it was undone already; `timeout` where the deadline came first: it is undone all the same.
    pub async fn rollback(self) -> Result<(), Error> {
        match self.kind.ok_or(Error::TransactionEnded)? {
            OpenKind::Sqlite(open) => self.shared.until(self.deadline, open.rollback()).await,
            OpenKind::Postgresql(open) => self.shared.until(self.deadline, open.rollback()).await,
        }
    }
}

impl Shared {
    /// Nothing that is done for a call outlasts its deadline, or begins after it.
    async fn until<T>(
        &self,
        deadline: Instant,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Error> {
        if deadline <= Instant::now() {
            return Err(Error::Timeout);
        }
        self.timers.within(deadline, work).await.unwrap_or(Err(Error::Timeout))
    }
}
