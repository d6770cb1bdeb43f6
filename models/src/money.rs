//! Amounts: whole minor units (kopecks, cents), never fractions of one.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The greatest amount of one transfer, in minor units: ten trillion roubles.
pub const MAX_AMOUNT: i64 = 1_000_000_000_000_000;

/// The greatest total that an account's debits or credits may reach, so that no difference of totals can leave 64 bits.
pub const MAX_TOTAL: i64 = 4_000_000_000_000_000_000;

/// What one transfer moves: 1 to [`MAX_AMOUNT`] minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Amount(i64);

/// Not an amount that can be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidAmount;

impl fmt::Display for InvalidAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be a whole number of minor units from 1 to {MAX_AMOUNT}")
    }
}

impl std::error::Error for InvalidAmount {}

impl Amount {
    /// An amount of so many minor units.
    pub fn new(minor_units: i64) -> Result<Self, InvalidAmount> {
        if (1..=MAX_AMOUNT).contains(&minor_units) { Ok(Self(minor_units)) } else { Err(InvalidAmount) }
    }

    /// How many minor units it is.
    pub fn minor_units(self) -> i64 {
        self.0
    }
}

impl JsonSchema for Amount {
    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How much, in whole minor units of the currency: kopecks, cents. Written without a point or an exponent: 150, not 150.0.",
            "type": "integer",
            "format": "int64",
            "minimum": 1,
            "maximum": MAX_AMOUNT,
            "examples": [150_000],
        })
    }
}

impl TryFrom<i64> for Amount {
    type Error = InvalidAmount;

    fn try_from(minor_units: i64) -> Result<Self, InvalidAmount> {
        Self::new(minor_units)
    }
}

impl From<Amount> for i64 {
    fn from(amount: Amount) -> i64 {
        amount.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_whole_positive_amounts_within_the_limit_are_read() {
        assert_eq!(serde_json::from_str::<Amount>("1").unwrap().minor_units(), 1);
        assert_eq!(serde_json::from_str::<Amount>("1000000000000000").unwrap().minor_units(), MAX_AMOUNT);
        for wrong in
            ["0", "-1", "1000000000000001", "9223372036854775808", "1.0", "1.5", "1e3", "\"1\"", "null", "true", "[1]"]
        {
            assert!(serde_json::from_str::<Amount>(wrong).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn an_amount_is_written_as_it_was_read(minor_units in 1..=MAX_AMOUNT) {
            let amount = Amount::new(minor_units).unwrap();
            prop_assert_eq!(serde_json::to_string(&amount).unwrap(), minor_units.to_string());
        }

        #[test]
        fn nothing_outside_the_limits_is_an_amount(minor_units: i64) {
            prop_assert_eq!(Amount::new(minor_units).is_ok(), minor_units > 0 && minor_units <= MAX_AMOUNT);
        }
    }
}
