//! Trying a code: count, commit, and only then look.

use datamp_models::communication::VerificationId;
use datamp_sdk::crypto::signatures::{self, SignatureError};
use datamp_sdk::{Timestamp, database, id, log};

use super::attempt::{self, Refusal};
use super::code::Code;
use super::{CODE_KEY, hashed, store};

/// Which code is tried.
#[derive(Clone, Copy, Debug)]
pub enum Tried<'a> {
    /// The newest that another component asked for, for its subject.
    OfSubject(&'a str),
    /// One that a client application asked for, by its id.
    OfClient(&'a str),
}

/// The address is the person's.
#[derive(Clone, Debug)]
pub struct Proof {
    /// `ver_…`.
    pub id: String,
    /// What whoever asked for the code called the person.
    pub subject: Option<String>,
    /// The address that the code was sent to.
    pub address: String,
    /// Now.
    pub verified_at: Timestamp,
}

/// Why nothing is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CheckError {
    /// No such code, or it has expired, or it was used.
    NotFound,
    /// A wrong code: how many attempts are left.
    WrongCode(u32),
    /// All attempts are used up.
    NoAttemptsLeft,
    /// Try again; the attempt may have been counted.
    Unavailable(String),
}

impl From<Refusal> for CheckError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Self::NotFound,
            Refusal::NoAttemptsLeft => Self::NoAttemptsLeft,
        }
    }
}

impl From<database::Error> for CheckError {
    fn from(error: database::Error) -> Self {
        log::error!("a code could not be tried: {}", error);
        Self::Unavailable("the database".to_owned())
    }
}

impl From<SignatureError> for CheckError {
    fn from(error: SignatureError) -> Self {
        log::error!("a code could not be compared: {:?}", error);
        Self::Unavailable("signatures".to_owned())
    }
}

/// Tries a code.
pub fn check(tried: Tried<'_>, typed: &str) -> Result<Proof, CheckError> {
    if let Tried::OfClient(id) = tried
        && id::parse(VerificationId::PREFIX, id).is_err()
    {
        return Err(CheckError::NotFound);
    }
    let now = Timestamp::now();
    let (running, attempts) = database::transaction(|tx| {
        let running = store::find(tx, tried)?.ok_or(CheckError::NotFound)?;
        attempt::may_try(running.status, running.attempts, running.expires_at, now)?;
        // Another try may have come between: what the database counted is what counts.
        let attempts = store::count_attempt(tx, &running.id)?.ok_or(CheckError::NoAttemptsLeft)?;
        Ok::<_, CheckError>((running, attempts))
    })?;

    if !is_right(&running, typed)? {
        log::info!("a wrong code"; verification.id = running.id, attempts = attempts);
        return Err(CheckError::WrongCode(attempt::left(attempts)));
    }
    // Of two that come with the right code at once, one uses it.
    if !store::mark_verified(&running.id, now)? {
        return Err(CheckError::NotFound);
    }
    log::info!("an address was proven"; verification.id = running.id);
    Ok(Proof { id: running.id, subject: running.subject, address: running.address, verified_at: now })
}

fn is_right(running: &store::Running, typed: &str) -> Result<bool, CheckError> {
    let Ok(code) = typed.parse::<Code>() else {
        return Ok(false);
    };
    let Ok(hash) = hex::decode(&running.code_hash) else {
        return Err(CheckError::Unavailable("a malformed hash".to_owned()));
    };
    Ok(signatures::verify(CODE_KEY, &hashed(&running.id, &code), &hash)?)
}
