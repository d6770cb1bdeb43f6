//! Settings, secrets and facts that this component was given.

use std::fmt;
use std::str::FromStr;

use crate::Problem;
use crate::bindings::datamp::config::values;

/// The value of a setting: the operator's, or the manifest's default. `None` where there is neither, or the manifest does
/// not name it.
pub fn get(name: &str) -> Option<String> {
    values::get(name)
}

/// The value of a setting as a number, a boolean …, whatever can be parsed.
pub fn parse<T: FromStr<Err: fmt::Display>>(name: &str) -> Result<T, ConfigError> {
    let value = get(name).ok_or_else(|| ConfigError { name: name.to_owned(), reason: "has no value".to_owned() })?;
    value.parse().map_err(|error: T::Err| ConfigError { name: name.to_owned(), reason: error.to_string() })
}

/// A setting that can't be used: an operator's mistake, so 500 where it becomes a [`Problem`], and told in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    name: String,
    reason: String,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the setting {}: {}", self.name, self.reason)
    }
}

impl std::error::Error for ConfigError {}

impl From<ConfigError> for Problem {
    fn from(error: ConfigError) -> Self {
        Self::internal(error)
    }
}
