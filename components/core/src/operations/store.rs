//! Reads over all shops.

use datamp_models::core::{ShopId, TransferId};
use datamp_sdk::{database, params};

use super::{LedgerTransfer, Totals, pattern};
use crate::page::NEWEST;
use crate::shops::{Shop, store::search_name};

const SHOPS: &str = r"SELECT id, name, status, currency, created_at FROM shop
                      WHERE id < $2 AND (search_name LIKE $1 ESCAPE '\' OR id LIKE $1 ESCAPE '\')
                      ORDER BY id DESC LIMIT $3";

const TRANSFERS: &str = "SELECT t.id, d.shop_id AS debit_shop_id, c.shop_id AS credit_shop_id, t.amount, t.currency, \
                         t.code, t.reference, t.created_at FROM transfer AS t \
                         JOIN account AS d ON d.id = t.debit_account_id JOIN account AS c ON c.id = t.credit_account_id \
                         WHERE t.id < $1 AND t.kind IN ('posted', 'capture') ORDER BY t.id DESC LIMIT $2";

const TOTALS: &str = "SELECT currency, \
     CAST(SUM(credits_posted - debits_posted) AS BIGINT) AS ledger_sum, \
     CAST(SUM(CASE WHEN kind = 'shop' THEN credits_posted - debits_posted ELSE 0 END) AS BIGINT) AS shops_sum, \
     CAST(SUM(CASE WHEN kind = 'provider' THEN debits_posted - credits_posted ELSE 0 END) AS BIGINT) AS topped_up, \
     CAST(SUM(CASE WHEN kind = 'revenue' THEN credits_posted - debits_posted ELSE 0 END) AS BIGINT) AS paid \
     FROM account GROUP BY currency ORDER BY currency";

/// At most `rows` shops whose name or id contains `search`, in either case, newest first.
pub fn shops(search: &str, after: Option<&ShopId>, rows: i64) -> Result<Vec<Shop>, database::Error> {
    database::query(SHOPS, params![pattern(&search_name(search)), after.map_or(NEWEST, ShopId::as_str), rows])
}

/// At most `rows` transfers of the whole ledger, newest first.
pub fn transfers(after: Option<&TransferId>, rows: i64) -> Result<Vec<LedgerTransfer>, database::Error> {
    database::query(TRANSFERS, params![after.map_or(NEWEST, TransferId::as_str), rows])
}

/// The totals by currency.
pub fn totals() -> Result<Vec<Totals>, database::Error> {
    database::query(TOTALS, params![])
}
