//! `statement-growth`: a page of a shop's statement, as its history grows.

use anyhow::{Context, Result, ensure};
use datamp_core::statement::cursor::Cursor;
use datamp_models::{
    Currency,
    core::{AccountId, Owner, ShopId, TransferId},
};
use datamp_sdk::Timestamp;
use datamp_test_postgres::Cluster;
use serde::Deserialize;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::{RowName, Settings, throughput::Loads};
use crate::{
    host::{self, Host},
    http,
    load::LoadOptions,
    measure::{Summary, interleave},
    report::Row,
    twin::balance::postgresql,
};

/// What the host runs: core, and what makes a shop through core's contract.
const COMPONENTS: &[&str] = &["datamp-sandbox-payments", "datamp-core", "case-bench-seed"];

/// The transfers of the shops that are compared.
const LONG: i64 = 1_000_000;
const SHORT: i64 = 10_000;

/// How many rounds there are for the figure in the notes.
const NOTED_ROUNDS: usize = 3;

/// What `bench-seed` answers.
#[derive(Deserialize)]
struct Seed {
    shop: String,
    api_key: String,
}

/// A host with one shop that has a history, on a server of its own.
struct World {
    host: Host,
    api_key: String,
    transfers: i64,
    _cluster: Cluster,
}

impl World {
    async fn new(settings: &Settings, transfers: i64) -> Result<Self> {
        let cluster = Cluster::try_start_durable()?;
        let url = cluster.database();
        let host = Host::start(settings.setup(COMPONENTS)?.on(&url)).await?;
        let seed: Seed = host::post(host.public, "/bench-seed/shops").await?;
        let mut connection = postgresql(&url)?.connect().await?;
        write_history(&mut connection, &seed.shop, transfers).await?;
        connection.close().await?;
        let world = Self { host, api_key: seed.api_key, transfers, _cluster: cluster };
        world.check().await?;
        Ok(world)
    }

    /// The newest page; or one from the middle of the history.
    fn page(&self, middle: bool) -> LoadOptions {
        let mut target = "/core/v1/statement?currency=RUB&limit=50".to_owned();
        if middle {
            // The history is seeded so that a place in it has this time and no id below it.
            let id = TransferId::parse("tr_00000000000000000000000000");
            let cursor = id.map(|id| Cursor { created_at: Timestamp::from_micros(self.transfers / 2), id });
            target.push_str(&cursor.map(|cursor| format!("&starting_after={}", cursor.encode())).unwrap_or_default());
        }
        LoadOptions { bearers: vec![self.api_key.clone()], ..LoadOptions::get(self.host.public, target) }
    }

    /// Full pages, or it would be something else that is measured.
    async fn check(&self) -> Result<()> {
        for middle in [false, true] {
            let request = self.page(middle).requests().into_iter().next().context("the load has no request")?;
            let (status, body) = http::send(self.host.public, &request).await?;
            let entries = body.windows(11).filter(|part| part == b"\"direction\"").count();
            ensure!(status == 200 && entries == 50, "a page was answered {status} with {entries} entries");
        }
        Ok(())
    }
}

pub(super) async fn growth(settings: &Settings) -> Result<Row> {
    let short = World::new(settings, SHORT).await?;
    let long = World::new(settings, LONG).await?;
    let (mut long_loads, mut short_loads) = (Loads::default(), Loads::default());
    let newest = interleave(
        settings.rounds,
        async || Ok(long_loads.keep(settings.load(&long.page(false)).await?).latency.p50),
        async || Ok(short_loads.keep(settings.load(&short.page(false)).await?).latency.p50),
    )
    .await?;
    let middle = interleave(
        settings.rounds.min(NOTED_ROUNDS),
        async || Ok(long_loads.keep(settings.load(&long.page(true)).await?).latency.p50),
        async || Ok(short_loads.keep(settings.load(&short.page(true)).await?).latency.p50),
    )
    .await?;
    let in_the_middle = Summary::of(&middle)?;
    let row = Row::new(RowName::StatementGrowth, "µs", Summary::of(&newest)?).note(format!(
        "a page from the middle: {:.0} µs, of the short history {:.0} µs, ratio {:.2}",
        in_the_middle.value, in_the_middle.baseline, in_the_middle.ratio
    ));
    Ok(short_loads.report_failures("the short history's ", long_loads.report_failures("", row)))
}

/// Transfers of a shop, in turn three units that come in and two that are spent, at the microseconds 1, 2, 3 … A constraint's
/// check for each row would take a minute, and finds nothing here.
async fn write_history(connection: &mut PgConnection, shop: &str, transfers: i64) -> Result<()> {
    let currency: Currency = "RUB".parse().ok().context("the currency")?;
    let shop = Owner::Shop(ShopId::parse(shop)?);
    let [shop, sandbox, advertising] =
        [&shop, &Owner::SANDBOX, &Owner::ADVERTISING].map(|owner| AccountId::of(owner, currency).to_string());
    sqlx::query("SET session_replication_role = replica").execute(&mut *connection).await?;
    // After the transfer n the shop has had (n + 1) / 2 that came in and n / 2 that were spent.
    sqlx::query(
        "INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, currency, code, reference, debit_balance, \
         credit_balance, created_at) \
         SELECT 'tr_' || lpad(n::text, 26, '0'), $2, $1, 3, 'RUB', 'refund', 'bench', -3 * ((n + 1) / 2), \
         3 * ((n + 1) / 2) - 2 * (n / 2), n FROM generate_series(1, $4, 2) AS n \
         UNION ALL SELECT 'tr_' || lpad(n::text, 26, '0'), $1, $3, 2, 'RUB', 'payment', 'bench', \
         3 * (n / 2) - 2 * (n / 2), 2 * (n / 2), n FROM generate_series(2, $4, 2) AS n ORDER BY 10",
    )
    .bind(&shop)
    .bind(&sandbox)
    .bind(&advertising)
    .bind(transfers)
    .execute(&mut *connection)
    .await?;
    let half = transfers / 2;
    for (account, debits, credits) in
        [(&shop, 2 * half, 3 * half), (&sandbox, 3 * half, 0), (&advertising, 0, 2 * half)]
    {
        sqlx::query("UPDATE account SET debits_posted = $2, credits_posted = $3, posted_at = $4 WHERE id = $1")
            .bind(account)
            .bind(debits)
            .bind(credits)
            .bind(transfers)
            .execute(&mut *connection)
            .await?;
    }
    sqlx::query("VACUUM ANALYZE").execute(&mut *connection).await?;
    Ok(())
}
