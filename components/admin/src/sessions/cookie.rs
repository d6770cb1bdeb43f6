//! The cookie that carries a session's token.

use datamp_sdk::SetCookie;
use datamp_sdk::cookies::SameSite;

/// How the panel is reached, which decides how its cookies are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Transport {
    /// By https.
    pub(crate) secure: bool,
}

impl Transport {
    /// By the host's `public-url`.
    pub(crate) fn of(public_url: &str) -> Self {
        let secure = public_url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
        Self { secure }
    }

    /// With https the name begins with `__Host-` (RFC 6265bis, section 4.1.3.2): no other host can set it. Browsers take such
    /// a name only over TLS, so that the plain listener of development has one without.
    pub(crate) fn cookie_name(self) -> &'static str {
        if self.secure { "__Host-datamp-admin" } else { "datamp-admin" }
    }

    /// The cookie with a token, until the browser closes.
    pub(crate) fn cookie(self, token: &str) -> SetCookie {
        // `__Host-` asks for the path `/`.
        let path = if self.secure { "/" } else { "/admin" };
        SetCookie::new(self.cookie_name(), token).path(path).secure(self.secure).same_site(SameSite::Strict)
    }
}

/// Whether a cookie's value can be a token at all: 256 bits in hex.
pub(crate) fn is_token(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_https_the_cookie_belongs_to_this_host_alone() {
        let cookie = Transport::of("https://admin.example.com").cookie("ab").to_string();
        assert_eq!(cookie, "__Host-datamp-admin=ab; Path=/; HttpOnly; Secure; SameSite=Strict");
        assert!(Transport::of("HTTPS://example.com").secure);
    }

    #[test]
    fn the_plain_listener_of_development_works_too() {
        let cookie = Transport::of("http://127.0.0.1:8080").cookie("ab").to_string();
        assert_eq!(cookie, "datamp-admin=ab; Path=/admin; HttpOnly; SameSite=Strict");
        assert!(!Transport::of("https:").secure);
    }

    #[test]
    fn only_what_this_panel_made_is_a_token() {
        assert!(is_token(&"0f".repeat(32)));
        assert!(!is_token(&"0F".repeat(32)));
        assert!(!is_token(""));
        assert!(!is_token(&"0".repeat(63)));
    }
}
