//! `/core/v1/shop` and `/core/v1/balance`: the shop that calls.

use datamp_models::Currency;
use datamp_models::core::{AccountId, Owner};
use datamp_sdk::openapi::Api;
use datamp_sdk::{Json, Problem, Query, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Shop, store};
use crate::authentication::{Caller, ShopAccount, scope};
use crate::ledger::balance as ledger;
use crate::page::Page;

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("Shop", "The shop that calls, and what it owns.");
    api.get("/core/v1/shop", shop).id("getShop").summary("Read the shop");
    api.get("/core/v1/balance", balance)
        .id("getBalance")
        .summary("Read the balance in each currency")
        .text("With `as_of`, what it was after all that happened at that time or before.");
}

/// A shop as itself sees it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Shop")]
pub struct ShopBody {
    #[serde(flatten)]
    shop: Shop,
    /// The currencies of its accounts.
    currencies: Vec<Currency>,
}

/// GET: the shop.
pub fn shop(caller: Caller<scope::Read>) -> Result<Json<ShopBody>, Problem> {
    let shop = store::get(std::slice::from_ref(&caller.shop))?.pop().flatten();
    let shop = shop.ok_or_else(|| Problem::internal("an API key's shop is gone"))?;
    let currencies = caller.accounts.iter().map(|account| account.currency).collect();
    Ok(Json(ShopBody { shop, currencies }))
}

/// Which balances are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BalanceQuery {
    /// Only the balance in this currency.
    currency: Option<Currency>,
    /// Of when: after all that happened at that time or before. Now, where it is left out.
    as_of: Option<Timestamp>,
}

/// GET: the balances by currency; `currency` narrows them to one. What authenticated the caller read them already, as they are now.
pub fn balance(
    caller: Caller<scope::Read>,
    Query(query): Query<BalanceQuery>,
) -> Result<Json<Page<ShopAccount>>, Problem> {
    let Caller { shop, mut accounts, .. } = caller;
    accounts.retain(|account| query.currency.is_none_or(|currency| account.currency == currency));
    if let Some(time) = query.as_of {
        // What is yet to happen may still change it.
        if time > Timestamp::now() {
            return Err(Problem::bad_request("The query does not fit.").field("as_of", "must not be in the future"));
        }
        let owner = Owner::Shop(shop);
        let ids: Vec<_> = accounts.iter().map(|account| AccountId::of(&owner, account.currency)).collect();
        for (account, balance) in accounts.iter_mut().zip(ledger::as_of(&ids, time)?) {
            let balance = balance.unwrap_or_default();
            account.posted = balance.posted;
            account.available = balance.available();
        }
    }
    Ok(Json(Page { data: accounts, has_more: false, next: None }))
}
