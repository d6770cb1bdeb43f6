//! What core exports to the other components: `datamp:core/{shops, api-keys, operations, payments, system-operations, audit}@1.2.0` and
//! `datamp:ledger/transfers@1.0.0`.
//!
//! Here and in [`convert`] the contract's values become the service's own and back; nothing is decided. A list takes at
//! most [`batch::MAX`] elements, and a page has 1 to [`MAX_PAGE`] entries whatever `limit` says.

mod audit;
mod batch;
mod bindings;
mod convert;
mod ledger;
pub(crate) mod payments;
mod system_operations;

use datamp_models::core::{AccountId, Owner, ShopId};
use datamp_sdk::{Problem, database, log};

use self::bindings::datamp::core::types::{Balance, CoreError, Page, Shop, Transfer};
use self::bindings::exports::datamp::core::{api_keys as keys, operations as staff, shops as contract};
use crate::operations::store as operations;
use crate::page::Limit;
use crate::statement::cursor::Cursor;
use crate::{api_keys, shops, statement};

/// The most entries that a page of the contract has.
const MAX_PAGE: u32 = 200;

struct Core;

#[cfg(target_arch = "wasm32")]
#[allow(unsafe_code, unreachable_pub, reason = "what is exported has unsafe attributes and no path")]
const _: () = {
    bindings::export_contract!(Core with_types_in bindings);
};

/// Natively nobody calls it; it is checked all the same.
#[cfg(not(target_arch = "wasm32"))]
const _: fn() = || {
    use bindings::exports::datamp::{core as exports, ledger::transfers};
    fn exported<T: contract::Guest + keys::Guest + staff::Guest + exports::payments::Guest>() {}
    fn exported_since<T: exports::system_operations::Guest + exports::audit::Guest + transfers::Guest>() {}
    exported_since::<Core>();
    exported::<Core>();
};

impl contract::Guest for Core {
    fn create(new: Vec<contract::NewShop>) -> Vec<Result<Shop, CoreError>> {
        batch::each("new", new, convert::new_shop, |new| {
            let created = database::transaction(|tx| shops::store::create(tx, new)).map_err(unavailable)?;
            let answer = |(shop, new): (Result<shops::Shop, _>, &shops::NewShop)| match shop {
                Ok(shop) => Ok(convert::shop(shop)),
                Err(shops::IdTaken) => Err(CoreError::Conflict(new.id.to_string())),
            };
            Ok(created.into_iter().zip(new).map(answer).collect())
        })
    }

    fn get(ids: Vec<String>) -> Vec<Result<Shop, CoreError>> {
        batch::each(
            "ids",
            ids,
            |id| convert::shop_id("ids", &id),
            |ids| {
                let shops = shops::store::get(ids).map_err(unavailable)?;
                Ok(shops
                    .into_iter()
                    .zip(ids)
                    .map(|(shop, id)| shop.map(convert::shop).ok_or_else(|| not_found(id)))
                    .collect())
            },
        )
    }

    fn balances(ids: Vec<String>) -> Vec<Result<Vec<Balance>, CoreError>> {
        batch::each(
            "ids",
            ids,
            |id| convert::shop_id("ids", &id),
            |ids| {
                let shops = shops::store::balances(ids).map_err(unavailable)?;
                let answer = |(balances, id): (Option<Vec<_>>, &ShopId)| {
                    Ok(balances.ok_or_else(|| not_found(id))?.into_iter().map(convert::balance).collect())
                };
                Ok(shops.into_iter().zip(ids).map(answer).collect())
            },
        )
    }
}

impl keys::Guest for Core {
    fn create(new: Vec<keys::NewApiKey>) -> Vec<Result<keys::CreatedApiKey, CoreError>> {
        batch::each("new", new, convert::new_api_key, |new| {
            let drafts = new.iter().cloned().map(api_keys::Draft::new).collect::<Result<Vec<_>, _>>();
            let drafts = drafts.map_err(failed)?;
            let created = database::transaction(|tx| api_keys::store::create(tx, &drafts)).map_err(unavailable)?;
            let answer = |(created, draft): (Result<(), api_keys::Refusal>, api_keys::Draft)| {
                created.map_err(|refusal| key_refused(refusal, &draft.api_key.shop_id))?;
                Ok(convert::created_api_key(draft))
            };
            Ok(created.into_iter().zip(drafts).map(answer).collect())
        })
    }

    fn of_shop(shop: String) -> Result<Vec<keys::ApiKey>, CoreError> {
        let shop = existing(&shop)?;
        Ok(api_keys::store::of_shop(&shop).map_err(unavailable)?.into_iter().map(convert::api_key).collect())
    }

