//! Who calls the shops' API: `Authorization: Bearer dmp_live_…`, with a key that may do what the route does.

use std::marker::PhantomData;
use std::time::Duration;

use datamp_models::Currency;
use datamp_models::core::{AccountStatus, ApiKeyId, ShopId};
use datamp_sdk::openapi::{DescribeRequest, Description};
use datamp_sdk::{Bearer, FromRequest, Params, Problem, Request, Timestamp, database, log, params};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::api_keys;
use crate::api_keys::scopes::{Scopes, missing};
use crate::api_keys::secret::Secret;
use crate::rate_limit;
use scope::Needed;

pub mod scope;

/// Tells, for the hash of a key, who calls and all of the caller's balances: reading a balance is one statement,
/// authentication included. A row for each account; one with NULLs for a shop without any; none for a key that does not work now
/// (`$2`).
pub const CALLER: &str = "SELECT k.id AS key_id, k.shop_id, k.scopes, k.last_used_at, a.currency, a.status, \
                      a.credits_posted - a.debits_posted AS posted, \
                      a.credits_posted - a.debits_posted - a.debits_pending AS available \
                      FROM api_key AS k LEFT JOIN account AS a ON a.shop_id = k.shop_id \
                      WHERE k.hash = $1 AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $2)";

/// A key's last use is written when it is this much out of date, so that reading does not write.
const USE_IS_FRESH_FOR: Duration = Duration::from_secs(60);

/// A shop that called, with what it owned at that moment. A route takes one of the scope that its key needs, so that none can
/// forget to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller<S: Needed> {
    /// The key it called with.
    pub key: ApiKeyId,
    /// What the key may do.
    pub scopes: Scopes,
    /// The shop.
    pub shop: ShopId,
    /// Its accounts, by currency.
    pub accounts: Vec<ShopAccount>,
    needed: PhantomData<S>,
}

/// A shop's account in one currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Balance")]
pub struct ShopAccount {
    /// The currency.
    pub currency: Currency,
    /// What the shop owns: top-ups less payments, in minor units.
    #[schemars(range(min = 0))]
    pub posted: i64,
    /// What of it can be spent now, in minor units.
    #[schemars(range(min = 0))]
    pub available: i64,
    /// Whether it can be debited and credited.
    #[serde(skip_serializing)]
    pub status: AccountStatus,
}

impl<S: Needed> Caller<S> {
    /// The shop's account in a currency.
    pub fn account(&self, currency: Currency) -> Option<&ShopAccount> {
        self.accounts.iter().find(|account| account.currency == currency)
    }

    /// The currencies of its accounts, or of them the one that is asked for.
    pub fn currencies(&self, only: Option<Currency>) -> Vec<Currency> {
        let currencies = self.accounts.iter().map(|account| account.currency);
        currencies.filter(|currency| only.is_none_or(|only| only == *currency)).collect()
    }
}

impl<S: Needed> DescribeRequest for Caller<S> {
    fn describe(description: &mut Description<'_>) {
        description.security(
            "api-key",
            json!({
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "dmp_live_…",
                "description": "An API key of the shop. Its secret is told once, when it is made.",
            }),
        );
        description.problem(401, "unauthorized", "The API key is missing, is not known, was revoked or has expired.");
        description.problem(403, "scope-missing", "The API key lacks the scope that this needs: `scope` names it.");
        description.problem(
            429,
            "rate-limited",
            "The key has made too many requests: try again after `Retry-After` seconds.",
        );
    }
}

impl<S: Needed> FromRequest for Caller<S> {
    fn from_request(request: &Request, params: &Params) -> Result<Self, Problem> {
        let Bearer(text) = Bearer::from_request(request, params)?;
        let secret = Secret::parse(&text).ok_or_else(unknown_key)?;
        let hash = api_keys::hash(&secret)?;
        let counted = rate_limit::count(&hash)?;
        let now = Timestamp::now();
        let rows: Vec<Row> = database::query(CALLER, params![hash, now])?;
        let (caller, last_used_at) = assemble(rows).ok_or_else(unknown_key)?;
        counted.tell(request);
        note_use(&caller.key, last_used_at, now);
        if caller.scopes.allow(S::SCOPE) { Ok(caller) } else { Err(missing(&[S::SCOPE])) }
    }
}

