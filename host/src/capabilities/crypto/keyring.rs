//! Keys that the host makes for components on first use, keeps sealed, and never shows.
//!
//! A key belongs to a component, a purpose and a name, and there may be several: the newest signs, older ones verify
//! until they retire. All of a name together are a [`Ring`]. Rings are held in memory, so that signing touches neither
//! the database nor a lock; each is read again every few minutes, in the background, so that every host learns of a
//! rotation.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use ed25519_dalek::SigningKey;
use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use sqlx::AnyPool;
use zeroize::Zeroizing;

use super::{
    envelope::{MasterKey, Unsealable},
    random::{self, NoRandomness},
    tokens::MAXIMAL_LIFETIME,
};
use crate::telemetry::clock::now_micros;

/// How many names of its own a component may have keys under.
const MAXIMAL_NAMES: i64 = 64;
/// How long a ring is used before it is read again.
const REFRESH: Duration = Duration::from_secs(300);
/// How soon a refresh that failed is tried again.
const RETRY: Duration = Duration::from_secs(30);
/// How often at most a token with an unknown key makes the host look whether another host has rotated.
const RECHECK: Duration = Duration::from_secs(1);

/// HMAC-SHA-256 with its key in place.
pub(crate) type Mac = Hmac<Sha256>;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The store did not answer.
    #[error("the key store: {0}")]
    Store(#[from] sqlx::Error),
    /// A key in the store can't be opened.
    #[error("key {id}: {source}")]
    Unsealable {
        /// The key's id.
        id: String,
        /// What is wrong.
        source: Unsealable,
    },
    /// No key could be made.
    #[error(transparent)]
    Random(#[from] NoRandomness),
    /// The name of a key is not `[a-z0-9._-]{1,64}`.
    #[error("{0:?} is no name of a key: a name has 1 to 64 of a-z, 0-9, '.', '_' and '-'")]
    InvalidName(String),
    /// The component has too many names.
    #[error("a component has keys under at most {MAXIMAL_NAMES} names")]
    TooMany,
}

/// What a key is for: what is made of its 32 bytes.
pub(crate) trait Key: Send + Sync + Sized + 'static {
    const PURPOSE: &'static str;
    fn new(bytes: &[u8; 32]) -> Self;
    fn rings(keyring: &Inner) -> &Rings<Self>;
}

impl Key for SigningKey {
    const PURPOSE: &'static str = "token";
    fn new(bytes: &[u8; 32]) -> Self {
        Self::from_bytes(bytes)
    }
    fn rings(keyring: &Inner) -> &Rings<Self> {
        &keyring.tokens
    }
}

impl Key for Mac {
    const PURPOSE: &'static str = "signature";
    fn new(bytes: &[u8; 32]) -> Self {
        // HMAC itself fills a key up with zeros to the length of a block (RFC 2104, section 2).
        let mut block = Zeroizing::new([0; 64]);
        if let Some(key) = block.first_chunk_mut() {
            *key = *bytes;
        }
        <Self as KeyInit>::new((&*block).into())
    }
    fn rings(keyring: &Inner) -> &Rings<Self> {
        &keyring.signatures
    }
}

/// All keys of one component, purpose and name that are good, the newest first; never empty.
pub(crate) struct Ring<K> {
    newest: RingKey<K>,
    older: Vec<RingKey<K>>,
    /// When it is to be read again; microseconds since the Unix epoch.
    refresh_at: AtomicI64,
    recheck_at: AtomicI64,
}

/// One key of a ring.
pub(crate) struct RingKey<K> {
    pub(crate) id: String,
    pub(crate) key: K,
    /// Microseconds since the Unix epoch.
    retires_at: Option<i64>,
}

impl<K> Ring<K> {
    pub(crate) fn new(newest: RingKey<K>, older: Vec<RingKey<K>>) -> Self {
        let refresh_at = AtomicI64::new(now_micros() + micros(REFRESH));
        Self { newest, older, refresh_at, recheck_at: AtomicI64::new(0) }
    }

    /// The key that signs.
    pub(crate) fn newest(&self) -> &RingKey<K> {
        &self.newest
    }

    /// The keys that verify at a time in microseconds since the Unix epoch.
    pub(crate) fn good(&self, now: i64) -> impl Iterator<Item = &RingKey<K>> {
        std::iter::once(&self.newest)
            .chain(self.older.iter().filter(move |key| key.retires_at.is_none_or(|at| at > now)))
    }
}

impl<K> RingKey<K> {
    pub(crate) fn new(id: String, key: K, retires_at: Option<i64>) -> Self {
        Self { id, key, retires_at }
    }
}

