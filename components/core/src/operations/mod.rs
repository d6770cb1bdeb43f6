//! What operations staff see, all shops, all transfers, and the totals of the ledger; and what they do: [`system`].

pub mod store;
pub mod system;

use datamp_models::Currency;
use datamp_models::core::{ShopId, TransferCode, TransferId};
use datamp_sdk::Timestamp;
use serde::Deserialize;

/// A transfer of the whole ledger. One side at least is a shop's.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LedgerTransfer {
    /// Its id.
    pub id: TransferId,
    /// The shop that gave, if one did.
    pub debit_shop_id: Option<ShopId>,
    /// The shop that received, if one did.
    pub credit_shop_id: Option<ShopId>,
    /// How much, in minor units.
    pub amount: i64,
    /// The currency.
    pub currency: Currency,
    /// What it was for.
    pub code: TransferCode,
    /// The top-up or payment that caused it.
    pub reference: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Totals of one currency over the whole ledger, in minor units.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Totals {
    /// The currency.
    pub currency: Currency,
    /// Credits less debits of all accounts; zero in a sound ledger.
    pub ledger_sum: i64,
    /// What all shops own together.
    pub shops_sum: i64,
    /// What came in through providers.
    pub topped_up: i64,
    /// What shops paid.
    pub paid: i64,
}

/// What finds a text anywhere in another by LIKE, with `\` as the escape.
pub fn pattern(search: &str) -> String {
    let escaped = search.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::pattern;

    #[test]
    fn what_is_searched_has_no_wildcards_of_its_own() {
        assert_eq!(pattern("лавка"), "%лавка%");
        assert_eq!(pattern(r"50%_\"), r"%50\%\_\\%");
        assert_eq!(pattern(""), "%%");
    }
}
