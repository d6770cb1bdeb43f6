//! What the tests share: a database of either kind, with hosts and components on it.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    capabilities::database::{
        ComponentDatabase, Database, DatabaseSettings, HostCall,
        sql::{Dialect, Error, Value},
    },
    manifest::{DatabaseNeeds, Manifest},
    work::{Kind, LetterFilter, Queue, claim::Item, retry::Policy, settle::Outcome},
};

/// Longer than any test.
pub(super) const LEASE: Duration = Duration::from_secs(3600);

pub(super) struct World {
    pub(super) database: Database,
    pub(super) queue: Queue,
    settings: DatabaseSettings,
    folders: Vec<tempfile::TempDir>,
}

impl World {
    pub(super) async fn sqlite() -> Self {
        Self::at(None).await
    }

    pub(super) async fn postgresql() -> Self {
        Self::at(Some(datamp_test_postgres::Cluster::shared().database())).await
    }

    async fn at(url: Option<String>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = DatabaseSettings { url, data_dir: folder.path().to_owned() };
        let database = Database::connect(&settings).await.unwrap();
        let queue = Queue::open(database.clone(), folder.path()).unwrap();
        Self { database, queue, settings, folders: vec![folder] }
    }

    /// Another host on the same database.
    pub(super) async fn another_host(&mut self) -> Queue {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(Database::connect(&self.settings).await.unwrap(), folder.path()).unwrap();
        self.folders.push(folder);
        queue
    }

    /// The first host, started again.
    pub(super) fn restarted(&self) -> Queue {
        Queue::open(self.database.clone(), self.folders[0].path()).unwrap()
    }

    pub(super) fn is_sqlite(&self) -> bool {
        self.database.dialect() == Dialect::Sqlite
    }

    /// A component that is active, with that in its manifest.
    pub(super) async fn active(&self, name: &str, more: &str) -> Manifest {
        let manifest = Manifest::parse(&format!("name = '{name}'\nversion = '1.0.0'\n{more}")).unwrap();
        self.queue.expand(&manifest, true).await.unwrap();
        self.queue.end(&manifest).await.unwrap();
        self.queue.revoke(&manifest, true).await.unwrap();
        manifest
    }

    /// A component's own connections.
    pub(super) async fn connections(&self, name: &str) -> ComponentDatabase {
        self.database.open(name, &DatabaseNeeds { connections: 4, ..DatabaseNeeds::default() }).await.unwrap()
    }

    /// Publishes outside of a transaction.
    pub(super) async fn publish(&self, by: &str, topic: &str, payloads: &[&str]) -> u64 {
        self.database.call(HostCall::Publish, by, events(topic, payloads), soon()).await.unwrap()
    }

    /// Changes the host's tables past all rules.
    pub(super) async fn change(&self, sql: &'static str) -> u64 {
        let mut own = self.database.begin_own().await.unwrap();
        let changed = sqlx::query(sql).execute(own.connection()).await.unwrap().rows_affected();
        own.commit().await.unwrap();
        changed
    }
}

pub(super) fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Value {
    Value::Texts(texts.into_iter().map(str::to_owned).collect())
}

fn ids(count: usize) -> Value {
    Value::Texts((0..count).map(|_| uuid::Uuid::now_v7().to_string()).collect())
}

/// The parameters of a publication of several events.
pub(super) fn events(topic: &str, payloads: &[&str]) -> Vec<Value> {
    let count = payloads.len();
    vec![
        ids(count),
        texts(std::iter::repeat_n(topic, count)),
        texts(payloads.iter().copied()),
        Value::Text(String::new()),
    ]
}

/// The parameters of one job.
pub(super) fn job(name: &str, key: &str, at: i64, payload: &str) -> Vec<Value> {
    vec![ids(1), texts([name]), texts([key]), Value::Integers(vec![at]), texts([payload]), Value::Text(String::new())]
}

/// The parameters of a cancellation.
pub(super) fn key(name: &str, key: &str) -> Vec<Value> {
    vec![texts([name]), texts([key])]
}

pub(super) fn policy(attempts: u32) -> Policy {
    Policy { batch: 100, concurrency: 4, attempts, first: Duration::from_millis(1) }
}

pub(super) fn retry(reason: &str) -> Outcome {
    Outcome::Retry { after: Some(Duration::ZERO), reason: reason.to_owned() }
}

impl Queue {
    /// Claims all new work of a component.
    pub(super) async fn claim_new(&self, kind: Kind, component: &str) -> Vec<Item> {
        self.claim(kind, component, false, 100, LEASE).await.unwrap()
    }

    /// Claims one piece that was attempted before.
    pub(super) async fn claim_again(&self, kind: Kind, component: &str) -> Option<Item> {
        self.claim(kind, component, true, 100, LEASE).await.unwrap().pop()
    }

    pub(super) async fn settle_all(&self, kind: Kind, items: &[Item], outcome: &Outcome, attempts: u32) {
        let outcomes: Vec<_> = items.iter().map(|item| (item.clone(), outcome.clone())).collect();
        self.settle(kind, &outcomes, &policy(attempts)).await.unwrap();
    }

    pub(super) async fn count(&self, kind: Kind, dead: bool) -> usize {
        let filter = LetterFilter { dead: Some(dead), limit: Some(1000), ..LetterFilter::default() };
        self.letters(kind, &filter).await.unwrap().len()
    }
}

pub(super) fn payloads(items: &[Item]) -> Vec<&str> {
    let mut payloads: Vec<_> = items.iter().map(|item| item.payload.as_str()).collect();
    payloads.sort_unstable();
    payloads
}

pub(super) fn is_denied<T>(answer: &Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Denied(_)))
}
