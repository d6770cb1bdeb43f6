//! An operation, as it is asked for and as it is kept.

use std::fmt;

use datamp_models::admin::StaffId;
use datamp_models::core::{
    AccountId, Direction, OperationId, OperationKind, OperationStatus, Owner, ShopId, ShopStatus, TransferCode,
    TransferId, TransferKind,
};
use datamp_models::{Amount, Currency};
use datamp_sdk::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ledger::{Movement, Posting};
use crate::text::Text;

/// A member of staff who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Who.
    pub id: StaffId,
    /// Their name as it is now.
    pub name: Text<100>,
}

/// Why an operation is asked for: 10 to 500 characters after white space at both ends was cut off, no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

/// Not a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidReason;

impl fmt::Display for InvalidReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be 10 to 500 characters, none of them a control character")
    }
}

impl Reason {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = InvalidReason;

    fn try_from(text: String) -> Result<Self, InvalidReason> {
        let text = Text::<500>::try_from(text).map_err(|_| InvalidReason)?;
        if text.as_str().chars().count() < 10 { Err(InvalidReason) } else { Ok(Self(text.into())) }
    }
}

/// What a comment on a decision may be.
pub type Comment = Text<500>;

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the fields say what their types do")]
pub enum Action {
    /// A shop's balance is corrected by hand.
    Adjustment { shop: ShopId, direction: Direction, amount: Amount, currency: Currency },
    /// All or a part of a transfer goes back between its accounts.
    Reversal { of: TransferId, amount: Amount },
    /// What a shop owns, and nobody will claim, is taken off its balance.
    WriteOff { shop: ShopId, amount: Amount, currency: Currency },
    /// A shop can't spend any more.
    Freeze(ShopId),
    /// It can spend again.
    Unfreeze(ShopId),
    /// It is over.
    Close(ShopId),
}

impl Action {
    /// The shop that is named; a reversal's is known by its transfer.
    pub fn shop(&self) -> Option<&ShopId> {
        match self {
            Self::Adjustment { shop, .. } | Self::WriteOff { shop, .. } => Some(shop),
            Self::Freeze(shop) | Self::Unfreeze(shop) | Self::Close(shop) => Some(shop),
            Self::Reversal { .. } => None,
        }
    }

    /// The transfer that is to be taken back.
    pub fn reversal_of(&self) -> Option<&TransferId> {
        match self {
            Self::Reversal { of, .. } => Some(of),
            _ => None,
        }
    }
}

/// An operation that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperation {
    /// Chosen by whoever asks, so that asking twice is one operation.
    pub id: OperationId,
    /// What is to be done.
    pub action: Action,
    /// Why.
    pub reason: Reason,
}

/// An operation as it is kept: a row of its table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// Its id.
    pub id: OperationId,
    /// What is to be done.
    pub kind: OperationKind,
    /// To which shop.
    pub shop_id: ShopId,
    /// Of an adjustment: which way the shop's money moves.
    pub direction: Option<Direction>,
    /// Of what moves money: how much, in minor units.
    pub amount: Option<Amount>,
    /// In which currency.
    pub currency: Option<Currency>,
    /// Of a reversal: the transfer that is taken back.
    pub reversal_of: Option<TransferId>,
    /// Why.
    pub reason: String,
    /// Where it stands.
    pub status: OperationStatus,
    /// Who asked.
    pub requested_by: StaffId,
    /// Their name as it was.
    pub requested_by_name: String,
    /// When.
    #[serde(serialize_with = "micros")]
    pub requested_at: Timestamp,
    /// Until when it can be approved; `None` where nobody has to.
    #[serde(serialize_with = "some_micros")]
    pub expires_at: Option<Timestamp>,
    /// Who approved or rejected it.
    pub decided_by: Option<StaffId>,
    /// Their name as it was.
    pub decided_by_name: Option<String>,
    /// What they said.
    pub comment: Option<String>,
    /// When it left `requested`.
    #[serde(serialize_with = "some_micros")]
    pub resolved_at: Option<Timestamp>,
    /// Why it could not be done.
    pub refusal: Option<String>,
    /// The transfer that it made.
    pub transfer_id: Option<TransferId>,
}

/// As a column: a time is text only where people read it.
fn micros<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(time.as_micros())
}

fn some_micros<S: serde::Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    time.map(Timestamp::as_micros).serialize(serializer)
}

/// A transfer that is to be taken back, with whose its accounts are.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[allow(missing_docs, reason = "they are the columns of `transfer`")]
pub struct Original {
    pub id: TransferId,
    pub kind: TransferKind,
    pub debit_account_id: AccountId,
    pub credit_account_id: AccountId,
    pub debit_shop_id: Option<ShopId>,
    pub credit_shop_id: Option<ShopId>,
    pub amount: i64,
    pub currency: Currency,
    pub code: TransferCode,
    pub reference: String,
    pub created_at: Timestamp,
    /// The transfer that it took back itself.
    pub reversal_of: Option<TransferId>,
    /// How much of it went back before, in minor units.
    pub reversed: i64,
}

impl Original {
    /// The shop that it is reversed for: of two, the one that gave. `None` where it moved nothing, or nothing of a shop, or was a
    /// refund or a reversal itself: what a payment comes to would not show it. An adjustment says the same.
    pub fn shop(&self) -> Option<&ShopId> {
        let moved = matches!(self.kind, TransferKind::Posted | TransferKind::Capture) && self.reversal_of.is_none();
        self.debit_shop_id.as_ref().or(self.credit_shop_id.as_ref()).filter(|_| moved)
    }

