//! What staff do to shops and their money by hand: maker-checker, after Fineract's (and ASVS 2.3.5).
//!
//! Who asks gives a reason. What is small is executed at once ([`policy`]); what is large, a write-off and a shop's closing wait
//! until a second person approves, never the one who asked: the same is a CHECK of the table. Approval and execution are one
//! transaction under the lock of the operation, so that of two who approve at the same time one does ([`decide`]). What the ledger or
//! the shop's standing does not let be done ends as `refused`, with the refusal's name, and has changed nothing.
//!
//! Every step is in the audit ([`crate::audit`]), in the transaction that took it, with what it changed.

pub mod decide;
pub mod execution;
pub mod expiry;
pub mod operation;
pub mod policy;
pub mod request;
pub mod state;
pub mod store;

pub use operation::{Action, Actor, NewOperation, Operation, Reason};

use datamp_models::core::OperationStatus;

/// Why an operation is not asked for or decided. Where several hold, the one that stands first is answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// There is no such operation.
    OperationNotFound,
    /// The id is taken by another operation.
    IdTaken,
    /// There is no such shop.
    ShopNotFound,
    /// There is no such transfer.
    TransferNotFound,
    /// The transfer moved nothing, or nothing of a shop.
    NotReversible,
    /// It was decided before, or is too old: where it stands.
    AlreadyDecided(OperationStatus),
    /// Whoever asked for it can't approve it.
    SamePerson,
}
