//! From the contract's values to the service's, and back.

use std::fmt::Display;
use std::str::FromStr;

use datamp_models::core::{Direction, ShopId, ShopStatus};

use super::bindings::datamp::core::types as wit;
use super::bindings::exports::datamp::core::{api_keys as keys, operations as staff, shops as contract};
use crate::api_keys::scopes::Scopes;
use crate::api_keys::{ApiKey, Draft, KeyName, NewKey};
use crate::operations::{LedgerTransfer, Totals};
use crate::shops::store::Balance;
use crate::shops::{NewShop, Shop, ShopName};
use crate::statement::Entry;

/// Reads a field, or says what it must be.
pub(super) fn field<T>(name: &str, read: Result<T, impl Display>) -> Result<T, wit::CoreError> {
    read.map_err(|error| wit::CoreError::Invalid((name.to_owned(), error.to_string())))
}

pub(super) fn shop_id(name: &str, id: &str) -> Result<ShopId, wit::CoreError> {
    field(name, id.parse())
}

/// Where a page begins.
pub(super) fn after<T: FromStr<Err: Display>>(page: &wit::Page) -> Result<Option<T>, wit::CoreError> {
    page.after.as_deref().map(|after| field("after", after.parse())).transpose()
}

pub(super) fn new_shop(new: contract::NewShop) -> Result<NewShop, wit::CoreError> {
    Ok(NewShop {
        id: shop_id("id", &new.id)?,
        name: field("name", ShopName::try_from(new.name))?,
        currency: field("currency", new.currency.parse())?,
    })
}

/// A key that is asked for here may do everything, and does not end.
pub(super) fn new_api_key(new: keys::NewApiKey) -> Result<NewKey, wit::CoreError> {
    Ok(NewKey {
        shop: shop_id("shop", &new.shop)?,
        name: field("name", KeyName::try_from(new.name))?.into(),
        scopes: Scopes::ALL,
        expires_at: None,
    })
}

pub(super) fn shop(shop: Shop) -> wit::Shop {
    wit::Shop {
        id: shop.id.into(),
        name: shop.name,
        status: match shop.status {
            ShopStatus::Active => wit::ShopStatus::Active,
            ShopStatus::Frozen => wit::ShopStatus::Frozen,
            ShopStatus::Closed => wit::ShopStatus::Closed,
        },
        created_at: shop.created_at.to_rfc3339(),
    }
}

pub(super) fn balance(balance: Balance) -> wit::Balance {
    wit::Balance { currency: balance.currency.to_string(), posted: balance.posted, available: balance.available }
}

pub(super) fn api_key(key: ApiKey) -> keys::ApiKey {
    keys::ApiKey {
        id: key.id.into(),
        shop: key.shop_id.into(),
        name: key.name,
        prefix: key.prefix,
        created_at: key.created_at.to_rfc3339(),
        last_used_at: key.last_used_at.map(|time| time.to_rfc3339()),
        revoked_at: key.revoked_at.map(|time| time.to_rfc3339()),
    }
}

pub(super) fn created_api_key(created: Draft) -> keys::CreatedApiKey {
    keys::CreatedApiKey { secret: created.secret.reveal().to_owned(), api_key: api_key(created.api_key) }
}

/// A shop's entry; `shop` is the one whose statement it stands in.
pub(super) fn entry(shop: &ShopId, entry: Entry) -> wit::Transfer {
    wit::Transfer {
        id: entry.id.into(),
        shop: shop.to_string(),
        direction: direction(entry.direction),
        amount: entry.amount,
        currency: entry.currency.to_string(),
        code: entry.code.as_str().to_owned(),
        reference: entry.reference,
        created_at: entry.created_at.to_rfc3339(),
    }
}

/// A transfer as the shop saw it that took part; of two shops, the one that gave.
pub(super) fn ledger_transfer(transfer: LedgerTransfer) -> wit::Transfer {
    let (shop, way) = match (transfer.debit_shop_id, transfer.credit_shop_id) {
        (Some(shop), _) => (shop.into(), Direction::Outgoing),
        (None, Some(shop)) => (shop.into(), Direction::Incoming),
        (None, None) => (String::new(), Direction::Outgoing),
    };
    wit::Transfer {
        id: transfer.id.into(),
        shop,
        direction: direction(way),
        amount: transfer.amount,
        currency: transfer.currency.to_string(),
        code: transfer.code.as_str().to_owned(),
        reference: transfer.reference,
        created_at: transfer.created_at.to_rfc3339(),
    }
}

pub(super) fn direction(direction: Direction) -> wit::Direction {
    match direction {
        Direction::Incoming => wit::Direction::Incoming,
        Direction::Outgoing => wit::Direction::Outgoing,
    }
}

pub(super) fn totals(totals: Totals) -> staff::Totals {
    staff::Totals {
        currency: totals.currency.to_string(),
        ledger_sum: totals.ledger_sum,
        shops_sum: totals.shops_sum,
        topped_up: totals.topped_up,
        paid: totals.paid,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_taken_names_its_field() {
        let new = |id: &str, name: &str, currency: &str| contract::NewShop {
            id: id.into(),
            name: name.into(),
            currency: currency.into(),
        };
        let id = "shop_01h455vb4pex5vsknk084sn02q";
        let fields = [
            (new_shop(new("shop_1", "n", "RUB")), Some("id")),
            (new_shop(new(id, " ", "RUB")), Some("name")),
            (new_shop(new(id, &"n".repeat(201), "RUB")), Some("name")),
            (new_shop(new(id, "n", "rub")), Some("currency")),
            (new_shop(new(id, "n", "RUB")), None),
        ];
        for (read, field) in fields {
            let found = match &read {
                Err(wit::CoreError::Invalid((field, _))) => Some(field.as_str()),
                _ => None,
            };
            assert_eq!(found, field, "{read:?}");
        }
    }

    #[test]
    fn a_page_begins_after_an_id_of_its_own_kind() {
        let page = |after: Option<&str>| wit::Page { limit: 1, after: after.map(str::to_owned) };
        assert_eq!(after::<ShopId>(&page(None)), Ok(None));
        assert!(after::<ShopId>(&page(Some("shop_01h455vb4pex5vsknk084sn02q"))).unwrap().is_some());
        assert!(
            matches!(after::<ShopId>(&page(Some("x"))), Err(wit::CoreError::Invalid((field, _))) if field == "after")
        );
    }
}
