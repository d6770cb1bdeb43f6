//! What communication keeps, and the definitions that those who call it share with it: addresses, languages, networks.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;

use crate::core::named;
use crate::typed_id;

typed_id! {
    /// A code that was sent to prove an address.
    VerificationId, "ver";
}

named! {
    /// The languages that people are written to in, by ISO 639-1.
    Language {
        /// Russian.
        Russian = "ru",
        /// English.
        English = "en",
    }

    /// What became of a code.
    VerificationStatus {
        /// Its letter is being handed over.
        Sending = "sending",
        /// Its letter is on the way.
        Sent = "sent",
        /// Its letter could not be handed over: it can't be used.
        Failed = "failed",
        /// It was used.
        Verified = "verified",
    }
}

/// How long a code lives (ASVS 6.5.5 allows ten minutes).
pub const CODE_LIFETIME: Duration = Duration::from_mins(10);

/// How long after a first code another may be asked for; the gap doubles with each further one.
pub const RESEND_GAP: Duration = Duration::from_secs(60);

/// An email address that mail can be sent to: a dot-atom and a domain of at least two labels (RFC 5321 and 5322, without
/// quoted local parts, comments and address literals; ASCII, so an internationalised domain comes in its `xn--` form).
///
/// The domain is kept in lower case, the local part as it was typed. Two addresses are the same when their
/// [`key`](Self::key)s are: no mail provider of weight tells `Anna@` from `anna@`, and people don't either.
#[derive(Clone, Debug)]
pub struct EmailAddress {
    address: String,
}

/// What is wrong with an address, in words for the person who typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidEmail(pub &'static str);

impl fmt::Display for InvalidEmail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidEmail {}

impl EmailAddress {
    /// The address, to send mail to.
    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// The form that addresses are compared and found by.
    pub fn key(&self) -> String {
        self.address.to_ascii_lowercase()
    }

    /// What stands before the `@`.
    pub fn local_part(&self) -> &str {
        self.address.split_once('@').map_or("", |(local, _)| local)
    }
}

impl FromStr for EmailAddress {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let text = text.trim();
        let Some((local, domain)) = text.rsplit_once('@') else {
            return Err(InvalidEmail("must have the form name@example.com"));
        };
        if !text.is_ascii() {
            return Err(InvalidEmail("must be in Latin letters (a domain in another script, in its xn-- form)"));
        }
        // RFC 5321, 4.5.3.1, and the erratum that brings a path of 256 octets to an address of 254.
        if text.len() > 254 || local.len() > 64 {
            return Err(InvalidEmail("must not be longer than 254 characters, 64 of them before the @"));
        }
        if !local.split('.').all(is_atom) {
            return Err(InvalidEmail("has a part before the @ that no address has"));
        }
        let labels = domain.split('.').count();
        let top = domain.rsplit('.').next().unwrap_or_default();
        if labels < 2 || !domain.split('.').all(is_label) || !top.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(InvalidEmail("has a domain that is none"));
        }
        Ok(Self { address: format!("{local}@{}", domain.to_ascii_lowercase()) })
    }
}

impl PartialEq for EmailAddress {
    fn eq(&self, other: &Self) -> bool {
        self.address.eq_ignore_ascii_case(&other.address)
    }
}

impl Eq for EmailAddress {}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

/// RFC 5322, 3.2.3.
fn is_atom(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c))
}

/// RFC 1123, 2.1.
fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Where a client calls from, as limits count it: an IPv4 address, or the /64 of an IPv6 address, of which one
/// customer has all 2^64 addresses to spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientNetwork(String);

