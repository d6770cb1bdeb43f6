//! Tokens: a session's own, and the one that its forms carry against requests forged by other sites.

use datamp_sdk::crypto;
use datamp_sdk::crypto::signatures::{self, Key, SignatureError};

/// The host keeps both keys; neither the database nor this component ever sees one.
const SESSION: Key<'_> = Key::Own("session");
const FORM: Key<'_> = Key::Own("form");
const THROTTLE: Key<'_> = Key::Own("throttle");

/// A new token: 256 random bits in hex.
pub(crate) fn new() -> String {
    hex::encode(crypto::random_bytes::<32>())
}

/// What is kept of a session's token.
pub(crate) fn hash(token: &str) -> Result<String, SignatureError> {
    signatures::sign(SESSION, token.as_bytes()).map(hex::encode)
}

/// What is kept of a login or an address that failed to sign in.
pub(crate) fn throttled(subject: &str) -> Result<String, SignatureError> {
    signatures::sign(THROTTLE, subject.as_bytes()).map(hex::encode)
}

/// What the forms of a session carry: another site can send its cookie, but can't know this.
pub(crate) fn form(token: &str) -> Result<String, SignatureError> {
    signatures::sign(FORM, token.as_bytes()).map(hex::encode)
}

/// Whether a form was made for this session, by this panel.
pub(crate) fn is_own_form(token: &str, given: &str) -> Result<bool, SignatureError> {
    match hex::decode(given) {
        Ok(given) if !given.is_empty() => signatures::verify(FORM, token.as_bytes(), &given),
        _ => Ok(false),
    }
}

/// Whether the browser says that a request was made by a page of this very site (Fetch Metadata). One that says nothing is
/// left to the form's token.
pub(crate) fn is_own_site(sec_fetch_site: Option<&str>) -> bool {
    matches!(sec_fetch_site, None | Some("same-origin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_new() {
        assert!(super::super::cookie::is_token(&new()));
        assert_ne!(new(), new());
    }

    #[test]
    fn forms_of_other_sites_are_refused() {
        assert!(is_own_site(Some("same-origin")));
        assert!(is_own_site(None));
        for foreign in ["cross-site", "same-site", "none", ""] {
            assert!(!is_own_site(Some(foreign)), "{foreign}");
        }
    }

    #[test]
    fn a_form_without_its_token_is_refused() {
        for wrong in ["", "zz", "abc"] {
            assert_eq!(is_own_form("token", wrong), Ok(false), "{wrong}");
        }
    }
}
