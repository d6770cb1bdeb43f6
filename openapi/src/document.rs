//! A document, and the references in it.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::breaks::{Break, Found};
use crate::operation;

/// The longest document that is read, in bytes.
pub const MAX_SIZE: usize = 4 << 20;

/// How many references may follow one another.
const MAX_HOPS: usize = 16;

/// An OpenAPI 3.1 document.
#[derive(Clone, Debug)]
pub struct Document {
    root: Value,
}

/// Why a text is no such document.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is longer than [`MAX_SIZE`].
    #[error("the document has more than {} MiB", MAX_SIZE >> 20)]
    TooLarge,
    /// It is no JSON.
    #[error("the document is no JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// It is of another version, or of none.
    #[error("the document does not say `\"openapi\": \"3.1.…\"`")]
    NotOpenApi,
    /// A member that every document has is missing or of another type.
    #[error("the document's member {0} is missing, or is not what it must be")]
    Member(&'static str),
    /// A reference leads nowhere, or out of the document.
    #[error("the document's reference {0:?} leads nowhere in it")]
    Reference(String),
}

impl Document {
    /// Reads a document, and follows each of its references.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn parse(text: &[u8]) -> Result<Self, DocumentError> {
        if text.len() > MAX_SIZE {
            return Err(DocumentError::TooLarge);
        }
        let document = Self { root: serde_json::from_slice(text)? };
        let version = document.root.get("openapi").and_then(Value::as_str).unwrap_or_default();
        if !version.starts_with("3.1.") {
            return Err(DocumentError::NotOpenApi);
        }
        let has = |pointer, is: fn(&Value) -> bool| document.root.pointer(pointer).is_some_and(is);
        if !has("/info/version", Value::is_string) {
            return Err(DocumentError::Member("info.version"));
        }
        let paths = document.root.get("paths").and_then(Value::as_object);
        if !paths.is_some_and(|paths| paths.values().all(Value::is_object)) {
            return Err(DocumentError::Member("paths"));
        }
        document.check_references(&document.root)?;
        Ok(document)
    }

    /// What `info.version` says.
    #[must_use]
    pub fn version(&self) -> &str {
        self.root.pointer("/info/version").and_then(Value::as_str).unwrap_or_default()
    }

    /// How many operations it has.
    #[must_use]
    pub fn operations(&self) -> usize {
        operation::all(self).len()
    }

    /// What breaks the clients of this document if `new` takes its place.
    #[must_use]
    pub fn breaks(&self, new: &Self, now: OffsetDateTime) -> Vec<Break> {
        let mut found = Found::default();
        operation::compare(self, new, now, &mut found);
        found.into_sorted()
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Value> {
        self.root.get(name)
    }

    /// What a value says, or what the reference that it is says.
    pub(crate) fn resolve<'a>(&'a self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..MAX_HOPS {
            let Some(next) = reference(value).and_then(|name| self.at(name)) else { break };
            value = next;
        }
        value
    }

    pub(crate) fn at(&self, reference: &str) -> Option<&Value> {
        self.root.pointer(reference.strip_prefix('#')?)
    }

    fn check_references(&self, value: &Value) -> Result<(), DocumentError> {
        match value {
            Value::Array(items) => items.iter().try_for_each(|item| self.check_references(item)),
            Value::Object(members) => {
                // A property may have this name; then it is no text.
                if let Some(name) = reference(value)
                    && self.at(name).is_none()
                {
                    return Err(DocumentError::Reference(name.to_owned()));
                }
                members.values().try_for_each(|member| self.check_references(member))
            }
            _ => Ok(()),
        }
    }
}

fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()
}

/// The members of an object; none of anything else.
pub(crate) fn members(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flat_map(Map::iter)
}

/// The items of an array; none of anything else.
pub(crate) fn items(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
