//! `/core/v1/shop` and `/core/v1/balance`: the shop that calls.

use datamp_models::Currency;
use datamp_sdk::{Json, Problem, Query};
use serde::{Deserialize, Serialize};

use super::{Shop, store};
use crate::authentication::{Caller, ShopAccount};
use crate::page::Page;

/// A shop as itself sees it.
#[derive(Serialize)]
pub struct ShopBody {
    #[serde(flatten)]
    shop: Shop,
    /// The currencies of its accounts.
    currencies: Vec<Currency>,
}

/// GET: the shop.
pub fn shop(caller: Caller) -> Result<Json<ShopBody>, Problem> {
    let shop = store::get(std::slice::from_ref(&caller.shop))?.pop().flatten();
    let shop = shop.ok_or_else(|| Problem::internal("an API key's shop is gone"))?;
    let currencies = caller.accounts.iter().map(|account| account.currency).collect();
    Ok(Json(ShopBody { shop, currencies }))
}

/// Which balances are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BalanceQuery {
    currency: Option<Currency>,
}

/// GET: the balances by currency; `currency` narrows them to one. What authenticated the caller read them already.
pub fn balance(caller: Caller, Query(query): Query<BalanceQuery>) -> Json<Page<ShopAccount>> {
    let mut accounts = caller.accounts;
    accounts.retain(|account| query.currency.is_none_or(|currency| account.currency == currency));
    Json(Page { data: accounts, has_more: false, next: None })
}
