//! The interface `datamp:database/sql` on an instance's state.

use wasmtime::component::{HasSelf, Linker, Resource};

use super::{
    ComponentDatabase, OpenTransaction,
    sql::{self, Access, Dialect, Error, RowSet, Value},
};
use crate::engine::InstanceState;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

/// Puts the interface into a linker.
///
/// # Errors
/// Where one of its names is taken.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    sql::add_to_linker::<InstanceState, HasSelf<InstanceState>>(linker, |state| state)
}

/// A transaction as a component holds it: a number. The transaction itself is the instance's, so that it ends with the call,
/// whatever the component does with its handle.
pub struct Transaction {
    number: u64,
}

/// The transaction of an instance, if one is open. Dropped, it is rolled back.
#[derive(Default)]
pub struct InstanceDatabase {
    open: Option<OpenTransaction>,
    /// How many were begun; the number of the last one.
    begun: u64,
}

impl InstanceDatabase {
    /// Whether a transaction is open: after a call, the instance must not serve another one then.
    #[must_use]
    pub fn in_transaction(&self) -> bool {
        self.open.as_ref().is_some_and(|open| !open.has_ended())
    }

    /// Rolls back what a call left open. The count goes on, so that its handle names no later transaction.
    pub(crate) fn end(&mut self) {
        self.open = None;
    }

    fn take(&mut self, transaction: &Transaction) -> Result<OpenTransaction, Error> {
        if transaction.number == self.begun {
            self.open.take().ok_or(Error::TransactionEnded)
        } else {
            Err(Error::TransactionEnded)
        }
    }
}

impl InstanceState {
    fn component_database(&self) -> Result<&ComponentDatabase, Error> {
        let none = || Error::Denied("the database: the manifest names no tables".to_owned());
        self.component.capabilities.database.as_ref().ok_or_else(none)
    }

    /// The open transaction that a handle names.
    pub(crate) fn open_transaction(
        &mut self,
        handle: &Resource<Transaction>,
    ) -> wasmtime::Result<Result<&mut OpenTransaction, Error>> {
        let number = self.table.get(handle)?.number;
        let current = number == self.database.begun;
        Ok(self.database.open.as_mut().filter(|_| current).ok_or(Error::TransactionEnded))
    }
}

impl sql::Host for InstanceState {
    fn get_dialect(&mut self) -> wasmtime::Result<Dialect> {
        Ok(self.component.capabilities.platform.database.dialect())
    }

    async fn query(&mut self, statement: String, parameters: Vec<Value>) -> Answer<RowSet> {
        let deadline = self.call.deadline;
        Ok(match self.component_database() {
            Ok(database) => database.query(statement, parameters, deadline).await,
            Err(error) => Err(error),
        })
    }

    async fn execute(&mut self, statement: String, parameters: Vec<Value>) -> Answer<u64> {
        let deadline = self.call.deadline;
        Ok(match self.component_database() {
            Ok(database) => database.execute(statement, parameters, deadline).await,
            Err(error) => Err(error),
        })
    }

    async fn begin(&mut self, access: Access) -> Answer<Resource<Transaction>> {
        if self.database.in_transaction() {
            return Ok(Err(Error::Conflict));
        }
        let deadline = self.call.deadline;
        let begun = match self.component_database() {
            Ok(database) => database.begin(access, deadline).await,
            Err(error) => Err(error),
        };
        match begun {
            Ok(open) => {
                let number = self.database.begun + 1;
                let handle = self.table.push(Transaction { number })?;
                self.database.begun = number;
                self.database.open = Some(open);
                Ok(Ok(handle))
            }
            Err(error) => Ok(Err(error)),
        }
    }
}

impl sql::HostTransaction for InstanceState {
    async fn query(
        &mut self,
        handle: Resource<Transaction>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Answer<RowSet> {
        Ok(match self.open_transaction(&handle)? {
            Ok(open) => open.query(statement, parameters).await,
            Err(error) => Err(error),
        })
    }

    async fn execute(
        &mut self,
        handle: Resource<Transaction>,
        statement: String,
        parameters: Vec<Value>,
    ) -> Answer<u64> {
        Ok(match self.open_transaction(&handle)? {
            Ok(open) => open.execute(statement, parameters).await,
            Err(error) => Err(error),
        })
    }

    async fn commit(&mut self, handle: Resource<Transaction>) -> Answer<()> {
        let transaction = self.table.delete(handle)?;
        Ok(match self.database.take(&transaction) {
            Ok(open) => {
                let defers_work = open.defers_work();
                let committed = open.commit().await;
                // Also where it failed: that it did may be unknown.
                if defers_work {
                    self.component.capabilities.platform.work.added();
                }
                committed
            }
            Err(error) => Err(error),
        })
    }

    async fn rollback(&mut self, handle: Resource<Transaction>) -> Answer<()> {
        let transaction = self.table.delete(handle)?;
        Ok(match self.database.take(&transaction) {
            Ok(open) => open.rollback().await,
            Err(error) => Err(error),
        })
    }

    async fn drop(&mut self, handle: Resource<Transaction>) -> wasmtime::Result<()> {
        let transaction = self.table.delete(handle)?;
        drop(self.database.take(&transaction));
        Ok(())
    }
}
