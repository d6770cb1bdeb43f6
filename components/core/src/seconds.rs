//! Lengths of time that people choose, in whole seconds.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// An hour.
pub const HOUR: u32 = 3600;

/// A day.
pub const DAY: u32 = 24 * HOUR;

/// How long what is replaced (a key, a secret) still works: at most a week, and a day where nothing is said.
pub type Overlap = Seconds<0, { 7 * DAY }, DAY>;

/// A whole number of seconds from `LEAST` to `MOST`; `ELSE` where nothing is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Seconds<const LEAST: u32, const MOST: u32, const ELSE: u32>(u32);

/// Not such a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidSeconds {
    least: u32,
    most: u32,
}

impl fmt::Display for InvalidSeconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be a whole number of seconds from {} to {}", self.least, self.most)
    }
}

impl<const LEAST: u32, const MOST: u32, const ELSE: u32> Seconds<LEAST, MOST, ELSE> {
    /// The time.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl<const LEAST: u32, const MOST: u32, const ELSE: u32> Default for Seconds<LEAST, MOST, ELSE> {
    fn default() -> Self {
        Self(ELSE)
    }
}

impl<const LEAST: u32, const MOST: u32, const ELSE: u32> TryFrom<u32> for Seconds<LEAST, MOST, ELSE> {
    type Error = InvalidSeconds;

    fn try_from(seconds: u32) -> Result<Self, InvalidSeconds> {
        let fits = (LEAST..=MOST).contains(&seconds);
        if fits { Ok(Self(seconds)) } else { Err(InvalidSeconds { least: LEAST, most: MOST }) }
    }
}

impl<const LEAST: u32, const MOST: u32, const ELSE: u32> From<Seconds<LEAST, MOST, ELSE>> for u32 {
    fn from(seconds: Seconds<LEAST, MOST, ELSE>) -> u32 {
        seconds.0
    }
}

impl<const LEAST: u32, const MOST: u32, const ELSE: u32> JsonSchema for Seconds<LEAST, MOST, ELSE> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Seconds{LEAST}To{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST, "default": ELSE })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Some = Seconds<60, 300, 120>;

    #[test]
    fn what_is_outside_is_refused_and_what_is_left_out_has_a_value() {
        let read = |text: &str| serde_json::from_str::<Some>(text).map_err(|error| error.to_string());
        for (text, seconds) in [("60", 60), ("300", 300)] {
            assert_eq!(read(text).map(Some::duration), Ok(Duration::from_secs(seconds)));
        }
        for text in ["59", "301", "-60", "60.0", "\"60\"", "4294967296"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert_eq!(read("0"), Err("must be a whole number of seconds from 60 to 300".to_owned()));
        assert_eq!(Some::default().duration(), Duration::from_secs(120));
    }

    #[test]
    fn what_is_replaced_works_for_a_week_at_most_and_a_day_unless_it_is_said() {
        assert_eq!(Overlap::default().duration(), Duration::from_secs(86_400));
        assert!(
            Overlap::try_from(0).is_ok() && Overlap::try_from(604_800).is_ok() && Overlap::try_from(604_801).is_err()
        );
    }
}
