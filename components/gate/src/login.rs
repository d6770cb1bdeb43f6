//! Logging in by password.
//!
//! The same is done and said, and takes as long, whether the password is wrong, the account unknown, or without a password; only
//! who knows the password learns that an account is suspended or closed.

use datamp_models::communication::{ClientNetwork, EmailAddress};
use datamp_models::gate::Client;
use datamp_sdk::crypto::passwords;
use datamp_sdk::{Problem, Timestamp, database, log};

use crate::login_delay::{self, Counter};
use crate::sessions::{self, Login, Session};
use crate::users::{self, life};

/// What somebody sent to log in.
#[derive(Debug)]
pub struct Credentials<'a> {
    /// The address.
    pub email: &'a EmailAddress,
    /// The password.
    pub password: &'a str,
    /// With what.
    pub client: Client,
    /// What the client calls its device.
    pub device: Option<&'a str>,
    /// Where from.
    pub client_address: &'a str,
}

/// Logs in.
pub fn log_in(credentials: &Credentials<'_>) -> Result<Session, Problem> {
    let account = Counter::of_account(credentials.email)?;
    let network = Counter::of_network(&ClientNetwork::of(credentials.client_address))?;
    login_delay::count_tries(&[account.clone(), network.clone()])?;

    let user = users::find_by_email(credentials.email)?;
    let is_right = match user.as_ref().and_then(|user| user.password_hash.as_deref()) {
        Some(hash) => passwords::verify(credentials.password, hash)?,
        None => {
            passwords::verify_nothing(credentials.password)?;
            false
        }
    };
    let Some(user) = user.filter(|_| is_right) else {
        log::info!("a login failed"; event.outcome = "failure");
        return Err(Problem::new(401, "invalid-credentials", "The address or the password is wrong"));
    };
    let verdict = life::may_enter(user.state);
    let session = database::transaction(|tx| {
        let now = Timestamp::now();
        login_delay::forgive(tx, &account, &network, now)?;
        if verdict.is_err() {
            return Ok(None);
        }
        let login = Login {
            user: &user.id,
            client: credentials.client,
            device: credentials.device,
            client_address: credentials.client_address,
        };
        Ok::<_, database::Error>(Some(sessions::begin(tx, login, now)?))
    })?;
    users::shut_out(verdict)?;
    let session = session.ok_or_else(|| Problem::internal("a login without a session"))?;
    log::info!("logged in"; event.outcome = "success", user.id = user.id, session.id = session.id);
    Ok(session)
}
