//! Where webhooks may be sent.

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv4Addr;

use datamp_sdk::{Problem, config};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The longest URL, in bytes.
const LONGEST: usize = 2048;

/// The setting that opens this machine to webhooks. The host has to be told to, too (`--allow-private-network`).
const LOOPBACK_SETTING: &str = "webhooks-to-loopback";

/// Last parts of names that nobody owns: RFC 6761, RFC 6762, RFC 8375, and what ICANN keeps for private use.
const PRIVATE: [&str; 5] = [".localhost", ".local", ".internal", ".home.arpa", ".intranet"];

/// The URL of an endpoint: `https://`, a host's name with a dot in it, port 443 or one above 1023, no user's name, no fragment; at most
/// 2,048 bytes. Or `http://` or `https://` and `127.0.0.1` or `[::1]`, which [`permitted`](Self::permitted) decides upon.
///
/// Whether the name leads to a public address is checked by the host, whenever it connects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointUrl {
    url: String,
    reach: Reach,
}

impl JsonSchema for EndpointUrl {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "WebhookUrl".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "uri",
            "maxLength": LONGEST,
            "pattern": "^https?://",
            "description": "An https URL with the name of a public host, on port 443 or one above 1023.",
            "examples": ["https://shop.example/webhooks"],
        })
    }
}

/// How far a URL leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Public,
    Loopback,
}

/// Why a text is no URL of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidUrl {
    /// It is none, or none that is taken.
    Form,
    /// It names an address, or a name of a private network.
    NotPublic,
    /// Its port belongs to another protocol.
    Port,
}

impl fmt::Display for InvalidUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => {
                "must be an https URL of at most 2048 bytes, percent-encoded, without a user's name and without a fragment"
            }
            Self::NotPublic => {
                "must name a public host, as in https://shop.example/webhooks: addresses and names of private networks are not called"
            }
            Self::Port => "must be on port 443, which is the default, or on one above 1023",
        })
    }
}

impl EndpointUrl {
    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.url
    }

    /// Refuses a URL of this machine, unless the operator opened it: for development.
    pub fn permitted(&self) -> Result<(), Problem> {
        match self.reach {
            Reach::Public => Ok(()),
            Reach::Loopback if config::parse::<bool>(LOOPBACK_SETTING)? => Ok(()),
            Reach::Loopback => {
                Err(Problem::unprocessable("This URL is not called.").field("url", InvalidUrl::NotPublic.to_string()))
            }
        }
    }
}

impl TryFrom<String> for EndpointUrl {
    type Error = InvalidUrl;

    fn try_from(url: String) -> Result<Self, InvalidUrl> {
        let reach = reach(&url)?;
        Ok(Self { url, reach })
    }
}

impl From<EndpointUrl> for String {
    fn from(url: EndpointUrl) -> String {
        url.url
    }
}

