//! The hosts of a manifest: which URLs a component may call.

use std::net::IpAddr;

use http::Uri;
use url::{Host, Url};

use super::addresses::{AddressRange, is_opened};

/// The entry that stands for every public host.
const ANYWHERE: &str = "https://*";

/// The hosts that a component may call.
#[derive(Clone, Debug, Default)]
pub struct AllowedHosts {
    patterns: Vec<Pattern>,
    /// Whether [`ANYWHERE`] is among the entries.
    anywhere: bool,
}

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
    /// `https://*` stands for every host, over TLS, on port 443 or one above 1023: the ports below belong to services of other
    /// protocols. It covers `http://` too, and every port, where the URL names an address, not a name, that the operator opened to
    /// outgoing requests: a receiver on the developer's own machine.
    ///
    /// # Errors
    /// Names the entry at fault.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, InvalidPattern> {
        let mut hosts = Self::default();
        for pattern in patterns {
            if pattern == ANYWHERE {
                hosts.anywhere = true;
                continue;
            }
            let parsed = Pattern::parse(pattern);
            hosts.patterns.push(parsed.map_err(|problem| InvalidPattern { pattern: pattern.to_owned(), problem })?);
        }
        Ok(hosts)
    }

    /// Whether an absolute URI may be called; `opened` are the addresses that the operator opened. Whether the addresses of a name are
    /// public is asked later, of each.
    #[must_use]
    pub fn allow(&self, uri: &Uri, opened: &[AddressRange]) -> bool {
        let (Some(scheme), Some(host)) = (uri.scheme_str(), uri.host()) else { return false };
        let (tls, default_port) = match scheme {
            "https" => (true, 443),
            "http" => (false, 80),
            _ => return false,
        };
        let (host, port) = (host.to_ascii_lowercase(), uri.port_u16().unwrap_or(default_port));
        self.patterns.iter().any(|pattern| pattern.tls == tls && pattern.port == port && pattern.name.covers(&host))
            || (self.anywhere && (is_open_to_all(tls, port) || is_opened_address(&host, opened)))
    }
}

/// Whether [`ANYWHERE`] covers a port.
fn is_open_to_all(tls: bool, port: u16) -> bool {
    tls && (port == 443 || port > 1023)
}

fn is_opened_address(host: &str, opened: &[AddressRange]) -> bool {
    let literal = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    literal.parse::<IpAddr>().is_ok_and(|address| is_opened(address, opened))
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
            assert!(hosts.allow(&uri.parse().unwrap(), &[]), "{pattern} allows {uri}");
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
                assert!(!hosts.allow(&uri, &[]), "{pattern} does not allow {uri}");
            }
        }
        assert!(!AllowedHosts::default().allow(&"https://example.com/".parse().unwrap(), &[]));
    }

    #[test]
    fn anywhere_is_every_host_over_tls_and_without_it_what_the_operator_opened() {
        let hosts = AllowedHosts::parse(["https://*", "http://plain.example.com"]).unwrap();
        let opened = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let allow = |uri: &str, opened: &[AddressRange]| hosts.allow(&uri.parse().unwrap(), opened);
        for uri in [
            "https://example.com/",
            "https://a.b.example.org:8443/x",
            "https://example.com:1024/",
            // Its address is refused when it is connected to.
            "https://10.0.0.1/",
            "http://plain.example.com/",
        ] {
            assert!(allow(uri, &[]), "{uri}");
        }
        for uri in [
            "http://example.com/",
            "https://example.com:25/",
            "https://example.com:80/",
            "https://example.com:1023/",
            "https://example.com:0/",
            "http://127.0.0.1/",
        ] {
            assert!(!allow(uri, &[]), "{uri}");
        }
        for (uri, allowed) in [
            ("http://127.0.0.1/", true),
            ("http://127.0.0.1:81/", true),
            ("https://127.0.0.1:81/", true),
            ("http://[::1]:8080/", true),
            ("http://[::ffff:127.0.0.1]:8080/", true),
            ("http://127.0.0.2/", false),
            // A name may lead anywhere.
            ("http://localhost/", false),
        ] {
            assert_eq!(allow(uri, &opened), allowed, "{uri}");
        }
        let named = AllowedHosts::parse(["example.com"]).unwrap();
        assert!(!named.allow(&"http://127.0.0.1/".parse().unwrap(), &opened));
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for pattern in [
            "",
            "*",
            "http://*",
            "https://*:8443",
            "https://*/",
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
