//! `balance-read` and `balance-read-pg`: a shop reads its balance with an API key.

use anyhow::Result;
use datamp_core::api_keys::secret::Secret;
use datamp_host::manifest::Manifest;
use datamp_test_postgres::Cluster;
use serde::Deserialize;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, Postgres, Sqlite};

use super::{RowName, Settings, throughput::compare};
use crate::{
    host::{self, Host},
    load::LoadOptions,
    process::Twin,
    report::Row,
    twin::balance::{hash, postgresql, sqlite},
};

const TARGET: &str = "/core/v1/balance";

/// What the host runs: core, and what makes a shop through core's contract.
const COMPONENTS: &[&str] = &["datamp-sandbox-payments", "datamp-core", "case-bench-seed"];

/// The key that the twin hashes API keys with. The host's own never leaves it, so the twin has an API key of its own, of the
/// same shop and in the same table.
const TWIN_KEY: &str = "the twin's own key of API keys";

const INSERT_TWIN_KEY: &str = "INSERT INTO api_key (id, shop_id, name, prefix, hash, created_at) \
                               VALUES ('key_00000000000000000000000000', $1, 'The key of the twin', $2, $3, 0)";

/// What `bench-seed` answers.
#[derive(Deserialize)]
struct Seed {
    shop: String,
    api_key: String,
}

/// On SQLite.
pub(super) async fn on_sqlite(settings: &Settings) -> Result<Row> {
    let host = Host::start(settings.setup(COMPONENTS)?).await?;
    let seed: Seed = host::post(host.public, "/bench-seed/shops").await?;
    let secret = Secret::from_random([7; 32]);
    let file = host.sqlite_file();
    let mut connection = sqlite(&file).connect().await?;
    let insert = sqlx::query::<Sqlite>(INSERT_TWIN_KEY).bind(&seed.shop).bind(secret.prefix());
    connection.execute(insert.bind(hash(TWIN_KEY.as_bytes(), secret.reveal())?)).await?;
    connection.close().await?;
    measure(RowName::BalanceRead, settings, &host, &seed, &secret, &file.to_string_lossy()).await
}

/// On PostgreSQL, in a cluster of its own.
pub(super) async fn on_postgresql(settings: &Settings) -> Result<Row> {
    let cluster = Cluster::try_start()?;
    let url = cluster.database();
    let host = Host::start(settings.setup(COMPONENTS)?.on(&url)).await?;
    let seed: Seed = host::post(host.public, "/bench-seed/shops").await?;
    let secret = Secret::from_random([7; 32]);
    let mut connection = postgresql(&url)?.connect().await?;
    let insert = sqlx::query::<Postgres>(INSERT_TWIN_KEY).bind(&seed.shop).bind(secret.prefix());
    connection.execute(insert.bind(hash(TWIN_KEY.as_bytes(), secret.reveal())?)).await?;
    connection.close().await?;
    measure(RowName::BalanceReadPg, settings, &host, &seed, &secret, &url).await
}

async fn measure(
    row: RowName,
    settings: &Settings,
    host: &Host,
    seed: &Seed,
    twins: &Secret,
    database: &str,
) -> Result<Row> {
    let manifest = Manifest::parse(include_str!("../../../components/core/component.toml"))?;
    let connections = manifest.database.connections.to_string();
    let options = ["--database", database, "--connections", &connections, "--key", TWIN_KEY];
    let twin = Twin::start(["balance"].into_iter().chain(options)).await?;
    let load = |address, api_key: &str| LoadOptions {
        headers: vec![("authorization".to_owned(), format!("Bearer {api_key}"))],
        ..LoadOptions::get(address, TARGET)
    };
    compare(row, settings, &load(host.public, &seed.api_key), &load(twin.address, twins.reveal())).await
}
