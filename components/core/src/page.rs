//! Lists that grow, a page at a time: `limit` and `starting_after` in, `data`, `has_more` and `next` out.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Greater than every id in every collation (a database may sort `~` before letters): where a list that is ordered by id
/// begins.
pub const NEWEST: &str = "z";

/// How many entries a page may have at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct Limit(u32);

/// Not a size of page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidLimit;

impl fmt::Display for InvalidLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be a whole number from 1 to {}", Limit::MAX)
    }
}

impl Limit {
    /// The most entries that a page can be asked for.
    pub const MAX: u32 = 100;

    /// The limit nearest to `asked` that is from 1 to `most`.
    pub fn within(asked: u32, most: u32) -> Self {
        Self(asked.clamp(1, most.max(1)))
    }

    /// How many rows to ask the database for: one more than fits, which tells whether there is a next page.
    pub fn rows(self) -> i64 {
        i64::from(self.0) + 1
    }
}

/// What a page holds where nothing was said.
impl Default for Limit {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<u32> for Limit {
    type Error = InvalidLimit;

    fn try_from(limit: u32) -> Result<Self, InvalidLimit> {
        if (1..=Self::MAX).contains(&limit) { Ok(Self(limit)) } else { Err(InvalidLimit) }
    }
}

/// A page as clients get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The entries, newest first.
    pub data: Vec<T>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// What to send as `starting_after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// The page that begins `rows`, of which at most [`Limit::rows`] were asked for. `cursor` tells where an entry stands.
    pub fn new(mut rows: Vec<T>, limit: Limit, cursor: impl Fn(&T) -> String) -> Self {
        let size = usize::try_from(limit.0).unwrap_or(usize::MAX);
        let has_more = rows.len() > size;
        rows.truncate(size);
        let next = if has_more { rows.last().map(cursor) } else { None };
        Self { data: rows, has_more, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_a_next_only_if_there_is_more() {
        let limit = Limit::try_from(2).unwrap();
        let page = |rows: &[i32]| Page::new(rows.to_vec(), limit, ToString::to_string);
        assert_eq!(limit.rows(), 3);
        assert_eq!(page(&[3, 2, 1]), Page { data: vec![3, 2], has_more: true, next: Some("2".into()) });
        assert_eq!(page(&[3, 2]), Page { data: vec![3, 2], has_more: false, next: None });
        assert_eq!(page(&[]), Page { data: vec![], has_more: false, next: None });
    }

    #[test]
    fn limits_are_1_to_100() {
        assert!(Limit::try_from(1).is_ok() && Limit::try_from(100).is_ok());
        assert!(Limit::try_from(0).is_err() && Limit::try_from(101).is_err());
        assert_eq!([0, 1, 50, 201].map(|asked| Limit::within(asked, 200).rows()), [2, 2, 51, 201]);
    }
}
