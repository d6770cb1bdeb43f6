//! Passwords by argon2id (RFC 9106), on a bounded queue.
//!
//! One hash takes some 20 ms of a core and 19 MiB, so logins are the cheapest way to flood a host: no more are computed
//! at once than there are cores, a fixed number may wait, and the rest are told at once to come back later.

use std::{num::NonZeroUsize, sync::Arc, thread};

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier, Version};
use tokio::{
    sync::Semaphore,
    time::{Instant, timeout_at},
};
use zeroize::Zeroizing;

use super::random;

/// The longest password, in bytes.
pub const MAXIMAL_PASSWORD: usize = 1024;

/// The cost of new hashes: the floor of OWASP's cheat sheet. KiB, passes, lanes.
const MEMORY: u32 = 19 << 10;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// The highest cost of a stored hash that is still computed.
const MAXIMAL_MEMORY: u32 = 256 << 10;
const MAXIMAL_PASSES: u32 = 10;
const MAXIMAL_LANES: u32 = 16;

/// A hash of the cost of new ones, of a password that nobody knows.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3MgcGFzc3dvcmQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password was neither hashed nor verified.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum HashError {
    /// It is longer than [`MAXIMAL_PASSWORD`].
    #[error("the password is longer than {MAXIMAL_PASSWORD} bytes")]
    TooLong,
    /// The stored hash is no PHC string of argon2id, or its cost is absurd.
    #[error("the stored hash is no PHC string of argon2id")]
    InvalidHash,
    /// The queue is full, or its end was not reached in time.
    #[error("too many passwords are being checked")]
    Busy,
}

/// How many passwords are computed at once, and how many may wait.
#[derive(Clone, Copy, Debug)]
pub struct PasswordSettings {
    /// Computed at once; each takes a core and 19 MiB meanwhile.
    pub workers: NonZeroUsize,
    /// Waiting for a worker; beyond, callers are told that the host is busy.
    pub queue: usize,
}

impl Default for PasswordSettings {
    fn default() -> Self {
        let workers = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        // A second's worth of waiting.
        Self { workers, queue: workers.get() * 32 }
    }
}

/// argon2id on a bounded queue.
pub struct PasswordHasher {
    /// The places in the queue and at work.
    places: Arc<Semaphore>,
    workers: Arc<Semaphore>,
    argon2: Argon2<'static>,
}

impl PasswordHasher {
    /// A queue of this size.
    #[must_use]
    pub fn new(settings: PasswordSettings) -> Self {
        Self {
            places: Arc::new(Semaphore::new(settings.workers.get() + settings.queue)),
            workers: Arc::new(Semaphore::new(settings.workers.get())),
            argon2: Argon2::new(
                Algorithm::Argon2id,
                Version::V0x13,
                Params::new(MEMORY, PASSES, LANES, None).unwrap_or(Params::DEFAULT),
            ),
        }
    }

