//! `/core/v1/statement`.

use datamp_models::Currency;
use datamp_models::core::{AccountId, Owner, TransferCode};
use datamp_sdk::openapi::Api;
use datamp_sdk::{Json, Problem, Query, Timestamp, database};
use schemars::JsonSchema;
use serde::Deserialize;

use super::cursor::Cursor;
use super::{Entry, csv, merge, store};
use crate::authentication::{Caller, scope};
use crate::page::{Limit, Page, Window};

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("Statement", "What moved the shop's money.");
    api.get("/core/v1/statement", statement).id("listStatement").summary("List what moved the money, the newest first");
    api.get(csv::PATH, csv::statement)
        .id("exportStatement")
        .summary("Export what moved the money as CSV, the newest first")
        .text(
            "By RFC 4180, with a header row. A part has at most 10,000 rows; where there is more, `Link` with `rel=\"next\"` is the \
             address of the next part. Texts that a spreadsheet could take for a formula have an apostrophe before them.",
        );
}

/// Which part of the statement is asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementQuery {
    /// Only what moved in this currency.
    currency: Option<Currency>,
    /// Only what was moved for this; of `payment`, what the shop paid.
    code: Option<TransferCode>,
    /// Only what was moved at this time or later.
    created_after: Option<Timestamp>,
    /// Only what was moved before this time.
    created_before: Option<Timestamp>,
    /// How many to answer at most.
    #[serde(default)]
    limit: Limit,
    /// Answer those that come after this one: the `next` of the page before.
    starting_after: Option<Cursor>,
}

/// GET: what moved the shop's money, newest first, in one currency or in all.
pub fn statement(
    caller: Caller<scope::Read>,
    Query(query): Query<StatementQuery>,
) -> Result<Json<Page<Entry>>, Problem> {
    let after = query.starting_after.as_ref().map(|cursor| (cursor.created_at, cursor.id.as_str()));
    let window = Window::new(query.created_after, query.created_before, after);
    let currencies = caller.currencies(query.currency);
    let entries = entries(&Owner::Shop(caller.shop), &currencies, &window, query.code, query.limit.rows())?;
    Ok(Json(Page::new(entries, query.limit, |entry| entry.cursor().encode())))
}

/// At most `rows` entries of each of an owner's accounts, merged.
pub(super) fn entries(
    owner: &Owner,
    currencies: &[Currency],
    window: &Window,
    code: Option<TransferCode>,
    rows: i64,
) -> Result<Vec<Entry>, database::Error> {
    let of_account = |currency: &Currency| store::within(&AccountId::of(owner, *currency), window, code, rows);
    Ok(merge(currencies.iter().map(of_account).collect::<Result<_, _>>()?))
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
        for good in [
            "code=refund&created_after=2026-01-01T00:00:00Z&created_before=2026-01-01T00:00:00%2B03:00",
            "",
            "currency=RUB&limit=100",
            "starting_after=MS41LnRyXzAxaDQ1NXZiNHBleDV2c2tuazA4NHNuMDJx",
        ] {
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
            ("code=", "code"),
            ("code=Payment", "code"),
            ("code=payment&code=refund", "code"),
            ("created_after=", "created_after"),
            ("created_after=2026-01-01", "created_after"),
            ("created_after=1767225600", "created_after"),
            // A plus that is not percent-encoded is a space.
            ("created_before=2026-01-01T00:00:00+03:00", "created_before"),
            ("created_before=2026-13-01T00:00:00Z", "created_before"),
        ] {
            let answer = answer(query);
            let document: serde_json::Value = serde_json::from_slice(answer.bytes()).unwrap();
            assert_eq!(answer.status(), 400, "{query}");
            assert_eq!(document["errors"][0]["field"], field, "{query}: {document}");
        }
    }
}
