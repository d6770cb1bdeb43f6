//! Identifiers: a type's prefix, and a UUIDv7 in 26 characters (TypeID 0.3).
//!
//! `shop_01h455vb4pex5vsknk084sn02q` says what it names, sorts by the time it was made, and can't be mistaken for the id
//! of something else.

use std::fmt;

use crate::time::Timestamp;

/// Crockford's base 32, in lower case.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// 128 bits take 26 digits of 5 bits; the first holds 3.
const DIGITS: usize = 26;

/// A new id: the prefix, `_`, and a UUIDv7 (RFC 9562) of now.
///
/// The prefix takes `a` to `z` and `_`, at most 63, no `_` at either end.
pub fn new(prefix: &str) -> String {
    debug_assert!(is_prefix(prefix), "{prefix:?} is no prefix of a TypeID");
    let mut text = String::with_capacity(prefix.len() + 1 + DIGITS);
    text.push_str(prefix);
    text.push('_');
    encode(uuid_v7(Timestamp::now(), random()), &mut text);
    text
}

/// Whether `id` is a well-formed TypeID of this prefix.
pub fn parse(prefix: &str, id: &str) -> Result<(), InvalidId> {
    let suffix = id
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .filter(|_| is_prefix(prefix))
        .ok_or(InvalidId)?;
    decode(suffix).map(|_| ()).ok_or(InvalidId)
}

/// When an id was made, to the millisecond. `None` for what is no TypeID of a UUIDv7.
pub fn timestamp(id: &str) -> Option<Timestamp> {
    let (prefix, suffix) = split(id)?;
    let uuid = decode(suffix)?;
    let is_v7 = (uuid >> 76) & 0xf == 7 && (uuid >> 62) & 0b11 == 0b10;
    if !is_v7 || !(prefix.is_empty() || is_prefix(prefix)) {
        return None;
    }
    let millis = i64::try_from(uuid >> 80).ok()?;
    Some(Timestamp::from_micros(millis.saturating_mul(1000)))
}

/// The text is no id of the type that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidId;

impl fmt::Display for InvalidId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("is no id of this type")
    }
}

impl std::error::Error for InvalidId {}

fn random() -> u128 {
    u128::from_le_bytes(crate::crypto::random_bytes())
}

/// RFC 9562, section 5.7; the 12 bits after the milliseconds are their fraction (method 3 of section 6.2), so that ids
/// of one instance sort in the order they were made, to the microsecond.
fn uuid_v7(now: Timestamp, random: u128) -> u128 {
    let micros = u128::try_from(now.as_micros()).unwrap_or(0);
    let (millis, fraction) = (micros / 1000, micros % 1000 * 4096 / 1000);
    let variant_and_random = (0b10 << 62) | (random & 0x3fff_ffff_ffff_ffff);
    (millis & 0xffff_ffff_ffff) << 80 | 7 << 76 | fraction << 64 | variant_and_random
}

fn is_prefix(prefix: &str) -> bool {
    !prefix.is_empty()
        && prefix.len() <= 63
        && prefix.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        && !prefix.starts_with('_')
        && !prefix.ends_with('_')
}

/// The prefix (empty where there is none) and the suffix.
fn split(id: &str) -> Option<(&str, &str)> {
    match id.rsplit_once('_') {
        Some(("", _)) => None,
        Some(parts) => Some(parts),
        None => Some(("", id)),
    }
}

fn encode(uuid: u128, text: &mut String) {
    for digit in (0..DIGITS).rev() {
        let value = usize::try_from((uuid >> (digit * 5)) & 0x1f).unwrap_or(0);
        text.push(char::from(ALPHABET.get(value).copied().unwrap_or(b'0')));
    }
}

