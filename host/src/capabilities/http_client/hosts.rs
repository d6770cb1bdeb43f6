//! The hosts of a manifest: which URLs a component may call.

use http::Uri;
use url::{Host, Url};

/// The hosts that a component may call.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts(Vec<Pattern>);

/// One entry of `http.hosts`.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Pattern {
    tls: bool,
    name: Name,
    port: u16,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Name {
    /// This name or address.
    Exactly(String),
    /// Every name that ends in this one, which begins with a dot.
    Below(String),
}

/// An entry of `http.hosts` is malformed.
#[derive(Debug, thiserror::Error)]
#[error("http.hosts names {pattern:?}: {problem}")]
pub struct InvalidPattern {
    pattern: String,
    problem: &'static str,
}

impl AllowedHosts {
    /// Parses the entries of a manifest: a name or an address, optionally after `http://` (else `https://` is meant) or
    /// `*.` (all names below, however deep, but not the name itself), optionally before a port (else the scheme's own
    /// is meant).
    ///
    /// # Errors
    /// Names the entry at fault.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidPattern> {
        let parse = |pattern: &str| {
            Pattern::parse(pattern).map_err(|problem| InvalidPattern { pattern: pattern.to_owned(), problem })
        };
        patterns.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an absolute URI may be called.
    #[must_use]
    pub fn allow(&self, uri: &Uri) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let (tls, default_port) = match scheme {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return false,
        };
        let (host, port) = (host.to_ascii_lowercase(), uri.port_u16().unwrap_or(default_port));
        self.0.iter().any(|pattern| pattern.tls == tls && pattern.port == port && pattern.name.covers(&host))
    }
}

impl Name {
    fn covers(&self, host: &str) -> bool {
        match self {
            Self::Exactly(name) => host == name,
            Self::Below(suffix) => host.strip_suffix(suffix.as_str()).is_some_and(|below| !below.is_empty()),
        }
    }
}

impl Pattern {
    fn parse(pattern: &str) -> Result<Self, &'static str> {
        let (tls, rest) = match pattern.strip_prefix("http://") {
            Some(rest) => (false, rest),
            None => (true, pattern.strip_prefix("https://").unwrap_or(pattern)),
        };
        let (below, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        if rest.is_empty()
            || rest.contains(['/', '\\', '?', '#', '@', '*', '%'])
            || rest.chars().any(char::is_whitespace)
        {
            return Err(
                "write a host's name, as in \"api.example.com\", \"*.example.com\" or \"http://example.com:8080\"",
            );
        }
        let url = Url::parse(&format!("{}://{rest}", if tls { "https" } else { "http" }))
            .map_err(|_| "that is no host's name")?;
        let port = url.port_or_known_default().filter(|&port| port != 0).ok_or("that is no port")?;
        let name = match url.host() {
            Some(Host::Domain(name)) if name.ends_with('.') => return Err("leave out the dot at the end"),
            Some(Host::Domain(name)) if below => {
                // Whoever may call all of *.com may call everybody.
                if !name.contains('.') {
                    return Err("a name after \"*.\" has at least two parts");
                }
                Name::Below(format!(".{name}"))
            }
            Some(_) if below => return Err("\"*.\" goes before a name, not an address"),
            Some(host) => Name::Exactly(host.to_string()),
            None => return Err("that is no host's name"),
        };
        Ok(Self { tls, name, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_allows_its_own_scheme_name_and_port_alone() {
        let allowed = [
            ("api.example.com", "https://api.example.com/x?y"),
            ("api.example.com", "https://API.Example.COM:443/"),
            ("https://api.example.com", "https://api.example.com"),
            ("Api.Example.com", "https://api.example.com"),
            ("api.example.com:8443", "https://api.example.com:8443/"),
            ("*.example.org", "https://a.example.org/"),
            ("*.example.org", "https://a.b.example.org/"),
            ("http://plain.example.com", "http://plain.example.com/"),
            ("http://plain.example.com:8080", "http://plain.example.com:8080/"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            ("http://[::1]:8080", "http://[::1]:8080/"),
            ("пример.рф", "https://xn--e1afmkfd.xn--p1ai/"),
        ];
        for (pattern, uri) in allowed {
            let hosts = AllowedHosts::parse([pattern]).unwrap();
            assert!(hosts.allow(&uri.parse().unwrap()), "{pattern} allows {uri}");
        }
        let refused = [
            ("api.example.com", "http://api.example.com/"),
            ("api.example.com", "https://api.example.com:8443/"),
            ("api.example.com", "https://example.com/"),
            ("api.example.com", "https://a.api.example.com/"),
            ("api.example.com", "https://api.example.com.evil.test/"),
            ("api.example.com", "https://api.example.com./"),
            ("api.example.com", "https://evil.test/api.example.com"),
            ("api.example.com", "https://api.example.com@evil.test/"),
            ("api.example.com", "ftp://api.example.com/"),
            ("api.example.com", "/api.example.com"),
            ("api.example.com:8443", "https://api.example.com/"),
            ("*.example.org", "https://example.org/"),
            ("*.example.org", "https://.example.org/"),
            ("*.example.org", "https://evilexample.org/"),
            ("*.example.org", "https://example.org.evil.test/"),
            ("http://plain.example.com", "https://plain.example.com/"),
            ("http://plain.example.com", "http://plain.example.com:443/"),
        ];
        for (pattern, uri) in refused {
            let hosts = AllowedHosts::parse([pattern]).unwrap();
            if let Ok(uri) = uri.parse() {
                assert!(!hosts.allow(&uri), "{pattern} does not allow {uri}");
            }
        }
        assert!(!AllowedHosts::default().allow(&"https://example.com/".parse().unwrap()));
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for pattern in [
            "",
            "*",
            "*.",
            "*.com",
            "*.*.example.com",
            "a.*.example.com",
            "*.127.0.0.1",
            "*.[::1]",
            "example.com/path",
            "example.com?query",
            "user@example.com",
            "example.com:0",
            "example.com:99999",
            "example.com:port",
            "exam ple.com",
            "example.com.",
            "ftp://example.com",
            "https://",
            "http://http://example.com",
        ] {
            assert!(AllowedHosts::parse([pattern]).is_err(), "{pattern:?}");
        }
    }
}
