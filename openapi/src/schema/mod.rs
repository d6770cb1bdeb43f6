//! Whether one JSON Schema (2020-12) takes every value that another takes.
//!
//! Each schema is taken apart into [alternatives](Alternative) of one type each. Every alternative of the one must lie within an
//! alternative of the other. Recursive schemas are compared by assuming what is being shown, which is sound: a value that
//! disproved it would be found at a finite depth.

mod alternatives;
mod included;

use std::collections::{BTreeSet, HashSet};

use serde_json::Value;

use crate::document::Document;
use crate::effort::{Effort, weight};
use crate::message::Way;
use alternatives::{Alternative, alternatives};

/// How deep schemas are followed. What lies deeper can't be told.
const MAX_DEPTH: usize = 60;

/// A way in which the one takes what the other does not.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fault {
    /// Where in the value: `items[].amount`.
    pub(crate) place: String,
    pub(crate) what: String,
}

/// What keeps the schema `narrow` from lying within `wide`.
pub(crate) fn faults(
    (narrow_in, narrow): (&Document, &Value),
    (wide_in, wide): (&Document, &Value),
    way: Way,
    effort: &Effort,
) -> BTreeSet<Fault> {
    let same_words = narrow_in.member("components") == wide_in.member("components");
    let mut comparison = Comparison { narrow_in, wide_in, way, same_words, effort, assumed: HashSet::new(), depth: 0 };
    comparison.compare(narrow, wide, "")
}

struct Comparison<'a> {
    narrow_in: &'a Document,
    wide_in: &'a Document,
    way: Way,
    /// Whether every reference means the same in both documents.
    same_words: bool,
    effort: &'a Effort,
    /// Pairs with references that are being compared, around the one that is looked at.
    assumed: HashSet<(String, String)>,
    depth: usize,
}

impl Comparison<'_> {
    fn compare(&mut self, narrow: &Value, wide: &Value, place: &str) -> BTreeSet<Fault> {
        if self.same_words && narrow == wide {
            return BTreeSet::new();
        }
        let cannot_tell = |what: &str| BTreeSet::from([Fault { place: place.to_owned(), what: what.to_owned() }]);
        if self.depth >= MAX_DEPTH || !self.effort.take(weight(narrow) + weight(wide)) {
            return cannot_tell("the schema is too large or too deep to be compared");
        }
        let ones = alternatives(self.narrow_in, narrow, self.effort);
        let others = alternatives(self.wide_in, wide, self.effort);
        let (Some(ones), Some(others)) = (ones, others) else {
            return cannot_tell("the schema has too many alternatives to be compared");
        };
        // Without references a schema ends by itself.
        let pair = (narrow.to_string(), wide.to_string());
        let assumes = pair.0.contains("\"$ref\"") && pair.1.contains("\"$ref\"");
        if assumes && !self.assumed.insert(pair.clone()) {
            return BTreeSet::new();
        }
        self.depth += 1;
        let faults = self.each_within(&ones, &others, place);
        self.depth -= 1;
        if assumes {
            self.assumed.remove(&pair);
        }
        faults
    }

    /// What keeps each of the alternatives from lying within one of the others.
    fn each_within(&mut self, ones: &[Alternative], others: &[Alternative], place: &str) -> BTreeSet<Fault> {
        let mut faults = BTreeSet::new();
        for one in ones {
            let mut nearest: Option<BTreeSet<Fault>> = None;
            for other in others.iter().filter(|other| other.kind == one.kind) {
                if !self.effort.take(one.weight() + other.weight()) {
                    let what = "the schema is too large or too deep to be compared".to_owned();
                    return BTreeSet::from([Fault { place: place.to_owned(), what }]);
                }
                let found = self.within(one, other, place);
                if nearest.as_ref().is_none_or(|known| found.len() < known.len()) {
                    nearest = Some(found);
                }
                if nearest.as_ref().is_some_and(BTreeSet::is_empty) {
                    break;
                }
            }
            match nearest {
                Some(found) => faults.extend(found),
                None => {
                    let kind = one.kind.name();
                    let what = match self.way {
                        Way::Request => format!("{kind} was taken, and is not any more"),
                        Way::Answer => format!("it may now be {kind}"),
                    };
                    faults.insert(Fault { place: place.to_owned(), what });
                }
            }
        }
        faults
    }
}
