//! The rows of an answer, and how much one may hold.

use super::sql::{Error, RowSet, Value};

/// The most rows of one answer.
pub(super) const MOST_ROWS: usize = 10_000;

/// The most bytes of the values of one answer.
pub(super) const MOST_BYTES: usize = 16 << 20;

/// What a value takes beyond its text or bytes: rows of NULLs are not free either.
const VALUE_OVERHEAD: usize = 8;

/// An answer that is being read.
pub(super) struct Answer {
    columns: Vec<String>,
    rows: Vec<Vec<Value>>,
    bytes: usize,
}

impl Answer {
    /// An empty one.
    pub(super) const fn new() -> Self {
        Self { columns: Vec::new(), rows: Vec::new(), bytes: 0 }
    }

    /// Whether no row has come yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Names the columns.
    pub(super) fn name(&mut self, columns: impl Iterator<Item = String>) {
        self.columns = columns.collect();
    }

    /// Adds a row.
    ///
    /// # Errors
    /// `too-large` where it is one too many.
    pub(super) fn push(&mut self, row: Vec<Value>) -> Result<(), Error> {
        self.bytes += row.iter().map(size).sum::<usize>();
        if self.bytes > MOST_BYTES || self.rows.len() == MOST_ROWS {
            return Err(Error::TooLarge);
        }
        self.rows.push(row);
        Ok(())
    }

    /// The whole of it.
    pub(super) fn finish(self) -> RowSet {
        RowSet { columns: self.columns, rows: self.rows }
    }
}

const fn size(value: &Value) -> usize {
    VALUE_OVERHEAD
        + match value {
            Value::Text(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            _ => 0,
        }
}