    /// A PHC string with a fresh salt of 16 bytes.
    ///
    /// # Errors
    /// The password is too long, or the queue is full or not passed before the deadline.
    pub async fn hash(&self, password: String, deadline: Instant) -> Result<String, HashError> {
        let argon2 = self.argon2.clone();
        self.run(password, deadline, move |password| {
            // Only the operating system can fail here, and it may do better later.
            let salt = random::bytes::<16>().map_err(|_| HashError::Busy)?;
            let hash = argon2.hash_password_with_salt(password, salt.as_slice()).map_err(|_| HashError::Busy)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether the password is the one that was hashed. Takes as long for either answer.
    ///
    /// # Errors
    /// As [`hash`](Self::hash), or the stored hash is invalid.
    pub async fn verify(&self, password: String, hash: &str, deadline: Instant) -> Result<bool, HashError> {
        let hash = parse(hash)?;
        let argon2 = self.argon2.clone();
        self.run(password, deadline, move |password| match argon2.verify_password(password, &hash) {
            Ok(()) => Ok(true),
            Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
            Err(_) => Err(HashError::InvalidHash),
        })
        .await
    }

    /// Takes as long as [`verify`](Self::verify) of a hash of the current cost, and knows nothing.
    ///
    /// # Errors
    /// As [`hash`](Self::hash).
    pub async fn verify_nothing(&self, password: String, deadline: Instant) -> Result<(), HashError> {
        self.verify(password, NOBODY, deadline).await.map(drop)
    }

    async fn run<T: Send + 'static>(
        &self,
        password: String,
        deadline: Instant,
        work: impl FnOnce(&[u8]) -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let password = Zeroizing::new(password);
        if password.len() > MAXIMAL_PASSWORD {
            return Err(HashError::TooLong);
        }
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| HashError::Busy)?;
        let computed = async {
            let worker = Arc::clone(&self.workers).acquire_owned().await.map_err(|_| HashError::Busy)?;
            // The permits go into the closure: when the caller gives up, the thread still computes, and must still
            // count.
            tokio::task::spawn_blocking(move || {
                let _permits = (place, worker);
                work(password.as_bytes())
            })
            .await
            .map_err(|_| HashError::Busy)?
        };
        timeout_at(deadline, computed).await.unwrap_or(Err(HashError::Busy))
    }
}

/// A stored hash, if it is argon2id's, version 19, and of a cost that the host can bear.
fn parse(text: &str) -> Result<PasswordHash, HashError> {
    let hash = PasswordHash::new(text).map_err(|_| HashError::InvalidHash)?;
    let params = Params::try_from(&hash).map_err(|_| HashError::InvalidHash)?;
    let bearable = params.m_cost() <= MAXIMAL_MEMORY
        && params.t_cost() <= MAXIMAL_PASSES
        && params.p_cost() <= MAXIMAL_LANES
        && hash.salt.is_some()
        && hash.hash.as_ref().is_some_and(|output| output.len() >= 16);
    if hash.algorithm == argon2::ARGON2ID_IDENT && hash.version == Some(Version::V0x13.into()) && bearable {
        Ok(hash)
    } else {
        Err(HashError::InvalidHash)
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Duration};

    use futures::FutureExt as _;

    use super::*;
    use crate::rounds::Rounds;

    fn hasher(workers: usize, queue: usize) -> PasswordHasher {
        PasswordHasher::new(PasswordSettings { workers: NonZeroUsize::new(workers).unwrap(), queue })
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    /// In the place of a hash: work that takes until the sender is dropped.
    fn held() -> (mpsc::Sender<()>, impl FnOnce(&[u8]) -> Result<(), HashError> + Send + 'static) {
        let (let_go, held) = mpsc::channel::<()>();
        let work = move |_: &[u8]| {
            let _ = held.recv();
            Ok(())
        };
        (let_go, work)
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let hasher = hasher(2, 8);
        let hash = hasher.hash("correct horse".to_owned(), soon()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_eq!(hasher.verify("correct horse".to_owned(), &hash, soon()).await, Ok(true));
        assert_eq!(hasher.verify("correct horsf".to_owned(), &hash, soon()).await, Ok(false));
        assert_ne!(hasher.hash("correct horse".to_owned(), soon()).await.unwrap(), hash, "salts differ");
    }

    #[tokio::test]
    async fn hashes_of_the_reference_implementation_are_understood() {
        let hash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        let hasher = hasher(1, 1);
        assert_eq!(hasher.verify("password".to_owned(), hash, soon()).await, Ok(true));
        assert_eq!(hasher.verify("differentpassword".to_owned(), hash, soon()).await, Ok(false));
    }

    #[tokio::test]
    async fn a_password_has_at_most_1024_bytes() {
        let hasher = hasher(1, 1);
        let hash = hasher.hash("a".repeat(1024), soon()).await.unwrap();
        assert_eq!(hasher.verify("a".repeat(1024), &hash, soon()).await, Ok(true));
        assert_eq!(hasher.hash("a".repeat(1025), soon()).await, Err(HashError::TooLong));
        assert_eq!(hasher.verify("a".repeat(1025), &hash, soon()).await, Err(HashError::TooLong));
        assert_eq!(hasher.verify_nothing("a".repeat(1025), soon()).await, Err(HashError::TooLong));
    }

    #[test]
    fn only_bearable_hashes_of_argon2id_are_computed() {
        let salted = "c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
        assert!(parse(NOBODY).is_ok());
        for head in ["m=19456,t=2,p=1", "m=262144,t=10,p=16", "m=8,t=1,p=1"] {
            assert!(parse(&format!("$argon2id$v=19${head}${salted}")).is_ok(), "{head}");
        }
        for hash in [
            String::new(),
            "secret".to_owned(),
            format!("$argon2i$v=19$m=19456,t=2,p=1${salted}"),
            format!("$argon2d$v=19$m=19456,t=2,p=1${salted}"),
            format!("$argon2id$v=16$m=19456,t=2,p=1${salted}"),
            format!("$argon2id$m=19456,t=2,p=1${salted}"),
            format!("$argon2id$v=19$m=262145,t=2,p=1${salted}"),
            format!("$argon2id$v=19$m=4294967295,t=2,p=1${salted}"),
            format!("$argon2id$v=19$m=19456,t=11,p=1${salted}"),
            format!("$argon2id$v=19$m=19456,t=0,p=1${salted}"),
            format!("$argon2id$v=19$m=19456,t=2,p=17${salted}"),
            format!("$argon2id$v=19$m=19456,t=2,p=1${salted}$more"),
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA".to_owned(),
            "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAA".to_owned(),
            "$argon2id$v=19$m=19456,t=2,p=1".to_owned(),
            "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW".to_owned(),
        ] {
            assert_eq!(parse(&hash).map(drop), Err(HashError::InvalidHash), "{hash}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn beyond_the_queue_callers_are_told_at_once() {
        let hasher = hasher(1, 1);
        let (let_go, work) = held();
        let mut at_work = Box::pin(hasher.run("a".to_owned(), soon(), work));
        assert_eq!(at_work.as_mut().now_or_never(), None);
        let mut waiting = Box::pin(hasher.hash("a".to_owned(), soon()));
        assert_eq!(waiting.as_mut().now_or_never(), None);
        for _ in 0..2 {
            assert_eq!(hasher.hash("a".to_owned(), soon()).now_or_never(), Some(Err(HashError::Busy)));
        }
        drop(let_go);
        assert_eq!(at_work.await, Ok(()));
        assert!(waiting.await.is_ok());
        assert!(hasher.hash("a".to_owned(), soon()).await.is_ok(), "there is room again");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_gives_up_still_counts_until_the_thread_is_done() {
        let hasher = hasher(1, 0);
        let (let_go, work) = held();
        let started = hasher.run("a".to_owned(), Instant::now() + Duration::from_millis(1), work);
        assert_eq!(started.await, Err(HashError::Busy), "the deadline came first");
        assert_eq!(hasher.hash("a".to_owned(), soon()).await, Err(HashError::Busy), "the worker is still at it");
        drop(let_go);
        // Its place is given back, and one may be waited for.
        drop(timeout_at(soon(), hasher.places.acquire()).await.unwrap().unwrap());
        assert!(hasher.hash("a".to_owned(), soon()).await.is_ok());
    }

    #[tokio::test]
    async fn nobody_takes_as_long_as_somebody() {
        let hasher = hasher(1, 1);
        let hash = hasher.hash("a".to_owned(), soon()).await.unwrap();
        let cost = |hash: &str| {
            let hash = parse(hash).unwrap();
            (hash.algorithm, hash.version, Params::try_from(&hash).unwrap(), hash.hash.unwrap().len())
        };
        assert_eq!(cost(NOBODY), cost(&hash));
        // The best of several: what else the machine does only adds.
        let (mut somebody, mut nobody) = (Duration::MAX, Duration::MAX);
        let rounds = Rounds::begin();
        for round in 1.. {
            let start = std::time::Instant::now();
            assert_eq!(hasher.verify("b".to_owned(), &hash, soon()).await, Ok(false));
            somebody = somebody.min(start.elapsed());
            let start = std::time::Instant::now();
            assert_eq!(hasher.verify_nothing("b".to_owned(), soon()).await, Ok(()));
            nobody = nobody.min(start.elapsed());
            let ratio = nobody.as_secs_f64() / somebody.as_secs_f64();
            if round >= 5 && rounds.done((0.6..1.6).contains(&ratio), (nobody, somebody)) {
                break;
            }
        }
    }
}