/// The same for a key that is malformed, was never given, was revoked or has expired.
fn unknown_key() -> Problem {
    Problem::unauthorized("The API key is not known, was revoked or has expired.")
        .header("www-authenticate", "Bearer error=\"invalid_token\"")
}

/// One row for each account; a shop without any has one row of NULLs there.
#[derive(Clone, Deserialize)]
struct Row {
    key_id: ApiKeyId,
    shop_id: ShopId,
    scopes: Scopes,
    last_used_at: Option<Timestamp>,
    currency: Option<Currency>,
    status: Option<AccountStatus>,
    posted: Option<i64>,
    available: Option<i64>,
}

fn assemble<S: Needed>(rows: Vec<Row>) -> Option<(Caller<S>, Option<Timestamp>)> {
    let first = rows.first()?;
    let scopes = first.scopes.clone();
    let (key, shop, last_used_at) = (first.key_id.clone(), first.shop_id.clone(), first.last_used_at);
    let account = |row: Row| {
        Some(ShopAccount {
            currency: row.currency?,
            posted: row.posted?,
            available: row.available?,
            status: row.status?,
        })
    };
    let mut accounts: Vec<_> = rows.into_iter().filter_map(account).collect();
    accounts.sort_unstable_by_key(|account| account.currency);
    Some((Caller { key, scopes, shop, accounts, needed: PhantomData }, last_used_at))
}

/// Notes that a key was used, if its last use is out of date. What goes wrong with that is no reason to turn a caller away.
fn note_use(key: &ApiKeyId, last_used_at: Option<Timestamp>, now: Timestamp) {
    let stale = now - USE_IS_FRESH_FOR;
    if last_used_at.is_some_and(|last| last > stale) {
        return;
    }
    let noted = database::execute(
        "UPDATE api_key SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)",
        params![key.as_str(), now, stale],
    );
    if let Err(error) = noted {
        log::warn!("the use of an API key could not be noted: {}", error; api_key.id = key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_sdk::Method;

    fn row(currency: Option<&str>) -> Row {
        Row {
            key_id: ApiKeyId::parse("key_01h455vb4pex5vsknk084sn02q").unwrap(),
            shop_id: ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap(),
            scopes: Scopes::ALL,
            last_used_at: None,
            currency: currency.map(|code| code.parse().unwrap()),
            status: currency.map(|_| AccountStatus::Active),
            posted: currency.map(|_| 7),
            available: currency.map(|_| 5),
        }
    }

    #[test]
    fn a_caller_is_known_with_all_accounts_or_none() {
        assert_eq!(assemble::<scope::Read>(vec![]), None);
        assert_eq!(assemble::<scope::Read>(vec![row(None)]).unwrap().0.accounts, []);
        let (caller, _) = assemble::<scope::Read>(vec![row(Some("RUB")), row(Some("EUR"))]).unwrap();
        assert_eq!(caller.accounts.iter().map(|account| account.currency.code()).collect::<Vec<_>>(), ["EUR", "RUB"]);
        let rub = caller.account("RUB".parse().unwrap()).unwrap();
        assert_eq!((rub.posted, rub.available), (7, 5));
        assert_eq!(caller.account("USD".parse().unwrap()), None);
        assert_eq!(caller.currencies(Some("RUB".parse().unwrap())), ["RUB".parse().unwrap()]);
        assert_eq!(caller.currencies(Some("USD".parse().unwrap())), []);
        assert_eq!(caller.currencies(None).len(), 2);
    }

    #[test]
    fn what_has_not_the_form_of_a_key_is_turned_away_without_asking_the_database() {
        for header in
            [None, Some("Basic dXNlcjpwYXNz"), Some("Bearer"), Some("Bearer dmp_live_short"), Some("Bearer é")]
        {
            let mut request = Request::new(Method::Get, "/core/v1/balance");
            if let Some(value) = header {
                request = request.with_header("authorization", value);
            }
            let mut router = datamp_sdk::Router::new();
            router.get("/core/v1/balance", |caller: Caller<scope::Read>| caller.shop.to_string());
            let response = router.handle(&request);
            assert_eq!(response.status(), 401, "{header:?}");
            assert!(response.header_value("www-authenticate").is_some());
        }
    }
}
