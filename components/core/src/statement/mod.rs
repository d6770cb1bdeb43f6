//! A shop's statement: its transfers, newest first.

pub mod api;
pub mod csv;
pub mod cursor;
pub mod store;

use datamp_models::Currency;
use datamp_models::core::{Direction, TransferCode, TransferId};
use datamp_sdk::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use cursor::Cursor;

/// One transfer, as the shop sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "StatementEntry")]
pub struct Entry {
    /// The transfer's id.
    pub id: TransferId,
    /// Whether the money came or went.
    pub direction: Direction,
    /// How much, in minor units; above zero either way.
    #[schemars(range(min = 1))]
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// What it was for.
    pub code: TransferCode,
    /// The top-up or payment that caused it.
    #[schemars(extend("examples" = ["pay_01h455vb4pex5vsknk084sn02q"]))]
    pub reference: String,
    /// What the shop owned in this currency after it.
    #[schemars(range(min = 0))]
    pub balance_after: i64,
    /// When it was made. The times of one account's entries strictly increase.
    pub created_at: Timestamp,
}

impl Entry {
    /// The place of this entry in the statement.
    pub fn cursor(&self) -> Cursor {
        Cursor { created_at: self.created_at, id: self.id.clone() }
    }
}

/// Merges the entries of several accounts, each newest first, into one list in the order of cursors: by time, and by id
/// where two accounts were posted to in the same microsecond.
pub fn merge(accounts: Vec<Vec<Entry>>) -> Vec<Entry> {
    let mut entries: Vec<_> = accounts.into_iter().flatten().collect();
    entries.sort_by(|a, b| (b.created_at, &b.id).cmp(&(a.created_at, &a.id)));
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(micros: i64, number: u128) -> Entry {
        Entry {
            id: TransferId::parse(&format!("tr_{}", datamp_models::id::encode(number))).unwrap(),
            direction: Direction::Incoming,
            amount: 1,
            currency: "RUB".parse().unwrap(),
            code: TransferCode::TopUp,
            reference: "top_1".to_owned(),
            balance_after: 1,
            created_at: Timestamp::from_micros(micros),
        }
    }

    proptest! {
        /// Two accounts, many entries in the same microsecond: walking by cursors meets each entry once, in order.
        #[test]
        fn pages_of_merged_accounts_show_every_entry_once(times in prop::collection::vec((0..20_i64, any::<bool>()), 0..60), size in 1..7_usize) {
            let all: Vec<_> = times.iter().zip(1..).map(|((micros, second), number)| (entry(*micros, number), *second)).collect();
            let page_of = |second: bool, after: &Option<Cursor>| {
                let mut entries: Vec<_> = all.iter().filter(|(_, of)| *of == second).map(|(entry, _)| entry.clone()).collect();
                entries.sort_by_key(|entry| std::cmp::Reverse((entry.created_at, entry.id.clone())));
                entries.retain(|entry| after.as_ref().is_none_or(|cursor| {
                    entry.created_at <= cursor.created_at && (entry.created_at < cursor.created_at || entry.id < cursor.id)
                }));
                entries.truncate(size);
                entries
            };
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let mut page = merge(vec![page_of(false, &after), page_of(true, &after)]);
                page.truncate(size);
                let Some(last) = page.last() else { break };
                after = Some(last.cursor());
                seen.extend(page);
            }
            let mut expected: Vec<_> = all.into_iter().map(|(entry, _)| entry).collect();
            expected.sort_by_key(|entry| std::cmp::Reverse((entry.created_at, entry.id.clone())));
            prop_assert_eq!(seen, expected);
        }
    }
}
