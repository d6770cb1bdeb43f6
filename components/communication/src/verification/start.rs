//! Asking for a code: decide and record, send, record what became of it.
//!
//! The letter is sent outside any transaction, since a mail server may take seconds, and SQLite has one writer. So the code is
//! recorded before, and counts: no crash makes a letter that nobody knows of. Should the letter not go out, the code is
//! marked `failed`: it can't be used, the one before it stands again, and `limits` counts it against the network
//! alone. If even that can't be recorded, it counts as sent, for as long as its windows last.

use datamp_models::communication::{CODE_LIFETIME, ClientNetwork, EmailAddress, Language, VerificationId};
use datamp_sdk::crypto::{random_bytes, signatures};
use datamp_sdk::mail::{self, MailError};
use datamp_sdk::{Timestamp, database, id, log};

use super::code::Code;
use super::limits::{self, Origin};
use super::{CODE_KEY, hashed, store};
use crate::letters;

/// Who asks for a code.
#[derive(Clone, Copy, Debug)]
pub enum Asker<'a> {
    /// Another component, for its subject.
    Component {
        /// 1 to 200 bytes.
        subject: &'a str,
        /// Where the person calls from; `None` for a call that no person made.
        network: Option<&'a ClientNetwork>,
    },
    /// A client application.
    Client {
        /// What the application calls the person: kept and told again, and no more.
        subject: Option<&'a str>,
        /// Where it calls from.
        network: &'a ClientNetwork,
    },
}

impl Asker<'_> {
    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::Component { .. } => Origin::Component,
            Self::Client { .. } => Origin::Client,
        }
    }

    pub(super) fn subject(&self) -> Option<&str> {
        match self {
            Self::Component { subject, .. } => Some(subject),
            Self::Client { subject, .. } => *subject,
        }
    }

    /// The subject, where it is one that codes are counted for and superseded by.
    pub(super) fn vouched_subject(&self) -> Option<&str> {
        match self {
            Self::Component { subject, .. } => Some(subject),
            Self::Client { .. } => None,
        }
    }

    pub(super) fn network(&self) -> Option<&str> {
        match self {
            Self::Component { network, .. } => network.map(ClientNetwork::as_str),
            Self::Client { network, .. } => Some(network.as_str()),
        }
    }
}

/// A code is on its way.
#[derive(Clone, Debug)]
pub struct Started {
    /// `ver_…`.
    pub id: String,
    /// When the code is no longer taken.
    pub expires_at: Timestamp,
    /// When another may be asked for.
    pub resend_at: Timestamp,
}

/// Why no code was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StartError {
    /// Too early, or too many: seconds to wait.
    TooMany(u32),
    /// No mail can be sent there.
    InvalidAddress(String),
    /// Try again.
    Unavailable(String),
}

impl From<database::Error> for StartError {
    fn from(error: database::Error) -> Self {
        log::error!("a code could not be recorded: {}", error);
        Self::Unavailable("the database".to_owned())
    }
}

impl From<signatures::SignatureError> for StartError {
    fn from(error: signatures::SignatureError) -> Self {
        log::error!("a code could not be hashed: {:?}", error);
        Self::Unavailable("signatures".to_owned())
    }
}

/// Sends a code to an address.
pub fn start(asker: Asker<'_>, address: &EmailAddress, language: Language) -> Result<Started, StartError> {
    let id = id::new(VerificationId::PREFIX);
    let code = new_code().ok_or_else(|| StartError::Unavailable("randomness".to_owned()))?;
    let code_hash = hex::encode(signatures::sign(CODE_KEY, &hashed(&id, &code))?);
    let now = Timestamp::now();
    let expires_at = now + CODE_LIFETIME;

    let resend_at = database::transaction(|tx| {
        store::lock(tx, &asker, address, now)?;
        let history = store::history(tx, &asker, address, now - limits::DAY)?;
        let allowed = limits::next_allowed(asker.origin(), &history, now);
        if allowed > now {
            return Err(StartError::TooMany(limits::seconds_until(allowed, now)));
        }
        store::insert(
            tx,
            &store::New {
                id: &id,
                asker: &asker,
                address,
                language,
                code_hash: &code_hash,
                created_at: now,
                expires_at,
            },
        )?;
        Ok(limits::resend_at(asker.origin(), &history, now))
    })?;

    match mail::send(&letters::email_code(address, language, &code)) {
        Ok(message) => {
            log::info!("a code was sent"; verification.id = id, message.id = message, verification.origin = ?asker.origin());
            // The code is good already; if this is lost, only the difference between `sending` and `sent` is.
            if let Err(error) = store::mark_sent(&id) {
                log::warn!("{}", error; verification.id = id);
            }
            forget_old(now);
            Ok(Started { id, expires_at, resend_at })
        }
        Err(error) => {
            if let Err(error) = store::mark_failed(&id) {
                log::error!("a code that was not sent stays counted: {}", error; verification.id = id);
            }
            Err(not_sent(error, &id))
        }
    }
}

fn new_code() -> Option<Code> {
    let mut words = [0; 4];
    for word in &mut words {
        *word = u32::from_le_bytes(random_bytes());
    }
    Code::from_random(words)
}

fn not_sent(error: MailError, id: &str) -> StartError {
    match error {
        MailError::InvalidAddress(words) | MailError::Rejected(words) => {
            log::info!("a code's address takes no mail: {}", words; verification.id = id);
            StartError::InvalidAddress("does not take mail".to_owned())
        }
        MailError::InvalidMessage(words) => {
            log::error!("a letter that can't be sent: {}", words; verification.id = id);
            StartError::Unavailable("mail".to_owned())
        }
        MailError::Unavailable(words) => {
            log::warn!("a code was not sent: {}", words; verification.id = id);
            StartError::Unavailable("mail".to_owned())
        }
    }
}

/// What nobody needs any more goes when something new comes.
fn forget_old(now: Timestamp) {
    if let Err(error) = store::forget_old(now) {
        log::warn!("old codes were not deleted: {}", error);
    }
}