fn decode(suffix: &str) -> Option<u128> {
    // A first digit above 7 would need a 129th bit.
    if suffix.len() != DIGITS || suffix.bytes().next()? > b'7' {
        return None;
    }
    suffix.bytes().try_fold(0, |uuid: u128, byte| {
        let value = ALPHABET.iter().position(|digit| *digit == byte)?;
        Some(uuid << 5 | u128::try_from(value).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `spec/valid.yml` of TypeID 0.3: the id, its prefix, its UUID.
    const VALID: [(&str, &str, u128); 9] = [
        ("00000000000000000000000000", "", 0),
        ("00000000000000000000000001", "", 1),
        ("0000000000000000000000000a", "", 10),
        ("0000000000000000000000000g", "", 16),
        ("00000000000000000000000010", "", 32),
        ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "", u128::MAX),
        ("prefix_0123456789abcdefghjkmnpqrs", "prefix", 0x0110_c853_1d09_52d8_d73e_1194_e95b_5f19),
        ("prefix_01h455vb4pex5vsknk084sn02q", "prefix", 0x0189_0a5d_ac96_774b_bcce_b302_099a_8057),
        ("pre_fix_00000000000000000000000000", "pre_fix", 0),
    ];

    /// `spec/invalid.yml` of TypeID 0.3.
    const INVALID: [&str; 19] = [
        "PREFIX_00000000000000000000000000",
        "12345_00000000000000000000000000",
        "pre.fix_00000000000000000000000000",
        "préfix_00000000000000000000000000",
        "  prefix_00000000000000000000000000",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijkl_00000000000000000000000000",
        "_00000000000000000000000000",
        "_",
        "prefix_1234567890123456789012345",
        "prefix_123456789012345678901234567",
        "prefix_1234567890123456789012345 ",
        "prefix_0123456789ABCDEFGHJKMNPQRS",
        "prefix_123456789-123456789-123456",
        "prefix_ooooooiiiiiiuuuuuuulllllll",
        "prefix_i23456789ol23456789oi23456",
        "prefix_123456789-0123456789-0123456",
        "prefix_8zzzzzzzzzzzzzzzzzzzzzzzzz",
        "_prefix_00000000000000000000000000",
        "prefix__00000000000000000000000000",
    ];

    #[test]
    fn reads_and_writes_the_examples_of_the_specification() {
        for (id, prefix, uuid) in VALID {
            let (found, suffix) = split(id).unwrap();
            assert_eq!((found, decode(suffix)), (prefix, Some(uuid)), "{id}");
            let mut text = String::new();
            encode(uuid, &mut text);
            assert_eq!(text, suffix);
            if !prefix.is_empty() {
                assert_eq!(parse(prefix, id), Ok(()));
            }
        }
    }

    #[test]
    fn refuses_the_bad_examples_of_the_specification() {
        for id in INVALID {
            let prefix = id.rsplit_once('_').map_or("", |(prefix, _)| prefix);
            assert_eq!(parse(prefix, id), Err(InvalidId), "{id}");
            assert_eq!(timestamp(id), None, "{id}");
        }
    }

    #[test]
    fn refuses_the_id_of_something_else() {
        let id = new("shop");
        assert_eq!(parse("shop", &id), Ok(()));
        for prefix in ["user", "sho", "shop_", "", "shops"] {
            assert_eq!(parse(prefix, &id), Err(InvalidId), "{prefix}");
        }
    }

    #[test]
    fn tells_when_it_was_made() {
        assert_eq!(
            timestamp("prefix_01h455vb4pex5vsknk084sn02q"),
            Some(Timestamp::from_micros(0x0189_0a5d_ac96 * 1000))
        );
        // No UUIDv7, so no time.
        assert_eq!(timestamp("prefix_0123456789abcdefghjkmnpqrs"), None);
        let before = Timestamp::now();
        let made = timestamp(&new("shop")).unwrap();
        assert!(made.as_micros() >= before.as_micros() - 1000 && made <= Timestamp::now());
    }

    #[test]
    fn is_a_uuid_v7_of_rfc_9562() {
        let uuid = uuid_v7(Timestamp::from_micros(0x0189_0a5d_ac96 * 1000 + 500), u128::MAX);
        assert_eq!(uuid, 0x0189_0a5d_ac96_7800_bfff_ffff_ffff_ffff);
    }

    #[test]
    fn a_thousand_differ() {
        let ids: std::collections::HashSet<_> = (0..1000).map(|_| new("x")).collect();
        assert_eq!(ids.len(), 1000);
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes(uuid: u128) {
            let mut text = String::new();
            encode(uuid, &mut text);
            prop_assert_eq!(decode(&text), Some(uuid));
        }

        #[test]
        fn later_ids_sort_later(a in 0..2_000_000_000_000_000i64, b in 0..2_000_000_000_000_000i64, r: u128, s: u128) {
            let text = |micros, random| {
                let mut text = String::new();
                encode(uuid_v7(Timestamp::from_micros(micros), random), &mut text);
                text
            };
            prop_assume!(a != b);
            prop_assert_eq!(a < b, text(a, r) < text(b, s));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = (parse("shop", &text), timestamp(&text));
        }
    }
}
