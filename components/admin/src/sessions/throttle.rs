//! How failed attempts to sign in slow down the next ones.

/// How long what failed is remembered, in microseconds.
pub(crate) const REMEMBERED: i64 = 24 * 60 * 60 * 1_000_000;

/// Whom a count of failures is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    /// One login, whether it exists or not.
    Login,
    /// One address that attempts come from.
    Address,
}

/// Seconds that nobody may try after so many failures in a row.
///
/// A login waits a minute at most, so that strangers can't keep its owner out for long; at that pace they have 1,440 guesses
/// a day. An address is given more tries first, since an office shares one, and waits longer in the end.
pub(crate) fn delay(about: About, failures: i64) -> u32 {
    match (about, failures) {
        (About::Login, ..=2) => 0,
        (About::Login, 3) => 2,
        (About::Login, 4) => 5,
        (About::Login, 5) => 15,
        (About::Login, 6) => 30,
        (About::Login, 7..) => 60,
        (About::Address, ..=9) => 0,
        (About::Address, 10..=14) => 10,
        (About::Address, 15..=19) => 60,
        (About::Address, 20..=29) => 300,
        (About::Address, 30..) => 900,
    }
}

/// What counts as one address: an IPv6 network of 64 bits, since whoever has one address of it has them all.
pub(crate) fn network(address: &str) -> String {
    match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V6(address)) => match address.to_ipv4_mapped() {
            Some(address) => address.to_string(),
            None => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        },
        Ok(std::net::IpAddr::V4(address)) => address.to_string(),
        Err(_) => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_only_grow() {
        for about in [About::Login, About::Address] {
            let delays: Vec<u32> = (0..100).map(|failures| delay(about, failures)).collect();
            assert!(delays.is_sorted());
            assert_eq!(delays[0], 0);
        }
    }

    #[test]
    fn mistyping_twice_costs_nothing_and_guessing_costs_a_minute_each() {
        assert_eq!(delay(About::Login, 2), 0);
        assert_eq!(delay(About::Login, 3), 2);
        assert_eq!(delay(About::Login, 1_000), 60);
    }

    #[test]
    fn one_address_is_stopped_whatever_logins_it_tries() {
        assert_eq!(delay(About::Address, 9), 0);
        assert_eq!(delay(About::Address, 30), 900);
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), network("2001:db8:1:2::1"));
        assert_ne!(network("2001:db8:1:2::1"), network("2001:db8:1:3::1"));
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
        assert_eq!(network("?"), "?");
    }
}
