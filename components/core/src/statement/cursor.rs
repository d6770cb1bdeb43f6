//! Where a page of a statement ended: the text that is answered as `next` and comes back as `starting_after`.
//!
//! It tells a place in the statement's order, not a count, so entries that come in meanwhile neither repeat nor hide others.
//! Clients take it as opaque.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use datamp_models::core::TransferId;
use datamp_sdk::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

/// An entry's place in a statement, which is ordered by time and then id.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Cursor {
    /// When its transfer was made.
    pub created_at: Timestamp,
    /// The transfer.
    pub id: TransferId,
}

/// Not a cursor that this service gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidCursor;

impl fmt::Display for InvalidCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be the `next` of an earlier page of this list")
    }
}

/// The longest text that is looked at, in bytes: a version, a time and an id take 70.
const LONGEST: usize = 100;

impl Cursor {
    /// The text that stands for it.
    pub fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("1.{}.{}", self.created_at.as_micros(), self.id))
    }

    /// Reads the text of a cursor.
    pub fn decode(text: &str) -> Result<Self, InvalidCursor> {
        if text.len() > LONGEST {
            return Err(InvalidCursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| InvalidCursor)?;
        let plain = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
        let mut parts = plain.splitn(3, '.');
        let (Some("1"), Some(time), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidCursor);
        };
        let cursor = Self {
            created_at: Timestamp::from_micros(time.parse().map_err(|_| InvalidCursor)?),
            id: id.parse().map_err(|_| InvalidCursor)?,
        };
        // One cursor has one text: `+1` and `01` are not numbers that we wrote, nor is a time out of range.
        if cursor.encode() == text { Ok(cursor) } else { Err(InvalidCursor) }
    }
}

/// Clients don't look into it.
impl JsonSchema for Cursor {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cursor".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": LONGEST,
            "pattern": "^[A-Za-z0-9_-]+$",
            "examples": ["MS4xNzY5ODYwODAwNTAwMDAwLnRyXzAxaDQ1NXZiNHBleDV2c2tuazA4NHNuMDJx"],
        })
    }
}

impl TryFrom<String> for Cursor {
    type Error = InvalidCursor;

    fn try_from(text: String) -> Result<Self, InvalidCursor> {
        Self::decode(&text)
    }
}

impl FromStr for Cursor {
    type Err = InvalidCursor;

    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        Self::decode(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "tr_01h455vb4pex5vsknk084sn02q";

    #[test]
    fn what_no_page_answered_is_refused() {
        let plain = |text: &str| URL_SAFE_NO_PAD.encode(text);
        for wrong in [
            String::new(),
            "!".to_owned(),
            ID.to_owned(),
            plain(""),
            plain("1.5"),
            plain(&format!("2.5.{ID}")),
            plain(&format!("1.+5.{ID}")),
            plain(&format!("1.05.{ID}")),
            plain(&format!("1.5.{ID}x")),
            plain("1.5.top_01h455vb4pex5vsknk084sn02q"),
            plain(&format!("1.9223372036854775808.{ID}")),
            format!("{}=", plain(&format!("1.5.{ID}"))),
            "A".repeat(10_000),
        ] {
            assert_eq!(Cursor::decode(&wrong), Err(InvalidCursor), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_it_was_given(micros: i64, bits: u128) {
            let id = format!("tr_{}", datamp_models::id::encode(bits)).parse().unwrap();
            let cursor = Cursor { created_at: Timestamp::from_micros(micros), id };
            prop_assert_eq!(Cursor::decode(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn no_text_makes_it_stumble(text in ".*") {
            let _ = Cursor::decode(&text);
        }
    }
}