    /// What can still be taken back, in minor units; nothing of what moved nothing.
    pub fn left(&self) -> i64 {
        if self.shop().is_some() { (self.amount - self.reversed).max(0) } else { 0 }
    }
}

impl Operation {
    /// The operation that is asked for, not approved yet; `original` is the transfer of a reversal. `None` where a reversal
    /// has none.
    pub fn new(new: &NewOperation, original: Option<&Original>, by: &Actor, now: Timestamp) -> Option<Self> {
        let (kind, shop, direction, moves) = match &new.action {
            Action::Adjustment { shop, direction, amount, currency } => {
                (OperationKind::Adjustment, shop, Some(*direction), Some((*amount, *currency)))
            }
            Action::Reversal { amount, .. } => {
                let original = original?;
                (OperationKind::Reversal, original.shop()?, None, Some((*amount, original.currency)))
            }
            Action::WriteOff { shop, amount, currency } => {
                (OperationKind::WriteOff, shop, None, Some((*amount, *currency)))
            }
            Action::Freeze(shop) => (OperationKind::Freeze, shop, None, None),
            Action::Unfreeze(shop) => (OperationKind::Unfreeze, shop, None, None),
            Action::Close(shop) => (OperationKind::Close, shop, None, None),
        };
        Some(Self {
            id: new.id.clone(),
            kind,
            shop_id: shop.clone(),
            direction,
            amount: moves.map(|(amount, _)| amount),
            currency: moves.map(|(_, currency)| currency),
            reversal_of: new.action.reversal_of().cloned(),
            reason: new.reason.as_str().to_owned(),
            status: OperationStatus::Requested,
            requested_by: by.id.clone(),
            requested_by_name: by.name.as_str().to_owned(),
            requested_at: now,
            expires_at: None,
            decided_by: None,
            decided_by_name: None,
            comment: None,
            resolved_at: None,
            refusal: None,
            transfer_id: None,
        })
    }

    /// Whether it waits, though its time is over.
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.status == OperationStatus::Requested && self.expires_at.is_none_or(|expires_at| expires_at <= now)
    }

    /// What it moves.
    pub fn moves(&self) -> Option<(Amount, Currency)> {
        self.amount.zip(self.currency)
    }

    /// What is to be done, as it was asked for. `None` for a row that no operation was written as, which the table does not take.
    pub fn action(&self) -> Option<Action> {
        let shop = self.shop_id.clone();
        Some(match self.kind {
            OperationKind::Adjustment => {
                let (amount, currency) = self.moves()?;
                Action::Adjustment { shop, direction: self.direction?, amount, currency }
            }
            OperationKind::Reversal => Action::Reversal { of: self.reversal_of.clone()?, amount: self.amount? },
            OperationKind::WriteOff => {
                let (amount, currency) = self.moves()?;
                Action::WriteOff { shop, amount, currency }
            }
            OperationKind::Freeze => Action::Freeze(shop),
            OperationKind::Unfreeze => Action::Unfreeze(shop),
            OperationKind::Close => Action::Close(shop),
        })
    }

    /// Whether it is the one that `by` asks for.
    pub fn is(&self, new: &NewOperation, by: &Actor) -> bool {
        self.requested_by == by.id
            && self.reason == new.reason.as_str()
            && self.action().is_some_and(|action| action == new.action)
    }

    /// What it asks of the ledger; `original` is the transfer of a reversal.
    pub fn posting(&self, original: Option<&Original>) -> Option<Posting> {
        let (amount, currency) = self.moves()?;
        let shop = Owner::Shop(self.shop_id.clone());
        let between = |debit: &Owner, credit: &Owner, code| {
            Posting::of(Movement::between(debit, credit, amount, currency, code, self.id.as_str()))
        };
        match self.kind {
            OperationKind::Adjustment => Some(match self.direction? {
                Direction::Incoming => between(&Owner::ADJUSTMENTS, &shop, TransferCode::Adjustment),
                Direction::Outgoing => between(&shop, &Owner::ADJUSTMENTS, TransferCode::Adjustment),
            }),
            OperationKind::WriteOff => Some(between(&shop, &Owner::WRITE_OFFS, TransferCode::WriteOff)),
            OperationKind::Reversal => {
                let original = original?;
                let movement = Movement {
                    debit: original.credit_account_id.clone(),
                    credit: original.debit_account_id.clone(),
                    amount,
                    currency,
                    code: TransferCode::Reversal,
                    reference: self.id.to_string(),
                };
                Some(Posting::reversal(original.id.clone(), movement))
            }
            OperationKind::Freeze | OperationKind::Unfreeze | OperationKind::Close => None,
        }
    }

    /// Where the shop is to stand, if that is what it is about.
    pub fn shop_status(&self) -> Option<ShopStatus> {
        match self.kind {
            OperationKind::Freeze => Some(ShopStatus::Frozen),
            OperationKind::Unfreeze => Some(ShopStatus::Active),
            OperationKind::Close => Some(ShopStatus::Closed),
            OperationKind::Adjustment | OperationKind::Reversal | OperationKind::WriteOff => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
