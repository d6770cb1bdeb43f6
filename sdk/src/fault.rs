//! Why a value does not fit a type, and in which field.

use std::fmt;

use serde::de::{self, Expected, Unexpected};

/// A field that did not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) field: Option<String>,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(detail: impl Into<String>) -> Self {
        Self { field: None, detail: detail.into() }
    }

    /// Names the field, unless something deeper did.
    pub(crate) fn in_field(mut self, field: &str) -> Self {
        self.field.get_or_insert_with(|| field.to_owned());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(formatter, "{field}: {}", self.detail),
            None => formatter.write_str(&self.detail),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unit => Self::new(format!("is null, expected {expected}")),
            found => Self::new(format!("is {found}, expected {expected}")),
        }
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new("is missing").in_field(field)
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::new("is not known").in_field(field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::new("is given more than once").in_field(field)
    }
}
