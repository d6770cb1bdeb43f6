//! Lists that grow, a page at a time: `limit` and `starting_after` in, `data`, `has_more` and `next` out.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use datamp_sdk::{Problem, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Greater than every id in every collation (a database may sort `~` before letters): where a list begins.
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

impl JsonSchema for Limit {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Limit".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": 1, "maximum": Self::MAX, "default": Self::default().0 })
    }
}

impl TryFrom<u32> for Limit {
    type Error = InvalidLimit;

    fn try_from(limit: u32) -> Result<Self, InvalidLimit> {
        if (1..=Self::MAX).contains(&limit) { Ok(Self(limit)) } else { Err(InvalidLimit) }
    }
}

/// A part of a list that is ordered by time and then id, newest first.
///
/// The end has one bound and not two, so that an index is read from where the page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// The oldest time that belongs to it.
    pub from: Timestamp,
    /// The newest time that belongs to it.
    pub until: Timestamp,
    /// Of what is of that time, what belongs to it is less than this.
    pub below: String,
}

impl Window {
    /// What was made at `created_after` or later, before `created_before`, and stands after the entry `after` (its time and id).
    pub fn new(
        created_after: Option<Timestamp>,
        created_before: Option<Timestamp>,
        after: Option<(Timestamp, &str)>,
    ) -> Self {
        let from = created_after.unwrap_or(Timestamp::MIN);
        // Times are whole microseconds.
        let last = created_before.map_or(Timestamp::MAX, |before| before - Duration::from_micros(1));
        match after {
            Some((time, id)) if time <= last => Self { from, until: time, below: id.to_owned() },
            _ => Self { from, until: last, below: NEWEST.to_owned() },
        }
    }
}

/// The entry that a page is to start after is none of the list's.
pub fn unknown_cursor() -> Problem {
    Problem::bad_request("The query does not fit.")
        .field("starting_after", "must be the `next` of an earlier page of this list")
}

/// A page as clients get it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// The entries, newest first.
    pub data: Vec<T>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// What to send as `starting_after` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
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
    fn a_window_is_half_open_and_begins_at_whatever_comes_first() {
        let at = Timestamp::from_micros;
        let window = |from, until, below: &str| Window { from, until, below: below.to_owned() };
        let (least, most) = (Timestamp::MIN, Timestamp::MAX);
        assert_eq!(Window::new(None, None, None), window(least, most, NEWEST));
        assert_eq!(Window::new(Some(at(5)), Some(at(9)), None), window(at(5), at(8), NEWEST));
        assert_eq!(Window::new(None, Some(at(9)), Some((at(8), "b"))), window(least, at(8), "b"));
        assert_eq!(Window::new(None, Some(at(9)), Some((at(7), "b"))), window(least, at(7), "b"));
        // A cursor of a list without that bound: it stands before everything that is asked for.
        assert_eq!(Window::new(None, Some(at(9)), Some((at(9), "b"))), window(least, at(8), NEWEST));
    }

    #[test]
    fn limits_are_1_to_100() {
        assert!(Limit::try_from(1).is_ok() && Limit::try_from(100).is_ok());
        assert!(Limit::try_from(0).is_err() && Limit::try_from(101).is_err());
        assert_eq!([0, 1, 50, 201].map(|asked| Limit::within(asked, 200).rows()), [2, 2, 51, 201]);
    }
}