fn reach(url: &str) -> Result<Reach, InvalidUrl> {
    // What may stand in a URL is ASCII and visible (RFC 3986, section 2); a receiver never sees a fragment.
    let visible = url.bytes().all(|byte| byte.is_ascii_graphic() && !br#"<>"\^`{|}#"#.contains(&byte));
    if url.len() > LONGEST || !visible {
        return Err(InvalidUrl::Form);
    }
    let (tls, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (true, rest),
        (None, Some(rest)) => (false, rest),
        (None, None) => return Err(InvalidUrl::Form),
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        // A colon within brackets belongs to the address.
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    if host.is_empty() || host.contains('@') || authority.contains('@') {
        return Err(InvalidUrl::Form);
    }
    let port = match port {
        None => None,
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(port.parse::<u16>().ok().filter(|port| *port > 0).ok_or(InvalidUrl::Port)?)
        }
        Some(_) => return Err(InvalidUrl::Form),
    };
    if host == Ipv4Addr::LOCALHOST.to_string() || host == "[::1]" {
        return Ok(Reach::Loopback);
    }
    if host.starts_with('[') || !is_public_name(host) {
        return Err(if is_name_or_address(host) { InvalidUrl::NotPublic } else { InvalidUrl::Form });
    }
    if !tls {
        return Err(InvalidUrl::Form);
    }
    match port {
        None | Some(443 | 1024..) => Ok(Reach::Public),
        Some(_) => Err(InvalidUrl::Port),
    }
}

/// Whether a host's name has two parts at least and is none of a private network. The last part begins with a letter, so none of the
/// ways in which browsers write an IPv4 address (`0x7f.1`, `2130706433`) is a name.
fn is_public_name(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let labels: Vec<&str> = host.split('.').collect();
    let is_label = |label: &&str| {
        let edges = [label.bytes().next(), label.bytes().last()];
        label.len() <= 63
            && edges.iter().all(|edge| edge.is_some_and(|byte| byte.is_ascii_alphanumeric()))
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    host.len() <= 253
        && labels.len() >= 2
        && labels.iter().all(is_label)
        && labels.last().is_some_and(|last| last.starts_with(|first: char| first.is_ascii_alphabetic()))
        && !PRIVATE.iter().any(|suffix| host.ends_with(suffix))
}

/// Whether it looks like a host at all.
fn is_name_or_address(host: &str) -> bool {
    host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(url: &str) -> Result<Reach, InvalidUrl> {
        EndpointUrl::try_from(url.to_owned()).map(|url| url.reach)
    }

    #[test]
    fn webhooks_go_to_public_names_by_https() {
        let long = format!("https://shop.example/{}", "a".repeat(LONGEST - 21));
        for url in [
            "https://shop.example",
            "https://shop.example/webhooks?from=datamp",
            "https://Hooks.Shop.Example:443/",
            "https://shop.example:8443/webhooks",
            "https://shop.example:1024",
            "https://xn--80aswg.xn--p1ai/",
            "https://1.2.shop.example/a%20b",
            &long,
        ] {
            assert_eq!(read(url), Ok(Reach::Public), "{url}");
        }
        for url in [
            "",
            "shop.example",
            "//shop.example",
            "http://shop.example/",
            "HTTPS://shop.example/",
            "ftp://shop.example",
            "https://",
            "https:///path",
            "https://:443/",
            "https://user@shop.example/",
            "https://user:password@shop.example/",
            "https://shop.example@evil.example/",
            "https://shop.example\\@evil.example/",
            "https://shop.example/#fragment",
            "https://shop.example/a b",
            "https://shop.example/\r\nx",
            "https://магазин.example/",
            "https://shop%2eexample/",
            "https://shop_1.example/",
            "https://shop.example:port/",
            "https://shop.example:+443/",
            &format!("{long}a"),
        ] {
            assert_eq!(read(url), Err(InvalidUrl::Form), "{url}");
        }
        for url in
            ["https://shop.example:0", "https://shop.example:25", "https://shop.example:80/", "https://a.b:70000"]
        {
            assert_eq!(read(url), Err(InvalidUrl::Port), "{url}");
        }
    }

    #[test]
    fn what_is_not_public_is_told_at_once() {
        for url in [
            "https://localhost/",
            "http://localhost:8080/",
            "https://intranet/",
            "https://shop.example./",
            "https://.shop.example/",
            "https://-shop.example/",
            "https://a..example/",
            "https://10.0.0.1/",
            "https://192.168.1.1:8443/",
            "https://169.254.169.254/latest/meta-data",
            "https://8.8.8.8/",
            "http://127.0.0.2/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f.0.0.1/",
            "https://0x7f000001/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fd00::1]:8443/",
            "https://[2606:4700::1]/",
            "https://metadata.google.internal/",
            "https://printer.local/",
            "https://a.LOCALHOST/",
            "https://router.home.arpa/",
        ] {
            assert_eq!(read(url), Err(InvalidUrl::NotPublic), "{url}");
        }
    }

    #[test]
    fn this_machine_is_something_to_decide_upon() {
        for url in [
            "http://127.0.0.1",
            "http://127.0.0.1:8080/x",
            "https://127.0.0.1:25",
            "http://[::1]:8080/",
            "http://[::1]",
        ] {
            assert_eq!(read(url), Ok(Reach::Loopback), "{url}");
        }
    }

    proptest! {
        /// No IPv4 address gets through, however it is written.
        #[test]
        fn no_number_is_a_name(bits: u32, hex: bool) {
            let [a, b, c, d] = bits.to_be_bytes();
            let spellings = if hex {
                [format!("{bits:#x}"), format!("{a:#x}.{b:#x}.{c:#x}.{d:#x}"), format!("{a}.{:#x}", bits & 0xff_ffff)]
            } else {
                [bits.to_string(), format!("{a}.{b}.{c}.{d}"), format!("{a}.{}", bits & 0xff_ffff)]
            };
            for host in spellings {
                let is_loopback = host == "127.0.0.1";
                prop_assert_eq!(read(&format!("https://{}/", host)).is_ok(), is_loopback, "{}", host);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in "(https?://)?\\PC{0,60}") {
            let _ = read(&text);
        }
    }
}
