//! Cookies (RFC 6265): those that came, and those to set.

use std::fmt;
use std::time::Duration;

use crate::extract::FromRequest;
use crate::{Params, Problem, Request};

/// The cookies of a request.
#[derive(Clone, Debug)]
pub struct Cookies(Request);

impl Cookies {
    /// The value of a cookie; of several by this name, the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Names and values, in the order they came. Pairs without `=` are left out.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .header_values("cookie")
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.trim(), unquote(value.trim())))
    }
}

fn unquote(value: &str) -> &str {
    value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value)
}

impl FromRequest for Cookies {
    fn from_request(request: &Request, _: &Params) -> Result<Self, Problem> {
        Ok(Self(request.clone()))
    }
}

/// Which requests from other sites carry a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SameSite {
    /// None.
    Strict,
    /// Top-level navigation by GET.
    Lax,
    /// All; only together with `Secure`.
    None,
}

/// A cookie to set. Unless told otherwise it is `Path=/; HttpOnly; Secure; SameSite=Lax` and lasts for the session.
#[derive(Clone, Debug)]
pub struct SetCookie {
    name: String,
    value: String,
    path: String,
    max_age: Option<Duration>,
    http_only: bool,
    secure: bool,
    same_site: SameSite,
}

impl SetCookie {
    /// A cookie. Bytes that RFC 6265 does not allow in a name or a value are left out.
    pub fn new(name: &str, value: &str) -> Self {
        Self {
            name: name.chars().filter(|c| is_token(*c)).collect(),
            value: value.chars().filter(|c| is_cookie_octet(*c)).collect(),
            path: "/".to_owned(),
            max_age: None,
            http_only: true,
            secure: true,
            same_site: SameSite::Lax,
        }
    }

    /// Takes a cookie back: empty, and expired at once. Give it the path that it was set with.
    pub fn removal(name: &str) -> Self {
        Self::new(name, "").max_age(Duration::ZERO)
    }

    /// The prefix of paths that it is sent to.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        self.path = path.chars().filter(|c| !c.is_control() && *c != ';').collect();
        self
    }

    /// How long it lasts, to the second.
    #[must_use]
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Whether it is kept from scripts.
    #[must_use]
    pub fn http_only(mut self, http_only: bool) -> Self {
        self.http_only = http_only;
        self
    }

    /// Whether it is sent over TLS alone (browsers count `http://localhost` as safe).
    #[must_use]
    pub fn secure(mut self, secure: bool) -> Self {
        self.secure = secure;
        self
    }

    /// Which requests from other sites carry it.
    #[must_use]
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }
}

fn is_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

fn is_cookie_octet(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | ',' | ';' | '\\')
}

/// The value of the `Set-Cookie` field.
impl fmt::Display for SetCookie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}; Path={}", self.name, self.value, self.path)?;
        if let Some(max_age) = self.max_age {
            write!(formatter, "; Max-Age={}", max_age.as_secs())?;
        }
        if self.http_only {
            formatter.write_str("; HttpOnly")?;
        }
        if self.secure {
            formatter.write_str("; Secure")?;
        }
        formatter.write_str(match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Method, Router};

    fn names_and_values(lines: &[&str]) -> Vec<(String, String)> {
        let request =
            lines.iter().fold(Request::new(Method::Get, "/"), |request, line| request.with_header("cookie", line));
        Cookies(request).iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn reads_every_cookie_of_every_line() {
        assert_eq!(
            names_and_values(&["a=1; b=\"2\";c = x=y", "a=3; broken; =e"]),
            [pair("a", "1"), pair("b", "2"), pair("c", "x=y"), pair("a", "3"), pair("", "e")]
        );
        assert_eq!(names_and_values(&[""]), []);
    }

    #[test]
    fn of_two_by_one_name_the_first_counts() {
        let request = Request::new(Method::Get, "/").with_header("cookie", "sid=1; sid=2");
        let cookies = Cookies(request);
        assert_eq!(cookies.get("sid"), Some("1"));
        assert_eq!(cookies.get("SID"), None);
    }

    #[test]
    fn sets_a_cookie_that_is_safe_unless_told_otherwise() {
        assert_eq!(SetCookie::new("sid", "abc").to_string(), "sid=abc; Path=/; HttpOnly; Secure; SameSite=Lax");
        let cookie = SetCookie::new("sid", "abc")
            .path("/admin")
            .max_age(Duration::from_secs(60))
            .http_only(false)
            .secure(false)
            .same_site(SameSite::Strict);
        assert_eq!(cookie.to_string(), "sid=abc; Path=/admin; Max-Age=60; SameSite=Strict");
        assert!(SetCookie::removal("sid").to_string().starts_with("sid=; Path=/; Max-Age=0;"));
    }

    #[test]
    fn a_handler_takes_and_sets_cookies() {
        use crate::IntoResponse;
        let mut router = Router::new();
        router.get("/", |cookies: Cookies| {
            let seen = cookies.get("n").unwrap_or("0").to_owned();
            "ok".with_cookie(SetCookie::new("seen", &seen))
        });
        let request = Request::new(Method::Get, "/").with_header("cookie", "n=5");
        let response = router.handle(&request);
        assert!(response.header_value("set-cookie").unwrap().starts_with("seen=5;"));
    }

    proptest! {
        #[test]
        fn nothing_in_a_value_breaks_out_of_it(name in "\\PC{0,20}", value in "\\PC{0,40}", path in ".{0,20}") {
            let text = SetCookie::new(&name, &value).path(&path).to_string();
            prop_assert_eq!(text.matches(';').count(), 4);
            prop_assert!(!text.chars().any(char::is_control));
        }

        #[test]
        fn any_header_is_read(line in "\\PC{0,80}") {
            names_and_values(&[&line]);
        }
    }
}
