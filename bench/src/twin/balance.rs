//! The twin of core's `GET /core/v1/balance`: the same checks, the same counting of the key's requests, the same statements and the same JSON, in
//! axum and sqlx.
//!
//! sqlx's pool is told not to ask a connection whether it still works before each use: a careful author would, and it would
//! make the twin slower.

use std::{path::Path, str::FromStr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use datamp_core::{api_keys::secret::Secret, authentication::CALLER};
use datamp_host::capabilities::limits::{Keys, Quota};
use datamp_models::{
    Currency,
    core::{ApiKeyId, ShopId},
};
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use sqlx::{
    ConnectOptions as _, PgPool, SqlitePool,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous},
};
use time::OffsetDateTime;

/// Core's own, as is [`CALLER`]: see `components/core/src/authentication.rs`.
const NOTE_USE: &str =
    "UPDATE api_key SET last_used_at = $2 WHERE id = $1 AND (last_used_at IS NULL OR last_used_at <= $3)";

/// What a key may do, as core has it in the benchmarks: requests, within seconds.
const RATE: (u32, u32) = (1_000_000, 2);

/// As core has it, in microseconds.
const USE_IS_FRESH_FOR: i64 = 60_000_000;

/// Where the twin finds what it serves.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct BalanceOptions {
    /// `postgres://…`, or the path of an SQLite file.
    #[arg(long)]
    pub(crate) database: String,
    /// Connections, as many as core's manifest has.
    #[arg(long)]
    pub(crate) connections: u32,
    /// The key that API keys are hashed with.
    #[arg(long)]
    pub(crate) key: String,
}

/// What is kept of a secret.
pub(crate) fn hash(key: &[u8], secret: &str) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).context("the key")?;
    mac.update(secret.as_bytes());
    Ok(hex::encode(mac.finalize().into_bytes()))
}

/// `GET /core/v1/balance` on a database.
pub(super) async fn router(options: BalanceOptions) -> Result<Router> {
    let key = options.key.into_bytes();
    if options.database.starts_with("postgres") {
        let pool = PgPoolOptions::new().max_connections(options.connections).test_before_acquire(false);
        Ok(routes(Balances::new(pool.connect_with(postgresql(&options.database)?).await?, key)?))
    } else {
        let pool = SqlitePoolOptions::new().max_connections(options.connections).test_before_acquire(false);
        Ok(routes(Balances::new(pool.connect_with(sqlite(Path::new(&options.database))).await?, key)?))
    }
}

/// The host's own settings: see `host/src/store/sqlite.rs`.
pub(crate) fn sqlite(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
        .pragma("cache_size", "-8192")
        .statement_cache_capacity(256)
        .row_buffer_size(32)
        .disable_statement_logging()
}

/// Finds the tables in the schema of their migration set, as the host's connections do.
pub(crate) fn postgresql(url: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)?.options([("search_path", "models")]).disable_statement_logging())
}

fn routes<P: Database>(balances: Balances<P>) -> Router {
    Router::new().route("/core/v1/balance", get(balance)).with_state(Arc::new(balances))
}

struct Balances<P> {
    pool: P,
    key: Vec<u8>,
    quota: Quota,
    rates: Keys,
}

impl<P> Balances<P> {
    fn new(pool: P, key: Vec<u8>) -> Result<Self> {
        let (limit, period) = RATE;
        let quota = Quota::new(limit, period).map_err(anyhow::Error::msg)?;
        Ok(Self { pool, key, quota, rates: Keys::default() })
    }
}

/// The key's id, the shop's, the key's scopes and last use; and of an account its currency, status, and what is posted and available. One row
/// for each account; a shop without any has one row of NULLs there.
type Row = (String, String, Option<String>, Option<i64>, Option<String>, Option<String>, Option<i64>, Option<i64>);

/// The two statements on either database.
trait Database: Send + Sync + 'static {
    fn caller(&self, hash: &str, now: i64) -> impl Future<Output = sqlx::Result<Vec<Row>>> + Send;
    fn note_use(&self, key: &str, now: i64, stale: i64) -> impl Future<Output = sqlx::Result<()>> + Send;
}

