//! `transfer-single`, `transfer-hot` and `transfer-batch`: what the ledger can take, on a PostgreSQL that waits for the disk.

use anyhow::{Context, Result};
use datamp_host::manifest::Manifest;
use datamp_models::{
    Currency,
    core::{AccountId, Owner, ShopId},
    id::encode,
};
use datamp_test_postgres::Cluster;
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::{
    RowName, Settings,
    throughput::{Loads, compare},
};
use crate::{
    host::Host,
    http::NUMBER,
    load::{self, LoadOptions},
    measure::{Summary, interleave, median},
    process::Twin,
    report::Row,
    twin::balance::postgresql,
};

/// What the host runs: core, and what posts by the ledger's contract.
const COMPONENTS: &[&str] = &["datamp-sandbox-payments", "datamp-core", "case-bench-transfers"];

/// How many shops transfer, each with an account.
const SHOPS: u64 = 10_000;

/// What each of them owns at first, in minor units: no load spends it.
const OWNED: i64 = 1_000_000_000_000;

/// How many transfers there are before.
const HISTORY: i64 = 200_000;

/// How many transfers a list has.
const LIST: u64 = 1000;

/// How many lists are under way at once: more would only wait for each other.
const LISTS: usize = 4;

/// A database with shops, and a host on it.
struct World {
    host: Host,
    url: String,
    _cluster: Cluster,
}

impl World {
    async fn new(settings: &Settings) -> Result<Self> {
        let cluster = Cluster::try_start_durable()?;
        let url = cluster.database();
        let host = Host::start(settings.setup(COMPONENTS)?.on(&url)).await?;
        let mut connection = postgresql(&url)?.connect().await?;
        seed(&mut connection).await?;
        connection.close().await?;
        Ok(Self { host, url, _cluster: cluster })
    }

    /// The twin on the same database, with as many connections as core has.
    async fn twin(&self) -> Result<Twin> {
        let manifest = Manifest::parse(include_str!("../../../components/core/component.toml"))?;
        let connections = manifest.database.connections.to_string();
        Twin::start(["transfers", "--database", &self.url, "--connections", &connections]).await
    }
}

/// One transfer per request, against the twin's transaction for each.
pub(super) async fn one_by_one(row: RowName, settings: &Settings) -> Result<Row> {
    let world = World::new(settings).await?;
    let twin = world.twin().await?;
    let route = if row == RowName::TransferHot { "hot" } else { "random" };
    let load = |address| LoadOptions { method: "POST".to_owned(), ..LoadOptions::get(address, target(route, 1)) };
    compare(row, settings, &load(world.host.public), &load(twin.address)).await
}

/// Transfers a second in lists, against those of one transfer per request by many callers at once, which share transactions. In the notes also
/// against what shares none: the twin's, and those of a caller that is alone.
pub(super) async fn in_lists(settings: &Settings) -> Result<Row> {
    let world = World::new(settings).await?;
    let twin = world.twin().await?;
    let of = |address, count, connections| {
        let load = LoadOptions::get(address, target("random", count));
        LoadOptions { method: "POST".to_owned(), connections, ..load }
    };
    let lists = of(world.host.public, LIST, LISTS);
    let single = of(world.host.public, 1, settings.connections);
    let (twins, lone) = (of(twin.address, 1, settings.connections), of(world.host.public, 1, 1));
    let (mut list_loads, mut single_loads, mut twin_loads) = (Loads::default(), Loads::default(), Loads::default());
    let (mut by_the_twin, mut alone) = (Vec::new(), Vec::new());
    let rounds = interleave(
        settings.rounds,
        async || {
            // A list takes as long as many requests: the count of those within a second would be coarse.
            let load = load::spawn(&LoadOptions { seconds: settings.seconds * 2.0, ..lists.clone() }).await?;
            Ok(list_loads.keep(load).per_second * LIST as f64)
        },
        async || {
            by_the_twin.push(twin_loads.keep(settings.load(&twins).await?).per_second);
            // The load says how many connections there are, and this one has another count.
            let load = load::spawn(&LoadOptions { seconds: settings.seconds, ..lone.clone() }).await?;
            alone.push(single_loads.keep(load).per_second);
            Ok(single_loads.keep(settings.load(&single).await?).per_second)
        },
    )
    .await?;
    let summary = Summary::of(&rounds)?;
    let times = |rates: Vec<f64>| {
        let rate = median(rates).context("nothing was measured")?;
        anyhow::Ok(format!("{:.1} times ({rate:.0}/s)", summary.value / rate))
    };
    let row = Row::new(RowName::TransferBatch, "transfers/s", summary).note(format!(
        "of single transfers that share no transaction: {} the twin's by as many callers, {} one caller's, one after the other",
        times(by_the_twin)?,
        times(alone)?
    ));
    let row = single_loads.report_failures("single ", list_loads.report_failures("", row));
    Ok(twin_loads.report_failures("the twin's ", row))
}

