//! What in an OpenAPI 3.1 document breaks the clients of another.
//!
//! A client that was written for the old document must go on working with the new one. So whatever could be asked must still
//! be taken, and whatever is answered must be what could be answered before:
//!
//! | changed | breaks | does not break |
//! | --- | --- | --- |
//! | paths and operations | one is gone, unless its sunset has passed; another `operationId` | a new one |
//! | security | a way to authenticate that sufficed does not, or its scheme changed | a new way beside it |
//! | parameters | a new one that is required, one that became so, one of the path or query that is gone; another `style` or `default`; a narrower schema | a new one that may be left out; a wider schema |
//! | request bodies | gone, newly required, a media type is gone; a narrower schema: a new required field, a field that is gone, fewer values, a smaller range | a field that may be left out; a wider schema |
//! | answers of 2xx and 3xx | a status, a media type or a header field is gone | a new status |
//! | problems (4xx, 5xx) | the media type or the schema changed so | a status that comes or goes |
//! | schemas of answers | wider: a field that is gone or may now be absent or null, more values of an enumeration, a greater range | narrower; a new field where others are let in |
//! | servers | one is gone | a new one |
//!
//! An enumeration of an answer may grow where the old document said so by `x-open-enum: true`. An operation may go once the
//! time of its `x-sunset` has passed, if the old document called it deprecated. A sunset is told 30 days ahead at least, and is not
//! moved to an earlier day.
//!
//! The rules follow those of oasdiff. Of two schemas it is decided whether one takes all that the other takes; where that can't be
//! told (two patterns that differ, `not`, `if`), a difference counts as a break. Words (titles, descriptions, examples) never do.

mod breaks;
mod document;
mod effort;
mod message;
mod operation;
mod schema;

pub use breaks::Break;
pub use document::{Document, DocumentError, MAX_SIZE};
pub use time::OffsetDateTime;

/// Now, as [`Document::breaks`] takes it.
#[must_use]
pub fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// A time as documents write it, RFC 3339 in UTC: such texts are in the order of time.
fn written(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    let (hour, minute, second) = time.time().as_hms();
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", time.date())
}
