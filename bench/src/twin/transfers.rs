//! The twin of `tests/components/bench-transfers` and of core's ledger behind it: a transaction for each request.
//!
//! It runs core's own statements, and core's own decision and hash chain on what they read; so it differs in what carries them.

use std::sync::Arc;

use anyhow::Context;
use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::post,
};
use datamp_core::{
    id::fresh,
    ledger::{
        Movement, Posting,
        account::{Account, Totals},
        book::Book,
        chain::Hash,
        record::Record,
        store::{self, AccountRow},
    },
    sql::{Row, Statement},
};
use datamp_models::{
    Amount, Currency,
    core::{AccountKind, AccountStatus, Owner, ShopId, TransferCode},
    id::encode,
};
use datamp_sdk::{Timestamp, database::Value};
use serde::{Deserialize, Serialize};
use sqlx::{
    PgPool, Postgres, Row as _,
    postgres::{PgArguments, PgPoolOptions, PgRow},
};

use super::balance::postgresql;

/// Where the twin finds what it serves.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct TransfersOptions {
    /// `postgres://…`.
    #[arg(long)]
    database: String,
    /// Connections, as many as core's manifest has.
    #[arg(long)]
    connections: u32,
}

/// The routes of `bench-transfers`.
pub(super) async fn router(options: TransfersOptions) -> anyhow::Result<Router> {
    let pool = PgPoolOptions::new().max_connections(options.connections).test_before_acquire(false);
    let pool = pool.connect_with(postgresql(&options.database)?).await?;
    Ok(Router::new()
        .route("/bench-transfers/random", post(random))
        .route("/bench-transfers/hot", post(hot))
        .with_state(Arc::new(pool)))
}

/// As `bench-transfers` has it.
#[derive(Deserialize)]
struct Order {
    number: String,
    shops: u64,
    #[serde(default = "one")]
    count: u64,
}

fn one() -> u64 {
    1
}

#[derive(Serialize)]
struct Made {
    made: usize,
}

async fn random(pool: State<Arc<PgPool>>, Query(order): Query<Order>) -> Result<Json<Made>, Failed> {
    answer(&pool, &order, |mixed| {
        let debit = mixed % order.shops;
        let credit = (debit + 1 + (mixed >> 32) % (order.shops - 1)) % order.shops;
        Ok((shop(debit)?, shop(credit)?))
    })
    .await
}

async fn hot(pool: State<Arc<PgPool>>, Query(order): Query<Order>) -> Result<Json<Made>, Failed> {
    answer(&pool, &order, |mixed| Ok((shop(mixed % order.shops)?, Owner::ADVERTISING))).await
}

async fn answer(
    pool: &PgPool,
    order: &Order,
    accounts: impl Fn(u64) -> anyhow::Result<(Owner, Owner)>,
) -> Result<Json<Made>, Failed> {
    let number = u64::from_str_radix(&order.number, 16)?;
    let currency: Currency = "RUB".parse().ok().context("the currency")?;
    let posting = |place: u64| {
        let mixed = mix(number.wrapping_add(place));
        let (debit, credit) = accounts(mixed)?;
        let amount = Amount::new(1 + i64::from(mixed as u8)).ok().context("the amount")?;
        let movement = Movement::between(&debit, &credit, amount, currency, TransferCode::Payment, "bench");
        anyhow::Ok(Posting::of(movement).with_id(fresh()))
    };
    let postings = (0..order.count).map(posting).collect::<anyhow::Result<Vec<_>>>()?;
    Ok(Json(Made { made: make(pool, &postings).await? }))
}

/// As core's `ledger::store::post` does it.
async fn make(pool: &PgPool, postings: &[Posting]) -> anyhow::Result<usize> {
    let mut transaction = pool.begin().await?;
    let accounts = sqlx::query(store::LOCK.postgresql).bind(store::accounts_of(postings));
    let accounts = accounts.fetch_all(&mut *transaction).await?;
    let accounts = accounts.iter().map(account).collect::<anyhow::Result<Vec<_>>>()?;
    let mut ids: Vec<&str> = postings.iter().filter_map(|posting| posting.id.as_ref()).map(AsRef::as_ref).collect();
    ids.sort_unstable();
    let known = sqlx::query(store::KNOWN.postgresql).bind(ids).fetch_all(&mut *transaction).await?;
    anyhow::ensure!(known.is_empty(), "a fresh id was taken");

    let mut book = Book::new(accounts, []);
    let answers = book.post_all(postings, Timestamp::now(), fresh);
    let posted = answers.into_iter().collect::<Result<Vec<_>, _>>().map_err(|refusal| anyhow::anyhow!("{refusal}"))?;
    let records: Vec<_> = posted.iter().filter_map(|posted| posted.made()).map(Record::from).collect();
    let inserted = with_rows(store::INSERT_TRANSFERS, &records)?.execute(&mut *transaction).await?.rows_affected();
    anyhow::ensure!(usize::try_from(inserted)? == postings.len(), "a transfer was not inserted");
    let changed: Vec<_> = book.changed().map(AccountRow::from).collect();
    with_rows(store::UPDATE_ACCOUNTS, &changed)?.execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(posted.len())
}

type SqlQuery = sqlx::query::Query<'static, Postgres, PgArguments>;

/// A statement that writes rows, with their columns as its parameters.
fn with_rows<R: Row>(statement: Statement, rows: &[R]) -> anyhow::Result<SqlQuery> {
    R::columns(rows).into_iter().try_fold(sqlx::query(statement.postgresql), |query, column| match column {
        Value::Texts(texts) => Ok(query.bind(texts)),
        Value::Integers(integers) => Ok(query.bind(integers)),
        other => anyhow::bail!("{other:?} is no column"),
    })
}

fn account(row: &PgRow) -> anyhow::Result<Account> {
    let text = |column: &str| row.try_get::<&str, _>(column);
    let number = |column: &str| row.try_get::<i64, _>(column);
    let head: Option<&str> = row.try_get("chain_head")?;
    Ok(Account {
        id: text("id")?.parse()?,
        kind: AccountKind::named(text("kind")?).context("kind")?,
        currency: text("currency")?.parse().ok().context("currency")?,
        status: AccountStatus::named(text("status")?).context("status")?,
        totals: Totals {
            debits_posted: number("debits_posted")?,
            credits_posted: number("credits_posted")?,
            debits_pending: number("debits_pending")?,
            credits_pending: number("credits_pending")?,
        },
        chain_head: head.map(|head| Hash::parse(head).context("chain_head")).transpose()?,
        posted_at: Timestamp::from_micros(number("posted_at")?),
    })
}

fn shop(number: u64) -> anyhow::Result<Owner> {
    Ok(Owner::Shop(ShopId::parse(&format!("shop_{}", encode(u128::from(number))))?))
}

/// As `bench-transfers` does it.
fn mix(number: u64) -> u64 {
    let x = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// What went wrong, for whoever looks at the twin's output.
struct Failed(anyhow::Error);

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        eprintln!("the twin failed: {:#}", self.0);
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}
