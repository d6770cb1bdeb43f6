//! Double entry on SQL, after TigerBeetle's data model.
//!
//! A *transfer* moves an amount from one account to another and never changes; an *account* carries the totals of its
//! transfers. A *hold* is a transfer that reserves its amount until another one resolves it: a capture moves all or a part of
//! it and releases the rest, a void or an expiry releases all. Posting takes a list and answers element by element; one posting
//! is a batch of one, and elements that are *linked* succeed or fail together. It has three phases, and each boundary is a rule
//! of correctness:
//!
//! 1. *Lock* every account that the batch touches, in order of id, so that two batches can't wait for each other in a circle,
//!    and read the accounts in that same statement: what another transaction did before the lock was had is in what is read.
//!    Then, in a statement of its own and so with all that was done before the locks were had, read the transfers that the batch
//!    refers to: those that its ids name already, holds, and what is to be corrected.
//! 2. *Decide*, in plain memory ([`book`]): the elements are taken in order, and each sees what those before it did.
//!    A refused element leaves nothing behind and does not stop the next.
//! 3. *Write* the transfers, the accounts and the list of open holds, each by one statement whatever the size of the batch.
//!
//! The tables hold the rules once more (no overdraft of a shop, a transfer in its accounts' currency, totals in range, a hold
//! resolved once), so that an error in this code ends in a rollback and not in a wrong balance. That nobody altered the
//! history afterwards is shown by its hashes ([`chain`]), which [`verify`] checks.

pub mod account;
pub mod balance;
pub mod book;
pub mod chain;
pub mod chains;
mod decision;
pub mod expiry;
pub mod lookup;
pub mod posting;
pub mod problem;
pub mod record;
pub mod refusal;
pub mod store;
pub mod transfer;
pub mod verify;

pub use posting::{Movement, Posting};
pub use refusal::Refusal;
pub use transfer::{Answer, Posted, Transfer};
