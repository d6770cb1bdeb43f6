//! What needs a second person.
//!
//! A threshold that looked at one operation alone would be passed by two halves, so what one person did alone in the last
//! [`WINDOW`] counts too.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use datamp_models::core::OperationKind;
use datamp_models::money::MAX_AMOUNT;
use datamp_models::{Amount, Currency};
use datamp_sdk::Problem;
use datamp_sdk::config::{self, ConfigError};

/// The time in which what one person does alone is summed up.
pub const WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// The settings.
const THRESHOLDS: &str = "approval-thresholds";
const LIFETIME: &str = "approval-lifetime";

/// What core was told about approvals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// What one person may move alone.
    pub thresholds: Thresholds,
    /// How long an operation waits for a second person.
    pub lifetime: Lifetime,
}

impl Policy {
    /// What the settings say.
    pub fn from_settings() -> Result<Self, ConfigError> {
        Ok(Self { thresholds: config::parse(THRESHOLDS)?, lifetime: config::parse(LIFETIME)? })
    }

    /// The same, for who answers problems.
    pub fn current() -> Result<Self, Problem> {
        Ok(Self::from_settings()?)
    }

    /// Whether an operation needs a second person. `moves` is what it moves; `alone` what the person who asks moved
    /// without a second one in this currency within [`WINDOW`], in minor units.
    pub fn needs_approval(&self, kind: OperationKind, moves: Option<(Amount, Currency)>, alone: i64) -> bool {
        match (kind, moves) {
            (OperationKind::Close | OperationKind::WriteOff, _) => true,
            (OperationKind::Freeze | OperationKind::Unfreeze, _) => false,
            (OperationKind::Adjustment | OperationKind::Reversal, None) => true,
            (OperationKind::Adjustment | OperationKind::Reversal, Some((amount, currency))) => {
                alone.saturating_add(amount.minor_units()) > self.thresholds.of(currency)
            }
        }
    }
}

/// By currency, in minor units: up to how much one person moves alone. Nothing, in a currency that is not named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thresholds(BTreeMap<Currency, i64>);

impl Thresholds {
    fn of(&self, currency: Currency) -> i64 {
        self.0.get(&currency).copied().unwrap_or(0)
    }
}

/// Not a list of thresholds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidThresholds(String);

impl fmt::Display for InvalidThresholds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} must be a currency once, `=` and 0 to {MAX_AMOUNT} minor units, such as RUB=1000000; several with commas between",
            self.0
        )
    }
}

impl FromStr for Thresholds {
    type Err = InvalidThresholds;

    fn from_str(text: &str) -> Result<Self, InvalidThresholds> {
        let mut thresholds = BTreeMap::new();
        for part in text.split(',').map(str::trim).filter(|_| !text.trim().is_empty()) {
            let invalid = || InvalidThresholds(part.to_owned());
            let (currency, amount) = part.split_once('=').ok_or_else(invalid)?;
            let currency: Currency = currency.trim().parse().map_err(|_| invalid())?;
            let amount: i64 = amount.trim().parse().map_err(|_| invalid())?;
            if !(0..=MAX_AMOUNT).contains(&amount) || thresholds.insert(currency, amount).is_some() {
                return Err(invalid());
            }
        }
        Ok(Self(thresholds))
    }
}

/// How long an operation waits for a second person: 1 second to 90 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime(Duration);

impl Lifetime {
    const MAX_SECONDS: u64 = 90 * 24 * 60 * 60;

    /// How long it is.
    pub fn duration(self) -> Duration {
        self.0
    }
}

/// Not such a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLifetime;

impl fmt::Display for InvalidLifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be a whole number of seconds from 1 to {}", Lifetime::MAX_SECONDS)
    }
}

impl FromStr for Lifetime {
    type Err = InvalidLifetime;

    fn from_str(text: &str) -> Result<Self, InvalidLifetime> {
        let seconds: u64 = text.trim().parse().map_err(|_| InvalidLifetime)?;
        let fits = (1..=Self::MAX_SECONDS).contains(&seconds);
        if fits { Ok(Self(Duration::from_secs(seconds))) } else { Err(InvalidLifetime) }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use OperationKind::*;
    use proptest::prelude::*;

    pub(in super::super) fn policy(thresholds: &str) -> Policy {
        Policy { thresholds: thresholds.parse().unwrap(), lifetime: "604800".parse().unwrap() }
    }

    fn moves(amount: i64, currency: &str) -> Option<(Amount, Currency)> {
        Some((Amount::new(amount).unwrap(), currency.parse().unwrap()))
    }

    #[test]
    fn above_the_threshold_of_its_currency_an_operation_needs_a_second_person() {
        let policy = policy("RUB=1000, JPY=0");
        let needs = |kind, amount, currency, alone| policy.needs_approval(kind, moves(amount, currency), alone);
        for kind in [Adjustment, Reversal] {
            assert!(!needs(kind, 1000, "RUB", 0), "at the threshold");
            assert!(needs(kind, 1001, "RUB", 0));
            assert!(needs(kind, 1, "JPY", 0));
            assert!(needs(kind, 1, "USD", 0), "a currency that is not named");
        }
    }

    #[test]
    fn closing_and_writing_off_always_need_one_and_freezing_never() {
        let policy = policy("RUB=1000000000000000");
        assert!(policy.needs_approval(Close, None, 0));
        assert!(policy.needs_approval(WriteOff, moves(1, "RUB"), 0));
        assert!(!policy.needs_approval(Freeze, None, 0));
        assert!(!policy.needs_approval(Unfreeze, None, 0));
    }

    #[test]
    fn settings_that_say_nothing_clear_are_refused() {
        for good in ["", "  ", "RUB=0", "RUB=1000000, USD=20000", "RUB = 5 ,JPY=1000000000000000"] {
            assert!(good.parse::<Thresholds>().is_ok(), "{good}");
        }
        for wrong in
            ["RUB", "RUB=", "rub=1", "RUB=1.5", "RUB=-1", "RUB=1,RUB=2", "RUB=1,", "XXX=1", "RUB=1000000000000001"]
        {
            assert!(wrong.parse::<Thresholds>().is_err(), "{wrong}");
        }
        assert_eq!("604800".parse::<Lifetime>().unwrap().duration(), Duration::from_secs(604_800));
        for wrong in ["", "0", "-1", "7776001", "7d", "1.5"] {
            assert_eq!(wrong.parse::<Lifetime>(), Err(InvalidLifetime), "{wrong}");
        }
    }

    proptest! {
        /// However somebody divides an amount, they never move more than the threshold alone.
        #[test]
        fn no_division_passes_the_threshold(parts in prop::collection::vec(1..600_i64, 1..20)) {
            let policy = policy("RUB=1000");
            let mut alone = 0;
            for part in parts {
                if !policy.needs_approval(Adjustment, moves(part, "RUB"), alone) {
                    alone += part;
                }
            }
            prop_assert!(alone <= 1000);
        }
    }
}
