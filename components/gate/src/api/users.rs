//! Registration, the code in the letter, and the user who is logged in.

use std::time::{Duration, Instant};

use datamp_models::communication::{CODE_LIFETIME, ClientNetwork, Language, RESEND_GAP};
use datamp_models::gate::{Client, UserState};
use datamp_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use super::{email, language};
use crate::login_delay::{self, Counter};
use crate::sessions::access::SignedIn;
use crate::users::registration::{self, Registration};
use crate::users::{Cause, confirmation, life};

/// What a client may tell a person to expect: the same for everybody, since more would tell what is known of an address.
#[derive(Serialize)]
pub(super) struct LetterExpected {
    email: String,
    /// How long the code in it will live, in seconds.
    code_expires_in: u64,
    /// When a first other letter may be asked for, in seconds; each further one takes twice as long.
    resend_after: u64,
}

/// 202.
type Accepted = (u16, Json<LetterExpected>);

impl LetterExpected {
    fn at(email: &str) -> Accepted {
        (
            202,
            Json(Self {
                email: email.to_owned(),
                code_expires_in: CODE_LIFETIME.as_secs(),
                resend_after: RESEND_GAP.as_secs(),
            }),
        )
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Register {
    email: String,
    password: String,
    language: Option<Language>,
}

/// 202, whether the address is known or not.
pub(super) fn register(request: &Request, Json(new): Json<Register>) -> Result<Accepted, Problem> {
    let email = email(&new.email)?;
    let language = new.language.unwrap_or_else(|| language::preferred(request.header("accept-language")));
    let registration = Registration { email: &email, password: &new.password, language };
    registration::register(&registration, &Cause::anonymous(request))?;
    Ok(LetterExpected::at(email.as_str()))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VerifyEmail {
    email: String,
    code: String,
    /// Needed where somebody else registered the same address; clients that have it send it.
    password: Option<String>,
}

#[derive(Serialize)]
pub(super) struct EmailVerified {
    email: String,
    email_verified: bool,
}

/// 200: the address is the user's.
pub(super) fn verify_email(request: &Request, Json(proof): Json<VerifyEmail>) -> Result<Json<EmailVerified>, Problem> {
    let email = email(&proof.email)?;
    confirmation::confirm(&email, &proof.code, proof.password.as_deref(), &Cause::anonymous(request))?;
    Ok(Json(EmailVerified { email: email.as_str().to_owned(), email_verified: true }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resend {
    email: String,
}

/// Handing over a letter takes less, as a rule, and an answer without one takes as long.
const RESEND_TAKES: Duration = Duration::from_secs(1);

/// 202, whether the address waits for a code or not.
pub(super) fn resend(request: &Request, Json(resend): Json<Resend>) -> Result<Accepted, Problem> {
    let begun = Instant::now();
    let email = email(&resend.email)?;
    login_delay::count_tries(&[Counter::of_registrations(&ClientNetwork::of(request.client_address()))?])?;
    confirmation::resend(&email, &Cause::anonymous(request))?;
    std::thread::sleep(RESEND_TAKES.saturating_sub(begun.elapsed()));
    Ok(LetterExpected::at(email.as_str()))
}

#[derive(Serialize)]
pub(super) struct Me {
    id: String,
    email: String,
    email_verified: bool,
    state: UserState,
    language: Language,
    created_at: Timestamp,
    session: MySession,
}

#[derive(Serialize)]
struct MySession {
    id: String,
    client: Client,
    device: Option<String>,
}

/// 200: the user who asks.
pub(super) fn me(user: SignedIn) -> Json<Me> {
    Json(Me {
        id: user.user_id,
        email: user.email,
        email_verified: life::has_verified_email(user.state),
        state: user.state,
        language: user.language,
        created_at: user.created_at,
        session: MySession { id: user.session_id, client: user.client, device: user.device },
    })
}