impl ClientNetwork {
    /// The network of an address as the host tells it. What is no address is a network of its own.
    pub fn of(client_address: &str) -> Self {
        let network = match client_address.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => address.to_string(),
            Ok(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(address) => address.to_string(),
                None => {
                    let [a, b, c, d, ..] = address.segments();
                    format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
                }
            },
            Err(_) => "unknown".to_owned(),
        };
        Self(network)
    }

    /// `203.0.113.7`, or `2001:db8:1:2::/64`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_trimmed_and_its_domain_is_in_lower_case() {
        let address: EmailAddress = "  Anna.Ivanova+shop@Example.COM\n".parse().unwrap();
        assert_eq!(address.as_str(), "Anna.Ivanova+shop@example.com");
        assert_eq!(address.key(), "anna.ivanova+shop@example.com");
        assert_eq!(address.local_part(), "Anna.Ivanova+shop");
    }

    #[test]
    fn addresses_that_differ_in_case_alone_are_the_same() {
        assert_eq!("ANNA@example.com".parse::<EmailAddress>(), "anna@EXAMPLE.com".parse::<EmailAddress>());
        assert_ne!("anna@example.com".parse::<EmailAddress>(), "hanna@example.com".parse::<EmailAddress>());
    }

    #[test]
    fn what_no_mail_can_be_sent_to_is_refused() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        let long = format!("a@{}com", "bcd.".repeat(63));
        let cases = [
            "",
            "anna",
            "@example.com",
            "anna@",
            "anna@localhost",
            "anna@.com",
            "anna@example.",
            "anna@example..com",
            ".anna@example.com",
            "anna.@example.com",
            "an..na@example.com",
            "an na@example.com",
            "anna@exa mple.com",
            "anna@-example.com",
            "anna@example-.com",
            "anna@example.c_m",
            "anna@127.0.0.1",
            "anna@[127.0.0.1]",
            "\"an na\"@example.com",
            "anna@b@example.com",
            "anna@example.com\r\nBcc: b@example.com",
            "анна@example.com",
            "anna@пример.рф",
            "anna,b@example.com",
            "<anna@example.com>",
            &long_local,
            &long_label,
            &long,
        ];
        for case in cases {
            assert!(case.parse::<EmailAddress>().is_err(), "{case:?} was taken");
        }
    }

    #[test]
    fn unusual_addresses_that_exist_are_taken() {
        for case in
            ["a@b.co", "o'neil@example.com", "x_y-z@sub.example.museum", "1@2.example", "anna@xn--e1afmkfd.xn--p1ai"]
        {
            assert!(case.parse::<EmailAddress>().is_ok(), "{case:?} was refused");
        }
    }

    proptest! {
        #[test]
        fn parsing_is_stable_and_bounded(text in "\\PC{0,300}") {
            if let Ok(address) = text.parse::<EmailAddress>() {
                prop_assert!(address.as_str().len() <= 254);
                let again: EmailAddress = address.as_str().parse().unwrap();
                prop_assert_eq!(again.as_str(), address.as_str());
                prop_assert_eq!(address.key().parse::<EmailAddress>().unwrap(), address);
            }
        }

        #[test]
        fn ordinary_addresses_are_taken(local in "[a-zA-Z0-9]{1,20}(\\.[a-z0-9]{1,10}){0,3}", domain in "[a-z0-9]{1,20}(\\.[a-z]{2,10}){1,3}") {
            let address = format!("{local}@{domain}");
            prop_assert!(address.parse::<EmailAddress>().is_ok());
        }
    }

    #[test]
    fn a_customer_of_ipv6_is_one_network() {
        assert_eq!(ClientNetwork::of("2001:db8:1:2:3:4:5:6"), ClientNetwork::of("2001:db8:1:2::1"));
        assert_ne!(ClientNetwork::of("2001:db8:1:2::1"), ClientNetwork::of("2001:db8:1:3::1"));
        assert_eq!(ClientNetwork::of("2001:db8:1:2::1").as_str(), "2001:db8:1:2::/64");
        assert_eq!(ClientNetwork::of("::ffff:203.0.113.7"), ClientNetwork::of("203.0.113.7"));
        assert_ne!(ClientNetwork::of("203.0.113.7"), ClientNetwork::of("203.0.113.8"));
        assert_eq!(ClientNetwork::of("nonsense").as_str(), "unknown");
    }
}
