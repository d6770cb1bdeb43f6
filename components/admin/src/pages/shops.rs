//! Shops: the list with its search, and one shop with its balances and transfers.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use datamp_sdk::{Path, Query};
use serde::Deserialize;

use super::frame::Frame;
use super::money::needs_core;
use super::paging::{Pager, ROWS, given};
use super::respond;
use super::transfers::Row;
use crate::access::{And, Answer, Refusal, Visit};
use crate::contract::{self, Balance, Page, Shop, ShopStatus};

/// The key of a status, and its style.
pub(super) fn status(status: &ShopStatus) -> (&'static str, &'static str) {
    match status {
        ShopStatus::Active => ("shop.active", "good"),
        ShopStatus::Frozen => ("shop.frozen", "warn"),
        ShopStatus::Closed => ("shop.closed", "plain"),
    }
}

#[derive(Template)]
#[template(path = "pages/shops.html")]
struct Shops {
    f: Frame,
    search: String,
    shops: Vec<Shop>,
    pager: Pager,
}

#[derive(Deserialize)]
pub(crate) struct Filter {
    search: Option<String>,
    after: Option<String>,
}

/// `GET /admin/shops`
pub(crate) fn list(visit: &Visit, Query(filter): Query<Filter>) -> Answer {
    needs_core()?;
    let search = given(filter.search.as_deref());
    let after = given(filter.after.as_deref());
    let page = Page { limit: ROWS, after: after.map(str::to_owned) };
    let found = contract::list_shops(search, &page)?;
    let pager = Pager::new("/admin/shops", &[("search", search.unwrap_or_default())], after, found.next.as_deref());
    let search = search.unwrap_or_default().to_owned();
    Ok(respond(200, &Shops { f: visit.frame("shops")?, search, shops: found.shops, pager }))
}

#[derive(Template)]
#[template(path = "pages/shop.html")]
struct OneShop {
    f: Frame,
    shop: Shop,
    balances: Vec<Balance>,
    rows: Vec<Row>,
    pager: Pager,
    /// Each row's shop is told at the top already.
    of_one_shop: bool,
}

#[derive(Deserialize)]
pub(crate) struct Cursor {
    after: Option<String>,
}

/// `GET /admin/shops/{id}`
pub(crate) fn show(visit: &Visit, And(Path(id), Query(cursor)): And<Path<String>, Query<Cursor>>) -> Answer {
    needs_core()?;
    let ids = [id.clone()];
    let shop = only(contract::get_shops(&ids))??;
    let balances = only(contract::balances(&ids))??;
    let after = given(cursor.after.as_deref());
    let page = Page { limit: ROWS, after: after.map(str::to_owned) };
    let found = contract::list_transfers(Some(&id), &page)?;
    let pager = Pager::new(&format!("/admin/shops/{id}"), &[], after, found.next.as_deref());
    let rows = found.transfers.into_iter().map(|transfer| Row::new(transfer, None, visit.language())).collect();
    Ok(respond(200, &OneShop { f: visit.frame("shops")?, shop, balances, rows, pager, of_one_shop: true }))
}

/// The answer to a batch of one.
pub(super) fn only<T>(answers: Vec<T>) -> Result<T, Refusal> {
    answers.into_iter().next().ok_or_else(Refusal::not_found)
}

/// The names of shops, asked for all at once. One that can't be had is not among them.
pub(super) fn names<'a>(ids: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, String> {
    let ids: BTreeSet<&str> = ids.into_iter().collect();
    if ids.is_empty() {
        return BTreeMap::new();
    }
    let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
    contract::get_shops(&ids).into_iter().flatten().map(|shop| (shop.id, shop.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Direction, Transfer};
    use crate::i18n::Language;
    use crate::pages::frame::tests::of;
    use crate::roles::Role;

    fn shop(name: &str) -> Shop {
        Shop {
            id: "shop_01h455vb4pex5vsknk084sn02q".to_owned(),
            name: name.to_owned(),
            status: ShopStatus::Frozen,
            created_at: "2026-11-23T16:09:05Z".to_owned(),
        }
    }

    #[test]
    fn a_shops_name_and_what_was_searched_are_escaped() {
        let page = Shops {
            f: of(Role::Support, Language::Russian),
            search: "\" autofocus onfocus=alert(1) x=\"".to_owned(),
            shops: vec![shop("<img src=x onerror=alert(1)>")],
            pager: Pager { first: None, next: Some("/admin/shops?after=x".to_owned()) },
        };
        let html = page.render().unwrap();
        assert!(!html.contains("<img") && !html.contains("\" autofocus onfocus"), "{html}");
        assert!(html.contains("/admin/shops?after=x") && html.contains(Language::Russian.text("shop.frozen")));
    }

    #[test]
    fn a_shop_shows_its_balances_and_transfers() {
        let transfer = Transfer {
            id: "tr_01h455vb4pex5vsknk084sn02q".to_owned(),
            shop: "shop_01h455vb4pex5vsknk084sn02q".to_owned(),
            direction: Direction::Outgoing,
            amount: 12_345,
            currency: "RUB".to_owned(),
            code: "payment".to_owned(),
            reference: "pay_1".to_owned(),
            created_at: "2026-11-23T16:09:05Z".to_owned(),
        };
        let page = OneShop {
            f: of(Role::Support, Language::English),
            shop: shop("Lamp & Shade"),
            balances: vec![Balance { currency: "RUB".to_owned(), posted: 100_000, available: 90_000 }],
            rows: vec![Row::new(transfer, None, Language::English)],
            pager: Pager { first: None, next: None },
            of_one_shop: true,
        };
        let html = page.render().unwrap();
        assert!(
            html.contains("Lamp &#38; Shade") && html.contains("1,000.00\u{a0}RUB") && html.contains("900.00\u{a0}RUB"),
            "{html}"
        );
        assert!(html.contains("\u{2212}123.45\u{a0}RUB"), "{html}");
    }
}
