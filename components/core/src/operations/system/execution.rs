//! Operations that may be done, done: in the transaction that approved them.

use std::collections::{BTreeSet, HashMap};

use datamp_models::core::{AccountId, Owner, ShopId, ShopStatus, TransferId};
use datamp_models::webhooks::WebhookEventType;
use datamp_sdk::Timestamp;
use datamp_sdk::database::{self, Transaction};

use super::operation::{Operation, Original};
use crate::audit::{Balance, Snapshot};
use crate::ledger::transfer::After;
use crate::ledger::{Transfer, store as ledger};
use crate::payments;
use crate::shops::{self, Changed};
use crate::webhooks::{self, NewEvent};

/// The transfers that are taken back, by id.
pub type Originals = HashMap<TransferId, Original>;

/// What came of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done: the transfer that it made, if it moved money, and what it changed.
    Done {
        /// The transfer.
        transfer: Option<TransferId>,
        /// The values before.
        before: Snapshot,
        /// The values after.
        after: Snapshot,
    },
    /// It could not be done, and changed nothing: the refusal's name.
    Refused(&'static str),
}

/// Does them, and answers what came of each, in their order. What moves money is posted first, as one batch; then shops change, one after
/// the other, since each is decided by what its accounts hold.
pub fn execute(
    tx: &Transaction,
    operations: &[&Operation],
    originals: &Originals,
    now: Timestamp,
) -> Result<Vec<Outcome>, database::Error> {
    let of = |operation: &Operation| operation.reversal_of.as_ref().and_then(|id| originals.get(id));
    let (places, postings): (Vec<usize>, Vec<_>) = operations
        .iter()
        .enumerate()
        .filter_map(|(place, operation)| Some((place, operation.posting(of(operation))?)))
        .unzip();
    let mut outcomes: HashMap<usize, Outcome> = HashMap::with_capacity(operations.len());
    if !postings.is_empty() {
        open_accounts(tx, operations, now)?;
        for (place, answer) in places.into_iter().zip(ledger::post(tx, &postings)?) {
            let Some(operation) = operations.get(place) else { continue };
            let outcome = match answer {
                Ok(posted) => moved(operation, of(operation), posted.transfer()),
                Err(refusal) => Outcome::Refused(refusal.as_str()),
            };
            outcomes.insert(place, outcome);
        }
        let taken_back: Vec<TransferId> = operations
            .iter()
            .enumerate()
            .filter(|(place, _)| matches!(outcomes.get(place), Some(Outcome::Done { .. })))
            .filter_map(|(_, operation)| operation.reversal_of.clone())
            .collect();
        payments::follow(tx, &taken_back)?;
    }
    for (place, operation) in operations.iter().enumerate() {
        if let Some(status) = operation.shop_status() {
            let outcome = match shops::change_status(tx, &operation.shop_id, status)? {
                Ok(changed) => {
                    tell(tx, &changed, now)?;
                    Outcome::Done {
                        transfer: None,
                        before: Snapshot { shop_status: Some(changed.before), ..Snapshot::default() },
                        after: Snapshot { shop_status: Some(changed.shop.status), ..Snapshot::default() },
                    }
                }
                Err(refusal) => Outcome::Refused(refusal.as_str()),
            };
            outcomes.insert(place, outcome);
        }
    }
    let unanswered = || database::Error::Other("an operation was neither done nor refused".to_owned());
    (0..operations.len()).map(|place| outcomes.remove(&place).ok_or_else(unanswered)).collect()
}

/// Tells the shop's own systems where it stands now, unless it stood there before.
fn tell(tx: &Transaction, changed: &Changed, at: Timestamp) -> Result<(), database::Error> {
    let shop = &changed.shop;
    if changed.before == shop.status {
        return Ok(());
    }
    let kind = match shop.status {
        ShopStatus::Active => WebhookEventType::ShopUnfrozen,
        ShopStatus::Frozen => WebhookEventType::ShopFrozen,
        ShopStatus::Closed => WebhookEventType::ShopClosed,
    };
    webhooks::record(tx, &[NewEvent { shop: &shop.id, kind, at, data: shop }])
}