macro_rules! database {
    ($pool:ty) => {
        impl Database for $pool {
            async fn caller(&self, hash: &str, now: i64) -> sqlx::Result<Vec<Row>> {
                sqlx::query_as(CALLER).bind(hash).bind(now).fetch_all(self).await
            }

            async fn note_use(&self, key: &str, now: i64, stale: i64) -> sqlx::Result<()> {
                sqlx::query(NOTE_USE).bind(key).bind(now).bind(stale).execute(self).await.map(drop)
            }
        }
    };
}

database!(SqlitePool);
database!(PgPool);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BalanceQuery {
    currency: Option<Currency>,
}

#[derive(Serialize)]
struct Page {
    data: Vec<Account>,
    has_more: bool,
}

#[derive(Serialize)]
struct Account {
    currency: Currency,
    posted: i64,
    available: i64,
}

async fn balance<P: Database>(
    State(balances): State<Arc<Balances<P>>>,
    headers: HeaderMap,
    query: Result<Query<BalanceQuery>, QueryRejection>,
) -> Result<(HeaderMap, Json<Page>), Refusal> {
    let text = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let text = text.and_then(|value| value.strip_prefix("Bearer ")).ok_or(Refusal::Unauthorised)?;
    let secret = Secret::parse(text).ok_or(Refusal::Unauthorised)?;
    let hash = hash(&balances.key, secret.reveal()).map_err(Refusal::internal)?;
    let standing = count(&balances, &hash)?;
    let now = i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1000).map_err(Refusal::internal)?;
    let rows = balances.pool.caller(&hash, now).await.map_err(Refusal::internal)?;
    let (mut accounts, key, last_used_at) = assemble(rows).ok_or(Refusal::Unauthorised)?;

    let stale = now - USE_IS_FRESH_FOR;
    if last_used_at.is_none_or(|last| last <= stale) {
        balances.pool.note_use(key.as_str(), now, stale).await.map_err(Refusal::internal)?;
    }

    let Query(query) = query.map_err(|_| Refusal::Unprocessable)?;
    accounts.retain(|account| query.currency.is_none_or(|currency| account.currency == currency));
    Ok((standing, Json(Page { data: accounts, has_more: false })))
}

/// Counts the request, and answers the headers that tell where the key stands.
fn count<P>(balances: &Balances<P>, hash: &str) -> Result<HeaderMap, Refusal> {
    let decision = balances.rates.take(hash, balances.quota, 1);
    if !decision.allowed {
        return Err(Refusal::TooMany);
    }
    let (limit, period) = RATE;
    let (remaining, reset) = (decision.remaining, decision.reset_after.div_ceil(1_000_000_000));
    let mut headers = HeaderMap::with_capacity(2);
    for (name, value) in [
        ("ratelimit-policy", format!("\"default\";q={limit};w={period}")),
        ("ratelimit", format!("\"default\";r={remaining};t={reset}")),
    ] {
        headers.insert(name, HeaderValue::try_from(value).map_err(Refusal::internal)?);
    }
    Ok(headers)
}

/// The accounts, the key and its last use; `None` for a key that is not known, or rows that are not core's.
fn assemble(rows: Vec<Row>) -> Option<(Vec<Account>, ApiKeyId, Option<i64>)> {
    let (key, shop, scopes, last_used_at, ..) = rows.first()?;
    // Where core answers 403; nobody calls the twin with such a key.
    if scopes.as_ref().is_some_and(|scopes| !scopes.split(' ').any(|scope| scope == "read")) {
        return None;
    }
    let (key, last_used_at) = (ApiKeyId::parse(key).ok()?, *last_used_at);
    ShopId::parse(shop).ok()?;
    let account = |(.., currency, _status, posted, available): Row| {
        Some(Account { currency: currency?.parse().ok()?, posted: posted?, available: available? })
    };
    let mut accounts: Vec<Account> = rows.into_iter().filter_map(account).collect();
    accounts.sort_unstable_by_key(|account| account.currency);
    Some((accounts, key, last_used_at))
}

enum Refusal {
    Unauthorised,
    Unprocessable,
    TooMany,
    Internal,
}

impl Refusal {
    fn internal(error: impl std::fmt::Display) -> Self {
        eprintln!("the twin failed: {error}");
        Self::Internal
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::Unprocessable => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
        .into_response()
    }
}
