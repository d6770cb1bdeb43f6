//! Which addresses are public, by IANA's registries of special-purpose addresses (RFC 6890 and its successors).

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use ipnet::IpNet;

/// Addresses that may be called although they are not public: `127.0.0.1` or `10.1.0.0/16`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AddressRange(IpNet);

/// A text is no range of addresses.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is neither an address nor a range of addresses such as 10.1.0.0/16")]
pub struct NoAddressRange(String);

impl FromStr for AddressRange {
    type Err = NoAddressRange;

    fn from_str(text: &str) -> Result<Self, NoAddressRange> {
        let range = text.parse().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        range.map(Self).map_err(|_| NoAddressRange(text.to_owned()))
    }
}

/// Whether a connection to an address may be made: it is public, or among those that the operator allowed.
pub(super) fn may_be_called(address: IpAddr, allowed: &[AddressRange]) -> bool {
    // ::ffff:10.0.0.1 connects to 10.0.0.1.
    let address = address.to_canonical();
    is_public(address) || is_opened(address, allowed)
}

/// Whether an address is among those that the operator allowed.
pub(super) fn is_opened(address: IpAddr, allowed: &[AddressRange]) -> bool {
    let address = address.to_canonical();
    allowed.iter().any(|AddressRange(range)| range.contains(&address))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !matches!(
        address.octets(),
        [0, ..]                             // "this network"
            | [10, ..]                      // private
            | [100, 64..=127, ..]           // shared by carriers; Alibaba's metadata
            | [127, ..]                     // loopback
            | [168, 63, 129, 16]            // Azure's own services, metadata among them
            | [169, 254, ..]                // link-local; most clouds' metadata
            | [172, 16..=31, ..]            // private
            | [192, 0, 0, _]                // protocol assignments; Oracle's metadata
            | [192, 0, 2, _]                // documentation
            | [192, 88, 99, _]              // 6to4 relays
            | [192, 168, ..]                // private
            | [198, 18..=19, ..]            // benchmarking
            | [198, 51, 100, _]             // documentation
            | [203, 0, 113, _]              // documentation
            | [224..=255, ..] // multicast, reserved, broadcast
    )
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    match segments {
        // An IPv4 address behind a translator (RFC 6052), or in a tunnel (RFC 3056): it is called in the end.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => is_public_v4(embedded(high, low)),
        [0x2002, high, low, ..] => is_public_v4(embedded(high, low)),
        // ISATAP (RFC 5214): a tunnel to the IPv4 address at the end.
        [.., 0 | 0x200, 0x5efe, high, low] if !is_public_v4(embedded(high, low)) => false,
        [0x2001, 0..=0x1ff, ..] => false, // protocol assignments: Teredo, benchmarking, ORCHID
        [0x2001, 0xdb8, ..] => false,     // documentation
        [0x3fff, 0..=0xfff, ..] => false, // documentation
        // Global unicast; beyond it lie loopback, v4-compatible, unique-local, link-local, multicast and what is not
        // assigned.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

fn embedded(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_public_addresses_may_be_called() {
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "168.63.129.15",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700:4700::1111",
            "2001:4860:4860::8888",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2002:808:808::1",
        ] {
            assert!(may_be_called(address.parse().unwrap(), &[]), "{address} is public");
        }
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "168.63.129.16",
            "169.254.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.1",
            "192.168.255.255",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
            "2001:2::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a00:1::1",
            "2002:c0a8:101::1",
            "2a00:1450::200:5efe:10.0.0.1",
            "2a00:1450::5efe:192.168.1.1",
            "3fff::1",
            "3fff:fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "ff0e::1",
        ] {
            assert!(!may_be_called(address.parse().unwrap(), &[]), "{address} is not public");
        }
    }

    #[test]
    fn an_operator_can_allow_a_range_and_no_more() {
        let allowed = ["127.0.0.1".parse().unwrap(), "10.1.0.0/16".parse().unwrap()];
        for (address, may) in [
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.2", false),
            ("::1", false),
            ("10.1.2.3", true),
            ("10.2.0.0", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(may_be_called(address.parse().unwrap(), &allowed), may, "{address}");
        }
        assert!("10.1.0.0/33".parse::<AddressRange>().is_err());
        assert!("localhost".parse::<AddressRange>().is_err());
    }

    proptest! {
        /// However an IPv4 address is dressed up as an IPv6 one, it is judged as what it is, or refused.
        #[test]
        fn a_private_address_stays_private_in_every_dress(bits: u32) {
            let v4 = Ipv4Addr::from_bits(bits);
            let (high, low) = ((bits >> 16) as u16, bits as u16);
            for dress in [
                v4.to_ipv6_mapped(),
                v4.to_ipv6_compatible(),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0x5efe, high, low),
            ] {
                prop_assert!(is_public_v4(v4) || !may_be_called(dress.into(), &[]), "{dress}");
            }
        }
    }
}