fn target(route: &str, count: u64) -> String {
    format!("/bench-transfers/{route}?number={NUMBER}&shops={SHOPS}&count={count}")
}

/// Shops that own something, and the accounts of the system that it came from and goes to.
async fn seed(connection: &mut PgConnection) -> Result<()> {
    let currency: Currency = "RUB".parse().ok().context("the currency")?;
    let shops: Vec<String> = (0..SHOPS).map(|number| format!("shop_{}", encode(u128::from(number)))).collect();
    let account = |shop: &String| {
        let shop = ShopId::parse(shop).ok().context("the id of a shop")?;
        anyhow::Ok(AccountId::of(&Owner::Shop(shop), currency).to_string())
    };
    let accounts = shops.iter().map(account).collect::<Result<Vec<_>>>()?;
    sqlx::query(
        "INSERT INTO shop (id, name, search_name, status, currency, created_at) \
         SELECT id, 'A shop', 'a shop', 'active', 'RUB', 0 FROM unnest($1) AS id",
    )
    .bind(&shops)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "INSERT INTO account (id, kind, shop_id, currency, status, debits_posted, credits_posted, debits_pending, \
         credits_pending, created_at, posted_at) \
         SELECT id, 'shop', shop, 'RUB', 'active', 0, $3, 0, 0, 0, 0 FROM unnest($1, $2) AS t (id, shop)",
    )
    .bind(&accounts)
    .bind(&shops)
    .bind(OWNED)
    .execute(&mut *connection)
    .await?;
    for (owner, debits) in [(Owner::SANDBOX, OWNED * i64::try_from(SHOPS)?), (Owner::ADVERTISING, 0)] {
        sqlx::query(
            "INSERT INTO account (id, kind, name, currency, status, debits_posted, credits_posted, debits_pending, \
             credits_pending, created_at, posted_at) VALUES ($1, $2, $3, 'RUB', 'active', $4, 0, 0, 0, 0, 0)",
        )
        .bind(AccountId::of(&owner, currency).as_str())
        .bind(owner.kind().as_str())
        .bind(owner.name())
        .bind(debits)
        .execute(&mut *connection)
        .await?;
    }
    // A table that is empty when it is analysed gets plans that read all of it, and keeps them while it grows.
    sqlx::query("SET session_replication_role = replica").execute(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO transfer (id, debit_account_id, credit_account_id, amount, currency, code, reference, debit_balance, \
         credit_balance, created_at) SELECT 'tr_' || lpad(n::text, 26, '0'), $1[1 + n % $2], $1[1 + (7919 * n + 1) % $2], 1, \
         'RUB', 'payment', 'bench', 0, 0, n FROM generate_series(1, $3) AS n",
    )
    .bind(&accounts)
    .bind(i64::try_from(SHOPS)?)
    .bind(HISTORY)
    .execute(&mut *connection)
    .await?;
    sqlx::query("VACUUM ANALYZE").execute(&mut *connection).await?;
    Ok(())
}
