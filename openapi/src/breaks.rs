//! One thing that breaks clients, and the list of them.

use std::fmt;

/// A change that breaks clients.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Break {
    /// The operation, or the part of the document: `POST /notes`.
    pub operation: String,
    /// Where in it: `request body, items[].text`. Empty for the operation itself.
    pub place: String,
    /// What changed, and how.
    pub what: String,
}

impl fmt::Display for Break {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place.as_str() {
            "" => write!(formatter, "{}: {}", self.operation, self.what),
            place => write!(formatter, "{}: {place}: {}", self.operation, self.what),
        }
    }
}

/// How many are told at most: who changed more than this has to read no further.
const MOST: usize = 200;

/// The breaks found so far.
#[derive(Debug, Default)]
pub(crate) struct Found(Vec<Break>);

impl Found {
    pub(crate) fn add(&mut self, operation: &str, place: impl Into<String>, what: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(Break { operation: operation.to_owned(), place: place.into(), what: what.into() });
        }
    }

    /// In an order that does not depend on the documents'.
    pub(crate) fn into_sorted(mut self) -> Vec<Break> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}