/// The rings of one purpose, by component and name.
pub(crate) type Rings<K> = ArcSwap<HashMap<Box<str>, Arc<Ring<K>>>>;

/// The host's keys for its components.
pub struct Keyring(Arc<Inner>);

pub(crate) struct Inner {
    pool: AnyPool,
    master: Arc<MasterKey>,
    tokens: Rings<SigningKey>,
    signatures: Rings<Mac>,
}

impl Keyring {
    /// The keys in this store, sealed under this master key.
    ///
    /// # Errors
    /// The store does not answer, or was sealed under another master key: better told now than at the first login.
    pub async fn open(pool: AnyPool, master: Arc<MasterKey>) -> Result<Self, KeyError> {
        let inner = Inner { pool, master, tokens: Rings::default(), signatures: Rings::default() };
        let keyring = Self(Arc::new(inner));
        // No component is called this, so the key serves as the seal's witness alone.
        keyring.0.load::<Mac>("", "master-key-check").await?;
        Ok(keyring)
    }

    /// The keys of a component under a name; the first is made when there is none.
    pub(crate) async fn ring<K: Key>(&self, component: &str, name: &str) -> Result<Arc<Ring<K>>, KeyError> {
        let place = place(component, name);
        let Some(ring) = K::rings(&self.0).load().get(place.as_str()).cloned() else {
            return self.0.load(component, name).await;
        };
        if claim(&ring.refresh_at, now_micros(), RETRY) {
            let (inner, component, name) = (Arc::clone(&self.0), component.to_owned(), name.to_owned());
            tokio::spawn(async move {
                if let Err(error) = inner.load::<K>(&component, &name).await {
                    tracing::warn!(%error, component, "the keys could not be read again; those in memory stay in use");
                }
            });
        }
        Ok(ring)
    }

    /// The keys as another host may have changed them just now; `None` when that was looked up a moment ago.
    pub(crate) async fn recheck<K: Key>(
        &self,
        ring: &Ring<K>,
        component: &str,
        name: &str,
    ) -> Result<Option<Arc<Ring<K>>>, KeyError> {
        self.recheck_at(now_micros(), ring, component, name).await
    }

    pub(super) async fn recheck_at<K: Key>(
        &self,
        now: i64,
        ring: &Ring<K>,
        component: &str,
        name: &str,
    ) -> Result<Option<Arc<Ring<K>>>, KeyError> {
        if !claim(&ring.recheck_at, now, RECHECK) {
            return Ok(None);
        }
        let fresh = self.0.load::<K>(component, name).await?;
        // The new ring takes over the old one's patience, or a stream of bad tokens would have each of them looked up.
        fresh.recheck_at.store(now + micros(RECHECK), Ordering::Relaxed);
        Ok(Some(fresh))
    }

    /// Gives a component a new key for its tokens. Those that the older ones signed stay good as long as any can
    /// live, and an hour more: every host has the new key long before.
    ///
    /// # Errors
    /// The store does not answer, or a key in it can't be opened.
    pub async fn rotate_tokens(&self, component: &str) -> Result<(), KeyError> {
        let overlap = Duration::from_secs(u64::from(MAXIMAL_LIFETIME) + 3600);
        self.0.rotate::<SigningKey>(component, "", Some(overlap)).await
    }

    /// Gives a component a new key of its own for signatures. Older keys verify for as long as `overlap` says; without
    /// one, for good.
    ///
    /// # Errors
    /// The store does not answer, or a key in it can't be opened.
    pub async fn rotate_signatures(
        &self,
        component: &str,
        name: &str,
        overlap: Option<Duration>,
    ) -> Result<(), KeyError> {
        self.0.rotate::<Mac>(component, name, overlap).await
    }
}

impl Inner {
    /// Reads a ring from the store, makes its first key where there is none, and keeps it in memory.
    async fn load<K: Key>(&self, component: &str, name: &str) -> Result<Arc<Ring<K>>, KeyError> {
        check_name::<K>(name)?;
        let ring = match self.read(component, name).await? {
            Some(ring) => ring,
            None => {
                self.check_number::<K>(component).await?;
                self.insert::<K>(component, name, 1).await?;
                // Another host may have been first: what counts is what is in the store.
                self.read(component, name).await?.ok_or(sqlx::Error::RowNotFound)?
            }
        };
        let ring = Arc::new(ring);
        let place: Box<str> = place(component, name).into();
        K::rings(self).rcu(|rings| {
            let mut rings = HashMap::clone(rings);
            rings.insert(place.clone(), Arc::clone(&ring));
            rings
        });
        Ok(ring)
    }

