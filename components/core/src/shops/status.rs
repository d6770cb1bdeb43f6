//! Where a shop stands: `active` and `frozen`, which turn into each other, and `closed`, which is final.
//!
//! A frozen shop is credited and spends nothing; a closed one does neither. Its accounts carry the same status, since that is what
//! posting looks at, and follow in the same transaction.

use std::fmt;

use datamp_models::core::{ShopId, ShopStatus};
use datamp_sdk::database::{self, Transaction};

use super::{Shop, store};
use crate::ledger::account::Totals;

/// What became of a shop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Where it stood. The same as now where it stood there before: asking twice has one effect, and is no error.
    pub before: ShopStatus,
    /// The shop, as it stands now.
    pub shop: Shop,
}

/// Why a shop's status is not changed. Where several hold, the one that stands first is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StatusRefusal {
    /// There is no such shop.
    ShopNotFound,
    /// It is closed, which is final.
    ShopClosed,
    /// It is to be closed, and an amount of it is held, or is held elsewhere for it: capture or void it first.
    HoldsOpen,
    /// It is to be closed, and owns something: the balance of each account must be zero.
    BalanceNotZero,
}

impl StatusRefusal {
    /// Its name, for problems and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ShopNotFound => "shop-not-found",
            Self::ShopClosed => "shop-closed",
            Self::HoldsOpen => "holds-open",
            Self::BalanceNotZero => "balance-not-zero",
        }
    }
}

impl fmt::Display for StatusRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Freezes, unfreezes (`active`) or closes a shop, and its accounts with it. A refusal leaves everything as it was.
///
/// Postings of the shop that run meanwhile come before or after all of it. Four statements.
pub fn change_status(
    tx: &Transaction,
    shop: &ShopId,
    to: ShopStatus,
) -> Result<Result<Changed, StatusRefusal>, database::Error> {
    let Some(shop) = store::lock(tx, shop)? else {
        return Ok(Err(StatusRefusal::ShopNotFound));
    };
    // The accounts are locked in the order of their ids, as postings do.
    let accounts = store::lock_accounts(tx, &shop.id)?;
    if let Err(refusal) = check(shop.status, to, &accounts) {
        return Ok(Err(refusal));
    }
    let before = shop.status;
    if before != to {
        store::set_status(tx, &shop.id, to)?;
    }
    Ok(Ok(Changed { before, shop: Shop { status: to, ..shop } }))
}

fn check(from: ShopStatus, to: ShopStatus, accounts: &[Totals]) -> Result<(), StatusRefusal> {
    match (from, to) {
        (ShopStatus::Closed, ShopStatus::Closed) => Ok(()),
        (ShopStatus::Closed, ShopStatus::Active | ShopStatus::Frozen) => Err(StatusRefusal::ShopClosed),
        (ShopStatus::Active | ShopStatus::Frozen, ShopStatus::Active | ShopStatus::Frozen) => Ok(()),
        (ShopStatus::Active | ShopStatus::Frozen, ShopStatus::Closed) => {
            if accounts.iter().any(|totals| totals.debits_pending != 0 || totals.credits_pending != 0) {
                return Err(StatusRefusal::HoldsOpen);
            }
            if accounts.iter().any(|totals| totals.balance() != 0) {
                return Err(StatusRefusal::BalanceNotZero);
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [ShopStatus; 3] = [ShopStatus::Active, ShopStatus::Frozen, ShopStatus::Closed];

    fn totals(credits_posted: i64, debits_posted: i64, debits_pending: i64, credits_pending: i64) -> Totals {
        Totals { debits_posted, credits_posted, debits_pending, credits_pending }
    }

    #[test]
    fn what_is_open_freezes_and_unfreezes_whatever_it_owns() {
        let rich = [totals(500, 100, 50, 7), totals(0, 0, 0, 0)];
        for (from, to) in [
            (ShopStatus::Active, ShopStatus::Frozen),
            (ShopStatus::Frozen, ShopStatus::Active),
            (ShopStatus::Active, ShopStatus::Active),
            (ShopStatus::Frozen, ShopStatus::Frozen),
        ] {
            assert_eq!(check(from, to, &rich), Ok(()), "{from:?} to {to:?}");
        }
    }

    #[test]
    fn closed_is_final() {
        for to in ALL {
            let expected = if to == ShopStatus::Closed { Ok(()) } else { Err(StatusRefusal::ShopClosed) };
            assert_eq!(check(ShopStatus::Closed, to, &[]), expected, "{to:?}");
        }
    }

    #[test]
    fn a_shop_closes_with_nothing_held_and_nothing_owned_in_any_currency() {
        for from in [ShopStatus::Active, ShopStatus::Frozen] {
            let close = |accounts: &[Totals]| check(from, ShopStatus::Closed, accounts);
            assert_eq!(close(&[]), Ok(()));
            assert_eq!(close(&[totals(70, 70, 0, 0), totals(0, 0, 0, 0)]), Ok(()));
            assert_eq!(close(&[totals(0, 0, 0, 0), totals(71, 70, 0, 0)]), Err(StatusRefusal::BalanceNotZero));
            assert_eq!(close(&[totals(71, 70, 1, 0)]), Err(StatusRefusal::HoldsOpen));
            assert_eq!(close(&[totals(71, 70, 0, 0), totals(0, 0, 0, 1)]), Err(StatusRefusal::HoldsOpen));
        }
    }
}