/// The system's accounts of adjustments and write-offs, in the currencies that are needed. They are not there before they are.
fn open_accounts(tx: &Transaction, operations: &[&Operation], now: Timestamp) -> Result<(), database::Error> {
    let currencies: BTreeSet<_> = operations
        .iter()
        .filter(|operation| operation.reversal_of.is_none())
        .filter_map(|operation| operation.currency)
        .collect();
    let accounts: Vec<_> = currencies
        .into_iter()
        .flat_map(|currency| [(Owner::ADJUSTMENTS, currency), (Owner::WRITE_OFFS, currency)])
        .collect();
    if accounts.is_empty() { Ok(()) } else { ledger::open(tx, &accounts, now) }
}

/// What both accounts held before and after the transfer of an operation.
fn moved(operation: &Operation, original: Option<&Original>, transfer: &Transfer) -> Outcome {
    let shop_account = |account: &AccountId| {
        let shop = Owner::Shop(operation.shop_id.clone());
        (*account == AccountId::of(&shop, transfer.currency)).then(|| operation.shop_id.clone())
    };
    // A reversal goes the other way.
    let debit_shop = original.map_or_else(|| shop_account(&transfer.debit), |original| original.credit_shop_id.clone());
    let credit_shop =
        original.map_or_else(|| shop_account(&transfer.credit), |original| original.debit_shop_id.clone());
    let balance = |account: &AccountId, shop: &Option<ShopId>, after: &After, less: i64| Balance {
        account: account.clone(),
        shop: shop.clone(),
        currency: transfer.currency,
        posted: after.balance - less,
        held: after.debits_pending.unwrap_or(0),
    };
    let amount = transfer.amount.minor_units();
    let snapshot = |debit_less, credit_less| Snapshot {
        balances: vec![
            balance(&transfer.debit, &debit_shop, &transfer.debit_after, debit_less),
            balance(&transfer.credit, &credit_shop, &transfer.credit_after, credit_less),
        ],
        ..Snapshot::default()
    };
    Outcome::Done { transfer: Some(transfer.id.clone()), before: snapshot(-amount, amount), after: snapshot(0, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::system::operation::tests::{actions, actor, asked, original, tr};
    use datamp_models::core::TransferKind;

    #[test]
    fn both_accounts_are_told_before_and_after() {
        let original = original(TransferKind::Posted, 0);
        for action in actions() {
            let operation =
                Operation::new(&asked(1, action), Some(&original), &actor(1), Timestamp::from_micros(0)).unwrap();
            let original = operation.reversal_of.as_ref().map(|_| &original);
            let Some(posting) = operation.posting(original) else { continue };
            let movement = posting.movement().unwrap();
            let after =
                |balance, held| After { balance, debits_pending: Some(held), credits_pending: Some(0), hash: None };
            let transfer = Transfer {
                id: tr(9),
                kind: TransferKind::Posted,
                debit: movement.debit.clone(),
                credit: movement.credit.clone(),
                amount: movement.amount,
                currency: movement.currency,
                code: movement.code,
                reference: movement.reference.clone(),
                pending_id: None,
                reversal_of: operation.reversal_of.clone(),
                expires_at: None,
                debit_after: after(40, 7),
                credit_after: after(160, 0),
                created_at: Timestamp::from_micros(1),
            };
            let Outcome::Done { transfer: Some(made), before, after } = moved(&operation, original, &transfer) else {
                panic!("{operation:?} moves money");
            };
            assert_eq!(made, tr(9));
            let posted = |snapshot: &Snapshot| [snapshot.balances[0].posted, snapshot.balances[1].posted];
            assert_eq!((posted(&before), posted(&after)), ([140, 60], [40, 160]));
            assert_eq!([before.balances[0].held, after.balances[0].held], [7, 7]);
            // Money is neither made nor lost.
            assert_eq!(posted(&before).iter().sum::<i64>(), posted(&after).iter().sum::<i64>());
            let shop_account = AccountId::of(&Owner::Shop(operation.shop_id.clone()), transfer.currency);
            for balance in &after.balances {
                let expected = (balance.account == shop_account).then_some(&operation.shop_id);
                assert_eq!(balance.shop.as_ref(), expected, "{operation:?}");
            }
        }
    }
}
