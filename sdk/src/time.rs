//! Points in time.

use std::borrow::Cow;
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ::time::OffsetDateTime;
use ::time::format_description::well_known::Rfc3339;
use ::time::macros::format_description;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::{Serialize, Serializer};

/// A point in time: microseconds since the Unix epoch, in UTC, leap seconds not counted.
///
/// As JSON it is RFC 3339 text (`2026-01-31T12:00:00.5Z`); in the database it is a BIGINT, as a parameter and in a row.
/// It ranges from the year 0 to the year 9999, which is what RFC 3339 can say; sums that leave this range end at its
/// border.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self(-62_167_219_200_000_000);
    /// 9999-12-31T23:59:59.999999Z.
    pub const MAX: Self = Self(253_402_300_799_999_999);

    /// The current time of the system's clock.
    pub fn now() -> Self {
        let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_micros()).unwrap_or(i64::MAX),
            Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |micros| -micros),
        };
        Self::from_micros(micros)
    }

    /// From microseconds since the epoch; beyond [`MIN`](Self::MIN) or [`MAX`](Self::MAX), the border.
    pub const fn from_micros(micros: i64) -> Self {
        if micros < Self::MIN.0 {
            Self::MIN
        } else if micros > Self::MAX.0 {
            Self::MAX
        } else {
            Self(micros)
        }
    }

    /// From whole seconds since the epoch; beyond the range, its border.
    pub const fn from_seconds(seconds: i64) -> Self {
        Self::from_micros(seconds.saturating_mul(1_000_000))
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    pub const fn as_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Reads RFC 3339 with any offset. Digits beyond the microsecond are cut off.
    pub fn parse(text: &str) -> Result<Self, InvalidTimestamp> {
        let time = OffsetDateTime::parse(text, &Rfc3339).map_err(|_| InvalidTimestamp)?;
        let micros = time.unix_timestamp_nanos().div_euclid(1000);
        match i64::try_from(micros) {
            Ok(micros) if (Self::MIN.0..=Self::MAX.0).contains(&micros) => Ok(Self(micros)),
            _ => Err(InvalidTimestamp),
        }
    }

    /// RFC 3339 in UTC, with as many digits of the second as it takes.
    pub fn to_rfc3339(self) -> String {
        self.to_string()
    }

    /// As the head of a message writes it (RFC 9110, 5.6.7), to the second: `Sat, 31 Jan 2026 12:00:00 GMT`.
    pub fn to_http_date(self) -> String {
        let form =
            format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT");
        let time = OffsetDateTime::from_unix_timestamp(self.as_seconds()).ok();
        time.and_then(|time| time.format(form).ok()).unwrap_or_default()
    }

    /// How long it is since `earlier`; zero if that is later.
    pub fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1000);
        let text = time.ok().and_then(|time| time.format(&Rfc3339).ok()).ok_or(fmt::Error)?;
        formatter.write_str(&text)
    }
}

impl FromStr for Timestamp {
    type Err = InvalidTimestamp;

    fn from_str(text: &str) -> Result<Self, InvalidTimestamp> {
        Self::parse(text)
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_add(micros))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self::from_micros(self.0.saturating_sub(micros))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Timestamp {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time", "examples": ["2026-01-31T12:00:00.5Z"] })
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if crate::database::in_row() {
            deserializer.deserialize_i64(Micros)
        } else {
            deserializer.deserialize_str(Rfc3339Text)
        }
    }
}

/// A column: microseconds.
struct Micros;

impl Visitor<'_> for Micros {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("microseconds since the Unix epoch")
    }

    fn visit_i64<E: de::Error>(self, micros: i64) -> Result<Timestamp, E> {
        if (Timestamp::MIN.0..=Timestamp::MAX.0).contains(&micros) {
            Ok(Timestamp(micros))
        } else {
            Err(E::custom(format_args!("{micros} is out of the range of times")))
        }
    }
}

struct Rfc3339Text;

impl Visitor<'_> for Rfc3339Text {
    type Value = Timestamp;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a time as RFC 3339 writes it, 2026-01-31T12:00:00Z")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        Timestamp::parse(text).map_err(E::custom)
    }
}

/// The text is no point in time as RFC 3339 writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTimestamp;

impl fmt::Display for InvalidTimestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("is no time as RFC 3339 writes it, 2026-01-31T12:00:00Z")
    }
}

impl std::error::Error for InvalidTimestamp {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn writes_rfc_3339() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (1_769_860_800_500_000, "2026-01-31T12:00:00.5Z"),
            (1_709_208_000_000_001, "2024-02-29T12:00:00.000001Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (Timestamp::MIN.0, "0000-01-01T00:00:00Z"),
            (Timestamp::MAX.0, "9999-12-31T23:59:59.999999Z"),
        ] {
            assert_eq!(Timestamp::from_micros(micros).to_rfc3339(), text);
            assert_eq!(Timestamp::parse(text), Ok(Timestamp(micros)));
        }
    }

    #[test]
    fn writes_the_dates_of_http() {
        assert_eq!(Timestamp::from_micros(1_769_860_800_500_000).to_http_date(), "Sat, 31 Jan 2026 12:00:00 GMT");
        assert_eq!(Timestamp::from_seconds(784_111_777).to_http_date(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn reads_any_offset_and_cuts_off_what_is_finer_than_a_microsecond() {
        for text in ["2026-01-31T15:00:00.5+03:00", "2026-01-31t12:00:00.5000009z", "2026-01-31T11:30:00.5-00:30"] {
            assert_eq!(Timestamp::parse(text), Ok(Timestamp(1_769_860_800_500_000)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in [
            "",
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-02-30T12:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:00Z ",
            "10000-01-01T00:00:00Z",
            // In UTC this is the year 10000.
            "9999-12-31T23:59:59-01:00",
            "1769860800",
        ] {
            assert_eq!(Timestamp::parse(text), Err(InvalidTimestamp), "{text}");
        }
    }

    #[test]
    fn sums_end_at_the_border() {
        assert_eq!(Timestamp::MAX + Duration::from_micros(1), Timestamp::MAX);
        assert_eq!(Timestamp::MIN - Duration::MAX, Timestamp::MIN);
        assert_eq!(Timestamp::from_seconds(i64::MAX), Timestamp::MAX);
        let later = Timestamp::from_seconds(10) + Duration::from_millis(1500);
        assert_eq!(later.as_micros(), 11_500_000);
        assert_eq!(later.as_seconds(), 11);
        assert_eq!(Timestamp::from_micros(-1).as_seconds(), -1);
        assert_eq!(later.duration_since(Timestamp::from_seconds(10)), Duration::from_millis(1500));
        assert_eq!(Timestamp::from_seconds(10).duration_since(later), Duration::ZERO);
    }

    #[test]
    fn is_text_in_json() {
        let time = Timestamp::from_seconds(1);
        assert_eq!(serde_json::to_string(&time).unwrap(), r#""1970-01-01T00:00:01Z""#);
        assert_eq!(serde_json::from_str::<Timestamp>(r#""1970-01-01T00:00:01Z""#).unwrap(), time);
        assert!(serde_json::from_str::<Timestamp>("1000000").is_err());
    }

    #[test]
    fn now_is_after_this_was_written() {
        assert!(Timestamp::now() > Timestamp::parse("2025-01-01T00:00:00Z").unwrap());
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(micros in Timestamp::MIN.0..=Timestamp::MAX.0) {
            let time = Timestamp::from_micros(micros);
            prop_assert_eq!(Timestamp::parse(&time.to_rfc3339()), Ok(time));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,40}") {
            let _ = Timestamp::parse(&text);
        }
    }
}
