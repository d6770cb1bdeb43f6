//! Transfers by their ids, with the owners of their accounts.

use std::collections::HashMap;

use datamp_models::core::{AccountId, AccountKind, ShopId, TransferId};
use datamp_sdk::{database, params};
use serde::Deserialize;

use super::book::Known;
use super::store;
use crate::sql::Statement;

const OWNERS: Statement = Statement {
    sqlite: "SELECT id, kind, shop_id, name FROM account WHERE id IN (SELECT value FROM json_each($1))",
    postgresql: "SELECT id, kind, shop_id, name FROM account WHERE id = ANY($1)",
};

/// The owner of an account, as its row has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AccountOwner {
    id: AccountId,
    /// The kind of account.
    pub kind: AccountKind,
    /// The shop, if it is one's.
    pub shop_id: Option<ShopId>,
    /// The name, if it is no shop's.
    pub name: Option<String>,
}

/// A transfer that was looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The transfer, and what became of it.
    pub known: Known,
    /// Whose account gave.
    pub debit: AccountOwner,
    /// Whose account received.
    pub credit: AccountOwner,
}

/// Transfers in the order that they were asked in; `None` where there is none with the id.
pub fn get(ids: &[TransferId]) -> Result<Vec<Option<Found>>, database::Error> {
    let known = store::transfers(ids)?;
    let mut accounts: Vec<&str> =
        known.iter().flat_map(|known| [known.transfer.debit.as_str(), known.transfer.credit.as_str()]).collect();
    accounts.sort_unstable();
    accounts.dedup();
    let owners: Vec<AccountOwner> = database::query(OWNERS.text(), params![accounts])?;
    let owners: HashMap<&str, &AccountOwner> = owners.iter().map(|owner| (owner.id.as_str(), owner)).collect();
    let owner = |account: &AccountId| {
        owners.get(account.as_str()).map(|owner| (*owner).clone()).ok_or_else(|| {
            // A foreign key holds them together.
            database::Error::Row(format!("a transfer of {account}, which is not there"))
        })
    };
    let mut found = HashMap::with_capacity(known.len());
    for known in known {
        let (debit, credit) = (owner(&known.transfer.debit)?, owner(&known.transfer.credit)?);
        found.insert(known.transfer.id.clone(), Found { known, debit, credit });
    }
    Ok(ids.iter().map(|id| found.get(id).cloned()).collect())
}
