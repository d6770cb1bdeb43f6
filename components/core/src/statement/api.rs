//! `/core/v1/statement`.

use datamp_models::Currency;
use datamp_models::core::{AccountId, Owner};
use datamp_sdk::{Json, Problem, Query};
use serde::Deserialize;

use super::cursor::Cursor;
use super::{Entry, merge, store};
use crate::authentication::Caller;
use crate::page::{Limit, Page};

/// Which part of the statement is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    currency: Option<Currency>,
    #[serde(default)]
    limit: Limit,
    starting_after: Option<Cursor>,
}

/// GET: what moved the shop's money, newest first, in one currency or in all.
pub fn statement(caller: Caller, Query(query): Query<StatementQuery>) -> Result<Json<Page<Entry>>, Problem> {
    let owner = Owner::Shop(caller.shop);
    let accounts = caller
        .accounts
        .iter()
        .filter(|account| query.currency.is_none_or(|currency| account.currency == currency))
        .map(|account| {
            store::of_account(
                &AccountId::of(&owner, account.currency),
                query.starting_after.as_ref(),
                query.limit.rows(),
            )
        })
        .collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Page::new(merge(accounts), query.limit, |entry| entry.cursor().encode())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_sdk::{Method, Request, Router};

    #[test]
    fn each_parameter_that_can_not_be_taken_is_named() {
        let mut router = Router::new();
        router.get("/", |Query(query): Query<StatementQuery>| format!("{:?}", query.limit));
        let answer = |query: &str| router.handle(&Request::new(Method::Get, &format!("/?{query}")));
        for good in ["", "currency=RUB&limit=100", "starting_after=MS41LnRyXzAxaDQ1NXZiNHBleDV2c2tuazA4NHNuMDJx"] {
            assert_eq!(answer(good).status(), 200, "{good}");
        }
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=101", "limit"),
            ("limit=-1", "limit"),
            ("limit=1.0", "limit"),
            ("limit=", "limit"),
            ("limit=1&limit=2", "limit"),
            ("currency=rub", "currency"),
            ("currency=", "currency"),
            ("currency=RUB&currency=USD", "currency"),
            ("starting_after=", "starting_after"),
            ("starting_after=tr_01h455vb4pex5vsknk084sn02q", "starting_after"),
            ("starting_after=%ff", "starting_after"),
            ("offset=1", "offset"),
        ] {
            let answer = answer(query);
            let document: serde_json::Value = serde_json::from_slice(answer.bytes()).unwrap();
            assert_eq!(answer.status(), 400, "{query}");
            assert_eq!(document["errors"][0]["field"], field, "{query}: {document}");
        }
    }
}
