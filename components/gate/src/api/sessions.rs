//! Logging in, going on, logging out.

use datamp_models::gate::Client;
use datamp_sdk::crypto::tokens;
use datamp_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use super::email;
use crate::login::{self, Credentials};
use crate::passwords::MOST_BYTES;
use crate::sessions::access::{self, SignedIn};
use crate::sessions::refresh_token::RefreshToken;
use crate::sessions::{self, Presented, Session, web};
use crate::shops;
use crate::users::Cause;

/// The longest text that is looked at for a refresh token.
const LONGEST_TOKEN: usize = 200;

const LONGEST_DEVICE: usize = 100;

/// What a client gets to go on with. A browser finds the refresh token in its cookie, an app here.
#[derive(Serialize)]
struct Tokens {
    access_token: String,
    token_type: &'static str,
    /// Seconds.
    expires_in: u64,
    #[serde(flatten)]
    held: Held,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Held {
    Web { csrf_token: String },
    Mobile { refresh_token: String, refresh_token_expires_at: Timestamp },
}

/// The answer to a login and to a refresh.
fn tokens(session: &Session) -> Result<Response, Problem> {
    let access = access::issue(session)?;
    let refresh_token = session.refresh_token()?;
    let (held, cookies) = match session.client {
        Client::Web => {
            let csrf_token = web::csrf_token(&session.id)?;
            let cookies = web::cookies(&refresh_token, &csrf_token, session.remaining(Timestamp::now()));
            (Held::Web { csrf_token }, Some(cookies))
        }
        Client::Mobile => (Held::Mobile { refresh_token, refresh_token_expires_at: session.expires_at }, None),
    };
    let answer =
        Json(Tokens { access_token: access.token, token_type: "Bearer", expires_in: access.lifetime.as_secs(), held });
    // RFC 6749, 5.1.
    let response = answer.with_header("cache-control", "no-store");
    Ok(cookies.into_iter().flatten().fold(response, Response::cookie))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogIn {
    email: String,
    password: String,
    client: Client,
    /// What the app calls its device, 1 to 100 characters; it is to say the same at each refresh.
    device: Option<String>,
}

/// 200, with tokens.
pub(super) fn log_in(
    ClientAddress(client_address): ClientAddress,
    Json(login): Json<LogIn>,
) -> Result<Response, Problem> {
    let email = email(&login.email)?;
    if login.password.len() > MOST_BYTES {
        return Err(Problem::unprocessable("No password is as long.").field("password", "must have at most 1024 bytes"));
    }
    let device = login.device.as_deref().map(|device| shops::name("device", device, LONGEST_DEVICE)).transpose()?;
    let session = login::log_in(&Credentials {
        email: &email,
        password: &login.password,
        client: login.client,
        device,
        client_address: &client_address,
    })?;
    tokens(&session)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct HeldToken {
    refresh_token: Option<String>,
    device: Option<String>,
}

/// The refresh token of a request, if it is genuine: in the body (an app) or in the cookie (a browser), there together with
/// the token against forged requests.
fn presented<'a>(request: &Request, cookies: &Cookies, held: &'a HeldToken) -> Result<Option<Presented<'a>>, Problem> {
    let (text, client) = match (&held.refresh_token, web::refresh_token(cookies)) {
        (Some(text), _) => (text.as_str(), Client::Mobile),
        (None, Some(text)) => (text, Client::Web),
        (None, None) => return Ok(None),
    };
    if text.len() > LONGEST_TOKEN {
        return Ok(None);
    }
    let Some(token) = RefreshToken::verify(text)? else {
        return Ok(None);
    };
    if client == Client::Web {
        web::check_csrf(request.header(web::CSRF_HEADER), &token.session)?;
    }
    Ok(Some(Presented { token, client, device: held.device.as_deref().map(str::trim) }))
}

fn without_cookies(answer: impl IntoResponse) -> Response {
    web::removals().into_iter().fold(answer.into_response(), Response::cookie)
}

/// 200, with tokens; 401 where the session has ended.
pub(super) fn refresh(
    request: &Request,
    cookies: Cookies,
    held: Option<Json<HeldToken>>,
) -> Result<Response, Response> {
    let held = held.map(|Json(held)| held).unwrap_or_default();
    let answer = presented(request, &cookies, &held).and_then(|presented| match presented {
        Some(presented) => tokens(&sessions::refresh(&presented, &Cause::anonymous(request))?),
        None => Err(sessions::not_taken()),
    });
    answer.map_err(|problem| {
        let is_over = problem.status() == 401 && held.refresh_token.is_none();
        if is_over { without_cookies(problem) } else { problem.into_response() }
    })
}

/// 204, also where the session had ended before. The session is that of the refresh token, or else of the access token.
pub(super) fn log_out(
    request: &Request,
    cookies: Cookies,
    held: Option<Json<HeldToken>>,
    signed_in: Result<SignedIn, Problem>,
) -> Result<Response, Problem> {
    let held = held.map(|Json(held)| held).unwrap_or_default();
    let said_something = held.refresh_token.is_some() || web::refresh_token(&cookies).is_some();
    match (presented(request, &cookies, &held)?, signed_in) {
        (Some(presented), _) => sessions::end(&presented.token.session)?,
        (None, Ok(signed_in)) => sessions::end(&signed_in.session_id)?,
        // What is no token any more is no session either.
        (None, Err(_)) if said_something => {}
        (None, Err(problem)) => return Err(problem),
    }
    Ok(without_cookies(NoContent))
}

/// 200: the keys that access tokens are signed with, as a JWK Set.
pub(super) fn public_keys() -> Result<Response, Problem> {
    Ok(Response::new(200)
        .header("content-type", "application/jwk-set+json")
        .header("cache-control", "public, max-age=300")
        .body(tokens::public_keys()?))
}
