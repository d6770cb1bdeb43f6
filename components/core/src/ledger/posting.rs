//! What the ledger is asked to do.

use datamp_models::core::{AccountId, Owner, TransferCode, TransferId};
use datamp_models::{Amount, Currency};
use datamp_sdk::Timestamp;

/// A transfer that is asked for: one element of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The id of the transfer. Asked for again with the same id, the same posting has no second effect. `None` lets the
    /// ledger choose, where something else (a row beside it, written in the same transaction) keeps it from being asked twice.
    pub id: Option<TransferId>,
    /// Whether it succeeds or fails together with the next element of the batch.
    pub linked: bool,
    /// What it does.
    pub action: Action,
}

/// What a posting does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Moves an amount at once.
    Post {
        /// What is moved.
        movement: Movement,
        /// The transfer that is corrected, all or a part of whose amount goes back. Corrections of one transfer never
        /// exceed it together.
        reversal_of: Option<TransferId>,
    },
    /// Reserves an amount: the giver can't spend it, the receiver does not have it.
    Hold {
        /// What is reserved.
        movement: Movement,
        /// When it lapses. From then on it can be neither captured nor voided, and expires.
        expires_at: Option<Timestamp>,
    },
    /// Moves what is held, and releases the rest.
    Capture {
        /// The hold.
        hold: TransferId,
        /// How much of it; `None` for all.
        amount: Option<Amount>,
    },
    /// Releases a hold.
    Void {
        /// The hold.
        hold: TransferId,
    },
    /// Releases a hold whose time is over.
    Expire {
        /// The hold.
        hold: TransferId,
    },
}

/// What is moved, from where to where and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// The account that gives.
    pub debit: AccountId,
    /// The account that receives.
    pub credit: AccountId,
    /// How much.
    pub amount: Amount,
    /// The currency, which must be that of both accounts.
    pub currency: Currency,
    /// What it is for.
    pub code: TransferCode,
    /// The id of the top-up or payment that causes it.
    pub reference: String,
}

impl Movement {
    /// A movement between the accounts that two owners have in a currency.
    pub fn between(
        debit: &Owner,
        credit: &Owner,
        amount: Amount,
        currency: Currency,
        code: TransferCode,
        reference: &str,
    ) -> Self {
        Self {
            debit: AccountId::of(debit, currency),
            credit: AccountId::of(credit, currency),
            amount,
            currency,
            code,
            reference: reference.to_owned(),
        }
    }
}

impl Posting {
    /// Moves an amount at once.
    pub fn of(movement: Movement) -> Self {
        Self::new(Action::Post { movement, reversal_of: None })
    }

    /// Corrects a transfer: the movement goes back between its accounts.
    pub fn reversal(of: TransferId, movement: Movement) -> Self {
        Self::new(Action::Post { movement, reversal_of: Some(of) })
    }

    /// Reserves an amount, until a time or for good.
    pub fn hold(movement: Movement, expires_at: Option<Timestamp>) -> Self {
        Self::new(Action::Hold { movement, expires_at })
    }

    /// Moves what is held, or a part of it, and releases the rest.
    pub fn capture(hold: TransferId, amount: Option<Amount>) -> Self {
        Self::new(Action::Capture { hold, amount })
    }

    /// Releases a hold.
    pub fn void(hold: TransferId) -> Self {
        Self::new(Action::Void { hold })
    }

    /// Releases a hold whose time is over.
    pub fn expiry(hold: TransferId) -> Self {
        Self::new(Action::Expire { hold })
    }

    fn new(action: Action) -> Self {
        Self { id: None, linked: false, action }
    }

    /// The same, with an id that the caller chose.
    #[must_use]
    pub fn with_id(self, id: TransferId) -> Self {
        Self { id: Some(id), ..self }
    }

    /// The same, linked to the next element of the batch.
    #[must_use]
    pub fn linked(self) -> Self {
        Self { linked: true, ..self }
    }

    /// What it moves, where it says so itself.
    pub fn movement(&self) -> Option<&Movement> {
        match &self.action {
            Action::Post { movement, .. } | Action::Hold { movement, .. } => Some(movement),
            Action::Capture { .. } | Action::Void { .. } | Action::Expire { .. } => None,
        }
    }

    /// The hold that it resolves.
    pub fn resolves(&self) -> Option<&TransferId> {
        match &self.action {
            Action::Capture { hold, .. } | Action::Void { hold } | Action::Expire { hold } => Some(hold),
            Action::Post { .. } | Action::Hold { .. } => None,
        }
    }

    /// The transfer that it corrects.
    pub fn reverses(&self) -> Option<&TransferId> {
        match &self.action {
            Action::Post { reversal_of, .. } => reversal_of.as_ref(),
            _ => None,
        }
    }
}
