//! Ids: TypeIDs (specification 0.3), a prefix that tells the type and 128 bits in base 32, `shop_01h455vb4pex5vsknk084sn02q`.
//!
//! They are made by the services (UUIDv7, so they sort by the time they were made); here they are checked and told apart
//! by type.

use std::fmt;

use schemars::{Schema, json_schema};

/// The alphabet of the suffix: Crockford's base 32 in lower case.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The characters of a suffix.
pub const SUFFIX_LENGTH: usize = 26;

/// Not an id of the type that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidId {
    /// The prefix that it must have.
    pub prefix: &'static str,
}

impl fmt::Display for InvalidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be an id `{}_` and {SUFFIX_LENGTH} characters", self.prefix)
    }
}

impl std::error::Error for InvalidId {}

/// Whether `text` is `prefix`, `_` and the canonical base 32 of 128 bits.
pub fn is_valid(prefix: &str, text: &str) -> bool {
    let Some(suffix) = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) else {
        return false;
    };
    // 26 characters hold 130 bits: the first must be at most 7.
    suffix.len() == SUFFIX_LENGTH && suffix.bytes().all(is_digit) && suffix.as_bytes().first() <= Some(&b'7')
}

/// Whether it is of the [`ALPHABET`].
const fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'h' | b'j' | b'k' | b'm' | b'n' | b'p'..=b't' | b'v'..=b'z')
}

/// The JSON Schema of an id.
#[doc(hidden)]
pub fn schema(prefix: &str, description: &str) -> Schema {
    json_schema!({
        "description": description,
        "type": "string",
        "pattern": format!("^{prefix}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$"),
        "examples": [format!("{prefix}_01h455vb4pex5vsknk084sn02q")],
    })
}

/// 128 bits in base 32, as the suffix of an id is written: 26 characters, which sort as the number does.
pub fn encode(bits: u128) -> String {
    digits(bits, SUFFIX_LENGTH)
}

/// The last digits of a number in base 32.
pub fn digits(number: u128, count: usize) -> String {
    let digit = |place: usize| {
        let value = number.checked_shr(5 * u32::try_from(place).ok()?)? & 31;
        ALPHABET.get(usize::try_from(value).ok()?).map(|byte| char::from(*byte))
    };
    let mut text = String::with_capacity(count);
    text.extend((0..count).rev().map(|place| digit(place).unwrap_or('0')));
    text
}

/// An id type that [`typed_id!`](crate::typed_id) defined.
pub trait TypedId: TryFrom<String, Error = InvalidId> {
    /// What stands before the `_`.
    const PREFIX: &'static str;
}

/// Defines id types: `typed_id! { /// A user. UserId, "user"; }`.
///
/// Each is a string that was checked, with `parse`, `as_str`, `Display`, `FromStr`, and serde that checks.
#[macro_export]
macro_rules! typed_id {
    ($($(#[doc = $doc:literal])* $name:ident, $prefix:literal;)+) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What stands before the `_`.
            pub const PREFIX: &'static str = $prefix;

            /// Checks that a text is an id of this type.
            pub fn parse(text: &str) -> Result<Self, $crate::id::InvalidId> {
                Self::try_from(text.to_owned())
            }

            /// The whole id.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl $crate::id::TypedId for $name {
            const PREFIX: &'static str = $prefix;
        }

        impl TryFrom<String> for $name {
            type Error = $crate::id::InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                if $crate::id::is_valid($prefix, &text) { Ok(Self(text)) } else { Err($crate::id::InvalidId { prefix: $prefix }) }
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::id::InvalidId;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl $crate::__schemars::JsonSchema for $name {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut $crate::__schemars::SchemaGenerator) -> $crate::__schemars::Schema {
                $crate::id::schema($prefix, concat!($($doc),*).trim())
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    typed_id! {
        /// For the tests.
        ThingId, "thing";
    }

    // From the specification's list of valid TypeIDs.
    const VALID: &str = "01h455vb4pex5vsknk084sn02q";

    #[test]
    fn an_id_has_its_prefix_and_a_canonical_suffix() {
        assert!(is_valid("prefix", &format!("prefix_{VALID}")));
        for wrong in [
            format!("other_{VALID}"),
            VALID.to_owned(),
            format!("prefix{VALID}"),
            format!("prefix_{}", &VALID[1..]),
            format!("prefix_0{VALID}"),
            format!("prefix_{}", VALID.to_uppercase()),
            format!("prefix_8{}", &VALID[1..]),
            format!("prefix_{}i", &VALID[..25]),
            format!("prefix_{}é", &VALID[..24]),
            String::new(),
        ] {
            assert!(!is_valid("prefix", &wrong), "{wrong}");
        }
    }

    #[test]
    fn suffixes_are_those_of_the_specification() {
        assert_eq!(encode(0), "00000000000000000000000000");
        assert_eq!(encode(u128::MAX), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(encode(0x0188_bac7_4afa_78aa_bc3b_bd1e_ef28_d881), "01h2xcejqtf2nbrexx3vqjhp41");
    }

    #[test]
    fn serde_refuses_an_id_of_another_type() {
        let id: ThingId = serde_json::from_str(&format!("\"thing_{VALID}\"")).unwrap();
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"thing_{VALID}\""));
        let error = serde_json::from_str::<ThingId>(&format!("\"shop_{VALID}\"")).unwrap_err();
        assert!(error.to_string().contains("must be an id `thing_` and 26 characters"), "{error}");
    }

    #[test]
    fn the_schema_of_an_id_tells_its_form() {
        let schema = schemars::schema_for!(ThingId);
        assert_eq!(schema.get("pattern").unwrap(), "^thing_[0-7][0-9a-hjkmnp-tv-z]{25}$");
        assert_eq!(schema.get("description").unwrap(), "For the tests.");
        let letters: String = ('0'..='9').chain('a'..='h').chain("jk".chars()).chain("mn".chars()).collect();
        let letters = letters + &('p'..='t').chain('v'..='z').collect::<String>();
        assert_eq!(letters.as_bytes(), ALPHABET);
        assert!((0..=u8::MAX).all(|byte| is_digit(byte) == ALPHABET.contains(&byte)));
    }

    proptest! {
        #[test]
        fn every_suffix_is_valid_and_sorts_as_its_number(a: u128, b: u128) {
            let id = format!("x_{}", encode(a));
            prop_assert!(is_valid("x", &id));
            prop_assert_eq!(encode(a).cmp(&encode(b)), a.cmp(&b));
        }
    }
}
