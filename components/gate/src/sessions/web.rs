//! What a browser holds: the refresh token in a cookie that scripts can't read, and a token against forged requests.
//!
//! `SameSite=Strict` alone keeps other sites from using the cookie, but not other hosts of the same site. So whatever the
//! cookie authenticates also wants the header `X-CSRF-Token`, with the value of a second cookie which scripts of our own pages can
//! read (the signed double-submit cookie of OWASP's cheat sheet: it is bound to the session by a keyed hash, so that nobody who can
//! set cookies from a neighbouring host can set a matching pair).

use std::time::Duration;

use datamp_sdk::cookies::SameSite;
use datamp_sdk::crypto::signatures::{self, Key};
use datamp_sdk::{Cookies, Problem, SetCookie};

/// The refresh token. Browsers take a name with this prefix only with `Secure`.
pub const REFRESH_COOKIE: &str = "__Secure-datamp-refresh";

/// The token against forged requests.
pub const CSRF_COOKIE: &str = "__Secure-datamp-csrf";

/// The header that repeats it.
pub const CSRF_HEADER: &str = "x-csrf-token";

/// The refresh token goes to this service alone.
const REFRESH_PATH: &str = "/gate/v1";

const CSRF_KEY: Key<'static> = Key::Own("csrf");

/// The token against forged requests of a session: in hex.
pub fn csrf_token(session: &str) -> Result<String, Problem> {
    Ok(hex::encode(signatures::sign(CSRF_KEY, session.as_bytes())?))
}

/// Checks the header of a request that a cookie authenticates.
pub fn check_csrf(header: Option<&str>, session: &str) -> Result<(), Problem> {
    let Some(token) = header.and_then(parse_csrf_token) else {
        return Err(forged());
    };
    if signatures::verify(CSRF_KEY, session.as_bytes(), &token)? { Ok(()) } else { Err(forged()) }
}

fn parse_csrf_token(header: &str) -> Option<[u8; 32]> {
    let mut token = [0; 32];
    hex::decode_to_slice(header.trim(), &mut token).ok()?;
    Some(token)
}

fn forged() -> Problem {
    Problem::new(403, "csrf-token-invalid", "The request may come from another site")
        .detail("Send the value of csrf_token, or of its cookie, in the field X-CSRF-Token.")
}

/// The refresh token of a request, if its cookie is there.
pub fn refresh_token(cookies: &Cookies) -> Option<&str> {
    cookies.get(REFRESH_COOKIE).filter(|token| !token.is_empty())
}

/// The cookies of a session that goes on for so long.
pub fn cookies(refresh_token: &str, csrf_token: &str, remaining: Duration) -> [SetCookie; 2] {
    [
        SetCookie::new(REFRESH_COOKIE, refresh_token).path(REFRESH_PATH).same_site(SameSite::Strict).max_age(remaining),
        SetCookie::new(CSRF_COOKIE, csrf_token).http_only(false).same_site(SameSite::Strict).max_age(remaining),
    ]
}

/// Takes both back.
pub fn removals() -> [SetCookie; 2] {
    [
        SetCookie::removal(REFRESH_COOKIE).path(REFRESH_PATH).same_site(SameSite::Strict),
        SetCookie::removal(CSRF_COOKIE).http_only(false).same_site(SameSite::Strict),
    ]
}

#[cfg(test)]
mod tests {
    use datamp_sdk::{Method, Request, Router};

    use super::*;

    #[test]
    fn the_refresh_token_is_kept_from_scripts_other_sites_plain_http_and_other_services() {
        let [refresh, _] = cookies("ses_x.1.ab", "cd", Duration::from_secs(60));
        assert_eq!(
            refresh.to_string(),
            "__Secure-datamp-refresh=ses_x.1.ab; Path=/gate/v1; Max-Age=60; HttpOnly; Secure; SameSite=Strict"
        );
    }

    #[test]
    fn the_csrf_token_can_be_read_by_our_pages_on_any_path() {
        let [_, csrf] = cookies("ses_x.1.ab", "cd", Duration::from_secs(60));
        assert_eq!(csrf.to_string(), "__Secure-datamp-csrf=cd; Path=/; Max-Age=60; Secure; SameSite=Strict");
    }

    #[test]
    fn removals_match_the_cookies_by_name_and_path() {
        for (set, removed) in cookies("a", "b", Duration::from_secs(60)).iter().zip(removals()) {
            let (set, removed) = (set.to_string(), removed.to_string());
            let name_and_path = |cookie: &str| {
                let mut parts = cookie.split("; ");
                (parts.next().unwrap().split('=').next().unwrap().to_owned(), parts.next().unwrap().to_owned())
            };
            assert_eq!(name_and_path(&set), name_and_path(&removed));
            assert!(removed.contains("Max-Age=0"), "{removed}");
        }
    }

    #[test]
    fn a_csrf_token_is_64_digits_of_hex() {
        assert_eq!(parse_csrf_token(&"0f".repeat(32)), Some([0x0f; 32]));
        for wrong in ["", "0f", &"0f".repeat(33), &"0g".repeat(32)] {
            assert_eq!(parse_csrf_token(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_without_the_header_is_refused() {
        let problem = check_csrf(None, "ses_x").unwrap_err();
        assert_eq!((problem.status(), problem.slug()), (403, "csrf-token-invalid"));
    }

    #[test]
    fn an_empty_cookie_is_no_token() {
        let mut router = Router::new();
        router.get("/", |cookies: Cookies| refresh_token(&cookies).unwrap_or("none").to_owned());
        let ask = |cookie: &str| {
            router.handle(&Request::new(Method::Get, "/").with_header("cookie", cookie)).text().into_owned()
        };
        assert_eq!(ask("__Secure-datamp-refresh=; other=1"), "none");
        assert_eq!(ask("other=1; __Secure-datamp-refresh=ses_x.1.ab"), "ses_x.1.ab");
    }
}
