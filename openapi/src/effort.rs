//! How much work a comparison may be: documents come from whoever deploys, and the host waits for the answer.

use std::cell::Cell;

use serde_json::Value;

/// What a comparison of two documents may take, in units of some eight bytes that are read or copied: a second or two.
const MOST: usize = 50_000_000;

/// What is left of it.
#[derive(Debug)]
pub(crate) struct Effort(Cell<usize>);

impl Effort {
    /// All of it.
    pub(crate) fn new() -> Self {
        Self(Cell::new(MOST))
    }

    /// Takes some of it; `false` where there is not enough left, from then on.
    pub(crate) fn take(&self, work: usize) -> bool {
        let left = self.0.get().checked_sub(work);
        self.0.set(left.unwrap_or(0));
        left.is_some()
    }
}

/// What it is to read or copy a value.
pub(crate) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => 1 + text.len() / 8,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Object(members) => {
            members.iter().map(|(name, value)| 1 + name.len() / 8 + weight(value)).sum::<usize>() + 1
        }
        _ => 1,
    }
}