    async fn read<K: Key>(&self, component: &str, name: &str) -> Result<Option<Ring<K>>, KeyError> {
        let rows: Vec<(String, String, Option<i64>)> = sqlx::query_as(
            "SELECT id, sealed, retires_at FROM host_key WHERE component = $1 AND purpose = $2 AND name = $3 \
             AND (retires_at IS NULL OR retires_at > $4) ORDER BY number DESC",
        )
        .bind(component)
        .bind(K::PURPOSE)
        .bind(name)
        .bind(now_micros())
        .fetch_all(&self.pool)
        .await?;
        let mut keys = rows
            .into_iter()
            .map(|(id, sealed, retires_at)| {
                let opened = self.master.open(&["key", component, K::PURPOSE, name, &id], &sealed);
                let bytes = opened.and_then(|bytes| {
                    <[u8; 32]>::try_from(bytes.as_slice()).map(Zeroizing::new).map_err(|_| Unsealable)
                });
                match bytes {
                    Ok(bytes) => Ok(RingKey::new(id, K::new(&bytes), retires_at)),
                    Err(source) => Err(KeyError::Unsealable { id, source }),
                }
            })
            .collect::<Result<Vec<_>, _>>()?
            .into_iter();
        Ok(keys.next().map(|newest| Ring::new(newest, keys.collect())))
    }

    /// A component chooses its names itself: they must not fill the store.
    async fn check_number<K: Key>(&self, component: &str) -> Result<(), KeyError> {
        let (names,): (i64,) = sqlx::query_as(
            "SELECT CAST(COUNT(DISTINCT name) AS BIGINT) FROM host_key WHERE component = $1 AND purpose = $2",
        )
        .bind(component)
        .bind(K::PURPOSE)
        .fetch_one(&self.pool)
        .await?;
        if names >= MAXIMAL_NAMES { Err(KeyError::TooMany) } else { Ok(()) }
    }

    /// Makes a key, unless the number is taken.
    async fn insert<K: Key>(&self, component: &str, name: &str, number: i64) -> Result<(), KeyError> {
        let id = random::type_id("key");
        let sealed = self.master.seal(&["key", component, K::PURPOSE, name, &id], random::bytes::<32>()?.as_slice())?;
        sqlx::query(
            "INSERT INTO host_key (id, component, purpose, name, number, sealed, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (component, purpose, name, number) DO NOTHING",
        )
        .bind(id)
        .bind(component)
        .bind(K::PURPOSE)
        .bind(name)
        .bind(number)
        .bind(sealed)
        .bind(now_micros())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    async fn rotate<K: Key>(&self, component: &str, name: &str, overlap: Option<Duration>) -> Result<(), KeyError> {
        self.load::<K>(component, name).await?;
        let (number,): (i64,) = sqlx::query_as(
            "SELECT CAST(MAX(number) AS BIGINT) FROM host_key WHERE component = $1 AND purpose = $2 AND name = $3",
        )
        .bind(component)
        .bind(K::PURPOSE)
        .bind(name)
        .fetch_one(&self.pool)
        .await?;
        // Two hosts that rotate at once make one new key.
        self.insert::<K>(component, name, number + 1).await?;
        if let Some(overlap) = overlap {
            sqlx::query(
                "UPDATE host_key SET retires_at = $1 WHERE component = $2 AND purpose = $3 AND name = $4 \
                 AND number <= $5 AND retires_at IS NULL",
            )
            .bind(now_micros() + micros(overlap))
            .bind(component)
            .bind(K::PURPOSE)
            .bind(name)
            .bind(number)
            .execute(&self.pool)
            .await?;
        }
        self.load::<K>(component, name).await.map(drop)
    }
}

fn check_name<K: Key>(name: &str) -> Result<(), KeyError> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b);
    // The empty name is that of tokens, which have no other.
    let fits = name.is_empty() == (K::PURPOSE == SigningKey::PURPOSE);
    if fits && name.len() <= 64 && name.bytes().all(plain) {
        Ok(())
    } else {
        Err(KeyError::InvalidName(name.chars().take(64).collect()))
    }
}

/// A component's name holds no slash, so no two pairs share a place.
fn place(component: &str, name: &str) -> String {
    [component, "/", name].concat()
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}

/// Whether the time has come; then it is put off, and the caller is the one who acts.
fn claim(at: &AtomicI64, now: i64, put_off: Duration) -> bool {
    let due = at.load(Ordering::Relaxed);
    due <= now && at.compare_exchange(due, now + micros(put_off), Ordering::Relaxed, Ordering::Relaxed).is_ok()
}
