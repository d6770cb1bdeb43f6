//! Operations that nobody decided in time.
//!
//! It is noted by whoever next looks at operations, so that nobody sees one wait whose time is over. A schedule may call it too.

use std::collections::HashMap;

use datamp_models::core::OperationId;
use datamp_sdk::Timestamp;
use datamp_sdk::database;

use super::operation::Operation;
use super::{decide, store};
use crate::audit;

/// The most that one call notes: the rest is left to the next.
const MOST: i64 = 1000;

/// Notes which operations' time is over. One statement where there are none. It may be called by several at once; answers how many
/// it noted.
pub fn settle() -> Result<usize, database::Error> {
    let due = store::due(Timestamp::now(), MOST)?;
    if due.is_empty() {
        return Ok(0);
    }
    database::transaction(|tx| {
        let ids: Vec<&OperationId> = due.iter().collect();
        let operations = store::lock(tx, &ids)?;
        let now = Timestamp::now();
        let mut lapsed = lapsed(operations, now);
        let mut entries = Vec::with_capacity(lapsed.len());
        for operation in &mut lapsed {
            entries.push(decide::lapse(operation, None, now)?);
        }
        store::update(tx, &lapsed.iter().collect::<Vec<_>>())?;
        audit::store::append(tx, &entries, now)?;
        Ok(lapsed.len())
    })
}

/// Those of the operations, as they stand under their locks, that still wait though their time is over; by id.
fn lapsed(operations: HashMap<OperationId, Operation>, now: Timestamp) -> Vec<Operation> {
    let mut lapsed: Vec<_> = operations.into_values().filter(|operation| operation.is_due(now)).collect();
    lapsed.sort_unstable_by(|a, b| a.id.cmp(&b.id));
    lapsed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operations::system::operation::tests::{op, operation};
    use datamp_models::core::OperationStatus::*;

    #[test]
    fn what_was_decided_meanwhile_does_not_lapse() {
        let all = [(Requested, 10), (Requested, 11), (Executed, 10), (Rejected, 10), (Expired, 10), (Refused, 10)];
        let operations = all
            .into_iter()
            .zip(1..)
            .map(|((status, expires_at), number)| {
                let one = Operation { id: op(number), ..operation(status, 1, None, Some(expires_at)) };
                (one.id.clone(), one)
            })
            .collect();
        let lapsed = lapsed(operations, Timestamp::from_micros(10));
        assert_eq!(lapsed.iter().map(|one| one.id.clone()).collect::<Vec<_>>(), [op(1)]);
    }
}