    fn revoke(shop: String, id: String) -> Result<keys::ApiKey, CoreError> {
        let shop = existing(&shop)?;
        let unknown = || CoreError::Invalid(("id".to_owned(), "must be the id of an API key of the shop".to_owned()));
        let id = id.parse().map_err(|_| unknown())?;
        api_keys::store::revoke(&shop, &id).map_err(unavailable)?.map(convert::api_key).ok_or_else(unknown)
    }
}

impl staff::Guest for Core {
    fn list_shops(search: Option<String>, page: Page) -> Result<staff::ShopPage, CoreError> {
        let search = search.unwrap_or_default();
        if search.chars().count() > 200 {
            return Err(CoreError::Invalid(("search".to_owned(), "must be at most 200 characters".to_owned())));
        }
        let (limit, after) = (limit(&page), convert::after::<ShopId>(&page)?);
        let shops = operations::shops(search.trim(), after.as_ref(), limit.rows()).map_err(unavailable)?;
        let page = crate::page::Page::new(shops, limit, |shop| shop.id.to_string());
        Ok(staff::ShopPage { shops: page.data.into_iter().map(convert::shop).collect(), next: page.next })
    }

    fn list_transfers(shop: Option<String>, page: Page) -> Result<staff::TransferPage, CoreError> {
        match shop {
            Some(shop) => transfers_of_shop(&convert::shop_id("shop", &shop)?, &page),
            None => {
                let (limit, after) = (limit(&page), convert::after(&page)?);
                let transfers = operations::transfers(after.as_ref(), limit.rows()).map_err(unavailable)?;
                let page = crate::page::Page::new(transfers, limit, |transfer| transfer.id.to_string());
                Ok(transfer_page(page, convert::ledger_transfer))
            }
        }
    }

    fn ledger_totals() -> Result<Vec<staff::Totals>, CoreError> {
        Ok(operations::totals().map_err(unavailable)?.into_iter().map(convert::totals).collect())
    }
}

/// The statement of a shop over all its accounts.
fn transfers_of_shop(shop: &ShopId, page: &Page) -> Result<staff::TransferPage, CoreError> {
    let (limit, after) = (limit(page), convert::after::<Cursor>(page)?);
    let balances = shops::store::balances(std::slice::from_ref(shop)).map_err(unavailable)?.pop().flatten();
    let owner = Owner::Shop(shop.clone());
    let accounts = balances
        .ok_or_else(|| not_found(shop))?
        .iter()
        .map(|balance| {
            statement::store::of_account(&AccountId::of(&owner, balance.currency), after.as_ref(), limit.rows())
        })
        .collect::<Result<_, _>>()
        .map_err(unavailable)?;
    let page = crate::page::Page::new(statement::merge(accounts), limit, |entry| entry.cursor().encode());
    Ok(transfer_page(page, |entry| convert::entry(shop, entry)))
}

fn transfer_page<T>(page: crate::page::Page<T>, convert: impl Fn(T) -> Transfer) -> staff::TransferPage {
    staff::TransferPage { transfers: page.data.into_iter().map(convert).collect(), next: page.next }
}

/// A shop that is there.
fn existing(shop: &str) -> Result<ShopId, CoreError> {
    let id = convert::shop_id("shop", shop)?;
    match shops::store::get(std::slice::from_ref(&id)).map_err(unavailable)?.pop().flatten() {
        Some(_) => Ok(id),
        None => Err(not_found(&id)),
    }
}

/// The contract sets no bounds to `limit`, so what is out of ours becomes the nearest that is not.
fn limit(page: &Page) -> Limit {
    Limit::within(page.limit, MAX_PAGE)
}

fn not_found(shop: &ShopId) -> CoreError {
    CoreError::ShopNotFound(shop.to_string())
}

fn key_refused(refusal: api_keys::Refusal, shop: &ShopId) -> CoreError {
    match refusal {
        api_keys::Refusal::ShopNotFound => not_found(shop),
        api_keys::Refusal::ShopClosed => CoreError::ShopNotActive(shop.to_string()),
        // Nobody rotates through the contract.
        api_keys::Refusal::NotLive => CoreError::Unavailable("the key does not work any more".to_owned()),
        api_keys::Refusal::TooMany => CoreError::Conflict(format!("{shop} has {} keys that work", api_keys::MAX_LIVE)),
    }
}

/// Nothing took effect. The reason goes to the log.
fn unavailable(error: database::Error) -> CoreError {
    failed(Problem::from(error))
}

fn failed(problem: Problem) -> CoreError {
    log::warn!("a call of the contract failed: {}", problem);
    CoreError::Unavailable("core could not do it now; nothing took effect".to_owned())
}
