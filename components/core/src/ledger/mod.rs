//! Double entry on SQL, after TigerBeetle's data model.
//!
//! A *transfer* moves an amount from one account to another and never changes; an *account* carries the totals of its
//! transfers. Posting takes a list and answers element by element; one posting is a batch of one. It has three phases, and
//! each boundary is a rule of correctness:
//!
//! 1. *Lock* every account that the batch names, in order of id, so that two batches can't wait for each other in a circle,
//!    and read the accounts in that same statement: what another transaction did before the lock was had is in what is read.
//! 2. *Decide*, in plain memory ([`book`]): the elements are taken in order, and each sees what those before it did.
//!    A refused element leaves nothing behind and does not stop the next.
//! 3. *Write* the transfers and the accounts, each by one statement whatever the size of the batch.
//!
//! The tables hold the rules once more (no overdraft of a shop, a transfer in its accounts' currency, totals in range), so
//! that an error in this code ends in a rollback and not in a wrong balance.

pub mod book;
pub mod posting;
pub mod problem;
pub mod store;

pub use posting::Posting;
