//! Passwords that are tried, counted before they are looked at.

use datamp_sdk::database::Error;
use datamp_sdk::{Problem, Timestamp, database};

use super::throttle::{About, network};
use super::{store, token};

/// One try at the password of a login from an address.
pub(crate) struct Attempt {
    login: String,
    address: String,
}

impl Attempt {
    /// Counts it. `Err` of the seconds to wait where it is too early.
    pub(crate) fn begin(login: &str, client_address: &str, now: Timestamp) -> Result<Result<Self, u32>, Problem> {
        let login = format!("login:{}", token::throttled(login)?);
        let address = format!("address:{}", token::throttled(&network(client_address))?);
        let wait = database::transaction(|tx| {
            // The login first: whoever waits for it is not also counted against the address.
            if let Some(wait) = store::count_attempt(tx, About::Login, &login, now)? {
                return Ok(Some(wait));
            }
            let wait = store::count_attempt(tx, About::Address, &address, now)?;
            Ok::<_, Error>(wait)
        })?;
        Ok(match wait {
            Some(seconds) => Err(seconds),
            None => Ok(Self { login, address }),
        })
    }

    /// It was right: forgets the login's failures. In the transaction of what the password was for.
    pub(crate) fn succeed(&self, tx: &database::Transaction, now: Timestamp) -> Result<(), Error> {
        store::forgive(tx, &self.login, &self.address, now)
    }
}
