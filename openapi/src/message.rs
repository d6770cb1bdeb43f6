//! Requests and answers: which of two schemas has to take all that the other takes.

use serde_json::Value;

use crate::breaks::Found;
use crate::document::Document;
use crate::effort::Effort;
use crate::schema;

/// Which way a message goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Way {
    /// From clients: what the old document let them send, the new one takes.
    Request,
    /// To clients: what the new document lets us send, the old one told.
    Answer,
}

/// Two documents that are compared, in the sight of one operation.
pub(crate) struct Pair<'a> {
    pub(crate) old: &'a Document,
    pub(crate) new: &'a Document,
    pub(crate) operation: &'a str,
    pub(crate) effort: &'a Effort,
}

impl Pair<'_> {
    /// Compares the schemas of one part of a message. Where one of them has none, it takes everything.
    pub(crate) fn schemas(&self, way: Way, old: Option<&Value>, new: Option<&Value>, place: &str, found: &mut Found) {
        let anything = Value::Bool(true);
        let (old, new) = (old.unwrap_or(&anything), new.unwrap_or(&anything));
        let faults = match way {
            Way::Request => schema::faults((self.old, old), (self.new, new), way, self.effort),
            Way::Answer => schema::faults((self.new, new), (self.old, old), way, self.effort),
        };
        for fault in faults {
            let place = if fault.place.is_empty() { place.to_owned() } else { format!("{place}, {}", fault.place) };
            found.add(self.operation, place, fault.what);
        }
    }

    /// Compares what is sent under each media type.
    pub(crate) fn content(&self, way: Way, old: Option<&Value>, new: Option<&Value>, place: &str, found: &mut Found) {
        let new = new.and_then(Value::as_object);
        for (name, old) in crate::document::members(old) {
            match new.and_then(|new| new.get(name)) {
                None => found.add(self.operation, place, format!("the media type {name} is gone")),
                Some(new) => self.schemas(way, old.get("schema"), new.get("schema"), place, found),
            }
        }
    }
}
