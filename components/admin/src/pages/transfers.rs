//! Transfers of all shops.

use askama::Template;
use datamp_sdk::Query;
use serde::Deserialize;

use super::frame::Frame;
use super::money::needs_core;
use super::paging::{Pager, ROWS, given};
use super::{respond, shops};
use crate::access::{Answer, Visit};
use crate::contract::{self, Direction, Page, Transfer};
use crate::i18n::Language;

/// A transfer as it is shown.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) transfer: Transfer,
    pub(super) shop_name: Option<String>,
    /// What it was for; core's own code where it has no text here.
    pub(super) code: String,
    /// From the shop's side: what left it is below zero.
    pub(super) amount: i64,
    pub(super) incoming: bool,
}

impl Row {
    pub(super) fn new(transfer: Transfer, shop_name: Option<String>, language: Language) -> Self {
        let incoming = matches!(transfer.direction, Direction::Incoming);
        let known = language.lookup(&format!("transfer.code.{}", transfer.code));
        Self {
            code: known.map_or_else(|| transfer.code.clone(), str::to_owned),
            amount: if incoming { transfer.amount } else { transfer.amount.saturating_neg() },
            shop_name,
            incoming,
            transfer,
        }
    }
}

#[derive(Template)]
#[template(path = "pages/transfers.html")]
struct Transfers {
    f: Frame,
    rows: Vec<Row>,
    pager: Pager,
    of_one_shop: bool,
}

#[derive(Deserialize)]
pub(crate) struct Cursor {
    after: Option<String>,
}

/// `GET /admin/transfers`
pub(crate) fn list(visit: &Visit, Query(cursor): Query<Cursor>) -> Answer {
    needs_core()?;
    let after = given(cursor.after.as_deref());
    let found = contract::list_transfers(None, &Page { limit: ROWS, after: after.map(str::to_owned) })?;
    let pager = Pager::new("/admin/transfers", &[], after, found.next.as_deref());
    let names = shops::names(found.transfers.iter().map(|one| one.shop.as_str()));
    let row = |transfer: Transfer| {
        let name = names.get(&transfer.shop).cloned();
        Row::new(transfer, name, visit.language())
    };
    let rows = found.transfers.into_iter().map(row).collect();
    Ok(respond(200, &Transfers { f: visit.frame("transfers")?, rows, pager, of_one_shop: false }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transfer(code: &str, direction: Direction) -> Transfer {
        Transfer {
            id: "tr_1".to_owned(),
            shop: "shop_1".to_owned(),
            direction,
            amount: 5,
            currency: "RUB".to_owned(),
            code: code.to_owned(),
            reference: "pay_1".to_owned(),
            created_at: "2026-11-23T16:09:05Z".to_owned(),
        }
    }

    #[test]
    fn what_left_a_shop_is_below_zero() {
        assert_eq!(Row::new(transfer("payment", Direction::Outgoing), None, Language::English).amount, -5);
        assert_eq!(Row::new(transfer("top-up", Direction::Incoming), None, Language::English).amount, 5);
    }

    #[test]
    fn a_code_of_tomorrow_is_shown_as_it_is() {
        let of = |code| Row::new(transfer(code, Direction::Incoming), None, Language::Russian).code;
        assert_eq!(of("cashback"), "cashback");
        assert_ne!(of("payment"), "payment");
    }
}
