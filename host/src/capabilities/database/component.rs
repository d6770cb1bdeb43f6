//! A component's own share of the database: its connections, with its rights and no more.

use std::{future::Future, sync::Arc};

use tokio::time::{Instant, timeout_at};

use super::{
    postgres::{PostgresComponent, PostgresTransaction},
    sql::{Access, Dialect, Error, RowSet, Value},
    sqlite::{SqliteComponent, SqliteTransaction},
    statement,
};

/// The database as one generation of a component may use it. Cheap to clone. When the last clone goes, its connections are closed.
#[derive(Clone)]
pub struct ComponentDatabase(Arc<Kind>);

enum Kind {
    Sqlite(SqliteComponent),
    Postgresql(PostgresComponent),
}

impl ComponentDatabase {
    pub(super) fn on_sqlite(component: SqliteComponent) -> Self {
        Self(Arc::new(Kind::Sqlite(component)))
    }

    pub(super) fn on_postgresql(component: PostgresComponent) -> Self {
        Self(Arc::new(Kind::Postgresql(component)))
    }

    /// Which SQL it speaks.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        match *self.0 {
            Kind::Sqlite(_) => Dialect::Sqlite,
            Kind::Postgresql(_) => Dialect::Postgresql,
        }
    }

    /// Runs one statement by itself and answers its rows.
    ///
    /// # Errors
    /// As the contract says; `timeout` once the deadline has passed.
    pub async fn query(&self, statement: String, parameters: Vec<Value>, deadline: Instant) -> Result<RowSet, Error> {
        let shape = statement::inspect(self.dialect(), &statement, parameters.len())?;
        match &*self.0 {
            Kind::Sqlite(component) => until(deadline, component.query(shape, statement, parameters, deadline)).await,
            Kind::Postgresql(component) => until(deadline, component.query(shape, statement, parameters)).await,
        }
    }

    /// Runs one statement by itself and answers how many rows it changed; 0 for one that changes none.
    ///
    /// # Errors
    /// As the contract says; `timeout` once the deadline has passed.
    pub async fn execute(&self, statement: String, parameters: Vec<Value>, deadline: Instant) -> Result<u64, Error> {
        let shape = statement::inspect(self.dialect(), &statement, parameters.len())?;
        match &*self.0 {
            Kind::Sqlite(component) => until(deadline, component.execute(shape, statement, parameters, deadline)).await,
            Kind::Postgresql(component) => until(deadline, component.execute(shape, statement, parameters)).await,
        }
    }

    /// Begins a transaction, which lives until the deadline at the longest.
    ///
    /// # Errors
    /// As the contract says; `timeout` where neither a connection nor, on SQLite, the writer's lock was had before the deadline.
    pub async fn begin(&self, access: Access, deadline: Instant) -> Result<OpenTransaction, Error> {
        let kind = match &*self.0 {
            Kind::Sqlite(component) => until(deadline, component.begin(access, deadline)).await.map(OpenKind::Sqlite),
            Kind::Postgresql(component) => until(deadline, component.begin(access)).await.map(OpenKind::Postgresql),
        };
        Ok(OpenTransaction { kind: Some(kind?), deadline, dialect: self.dialect() })
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
    dialect: Dialect,
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
        let answer = match statement::inspect(self.dialect, &statement, parameters.len()) {
            Err(error) => Err(error),
            Ok(shape) => match kind {
                OpenKind::Sqlite(open) => until(self.deadline, open.query(shape, statement, parameters)).await,
                OpenKind::Postgresql(open) => until(self.deadline, open.query(statement, parameters)).await,
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
        let changed = match statement::inspect(self.dialect, &statement, parameters.len()) {
            Err(error) => Err(error),
            Ok(shape) => match kind {
                OpenKind::Sqlite(open) => until(self.deadline, open.execute(shape, statement, parameters)).await,
                OpenKind::Postgresql(open) => until(self.deadline, open.execute(shape, statement, parameters)).await,
            },
        };
        if changed.is_err() {
            self.kind = None;
        }
        changed
    }

    /// Makes it last.
    ///
    /// # Errors
    /// Nothing took effect; but after `timeout` and `unavailable` the outcome is unknown.
    pub async fn commit(self) -> Result<(), Error> {
        match self.kind.ok_or(Error::TransactionEnded)? {
            OpenKind::Sqlite(open) => until(self.deadline, open.commit()).await,
            OpenKind::Postgresql(open) => until(self.deadline, open.commit()).await,
        }
    }

    /// Undoes it.
    ///
    /// # Errors
    /// `transaction-ended` where it was undone already; `timeout` where the deadline came first: it is undone all the same.
    pub async fn rollback(self) -> Result<(), Error> {
        match self.kind.ok_or(Error::TransactionEnded)? {
            OpenKind::Sqlite(open) => until(self.deadline, open.rollback()).await,
            OpenKind::Postgresql(open) => until(self.deadline, open.rollback()).await,
        }
    }
}

/// Nothing that is done for a call outlasts its deadline, or begins after it.
async fn until<T>(deadline: Instant, work: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Error> {
    if deadline <= Instant::now() {
        return Err(Error::Timeout);
    }
    timeout_at(deadline, work).await.unwrap_or(Err(Error::Timeout))
}
