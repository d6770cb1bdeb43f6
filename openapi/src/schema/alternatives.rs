//! A schema, taken apart into alternatives of one type each.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::document::{Document, items, members};
use crate::effort::{Effort, weight};

/// The types of values; `Integer` and `Fraction` are both numbers.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) enum Kind {
    Null,
    Boolean,
    Integer,
    Fraction,
    Text,
    Array,
    Object,
}

impl Kind {
    pub(super) const ALL: [Self; 7] =
        [Self::Null, Self::Boolean, Self::Integer, Self::Fraction, Self::Text, Self::Array, Self::Object];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Fraction => "a number with a fraction",
            Self::Text => "a text",
            Self::Array => "an array",
            Self::Object => "an object",
        }
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() && number.as_f64().is_some_and(|n| n.fract() != 0.0) => {
                Self::Fraction
            }
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::Text,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
        }
    }

    /// The types that a name of JSON Schema stands for.
    fn named(name: &str) -> &'static [Self] {
        match name {
            "null" => &[Self::Null],
            "boolean" => &[Self::Boolean],
            "integer" => &[Self::Integer],
            "number" => &[Self::Integer, Self::Fraction],
            "string" => &[Self::Text],
            "array" => &[Self::Array],
            "object" => &[Self::Object],
            _ => &[],
        }
    }

    /// Whether a keyword says anything of values of this type. Those that are not known might.
    fn heeds(self, keyword: &str) -> bool {
        match keyword {
            "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" | "multipleOf" => {
                matches!(self, Self::Integer | Self::Fraction)
            }
            "minLength" | "maxLength" | "pattern" | "contentEncoding" | "contentMediaType" | "contentSchema" => {
                self == Self::Text
            }
            "format" => matches!(self, Self::Integer | Self::Fraction | Self::Text),
            "items" | "prefixItems" | "contains" | "minItems" | "maxItems" | "uniqueItems" | "minContains"
            | "maxContains" | "unevaluatedItems" => self == Self::Array,
            "properties"
            | "required"
            | "additionalProperties"
            | "patternProperties"
            | "propertyNames"
            | "minProperties"
            | "maxProperties"
            | "dependentRequired"
            | "dependentSchemas"
            | "unevaluatedProperties"
            | "discriminator" => self == Self::Object,
            _ => true,
        }
    }
}

/// What values of one type must be. A list of schemas means all of them.
#[derive(Clone, Debug)]
pub(super) struct Alternative {
    pub(super) kind: Kind,
    /// The only values that are taken.
    pub(super) values: Option<Vec<Value>>,
    /// Whether there may come to be more values.
    pub(super) is_open: bool,
    /// `minimum`, `maxLength` and their like: the tightest.
    pub(super) bounds: BTreeMap<String, Value>,
    pub(super) properties: BTreeMap<String, Vec<Value>>,
    pub(super) required: BTreeSet<String>,
    /// Of properties that are not named, and of items.
    pub(super) additional: Vec<Value>,
    pub(super) items: Vec<Value>,
    pub(super) default: Option<Value>,
    /// Every other keyword with its value: such a one is met only by its equal.
    pub(super) other: BTreeSet<(String, String)>,
}

/// Keywords that say nothing of values.
const WORDS: [&str; 16] = [
    "$ref",
    "$defs",
    "$id",
    "$schema",
    "$comment",
    "$anchor",
    "title",
    "description",
    "examples",
    "example",
    "deprecated",
    "readOnly",
    "writeOnly",
    "externalDocs",
    "xml",
    "default",
];

const LOWER: [&str; 6] = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties", "minContains"];
const UPPER: [&str; 6] = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "maxContains"];

/// How many alternatives a schema may have.
const MOST: usize = 256;

/// How deep references and choices may follow one another in one schema.
const MAX_DEPTH: usize = 32;

/// Everything that a schema takes; nothing where there are too many alternatives.
pub(super) fn alternatives(document: &Document, schema: &Value, effort: &Effort) -> Option<Vec<Alternative>> {
    let anything = Kind::ALL.map(Alternative::of_kind).to_vec();
    narrowed(document, anything, schema, effort, 0).map(joined)
}

/// Alternatives that differ in their only values alone are one: names that are described one by one stand apart.
fn joined(alternatives: Vec<Alternative>) -> Vec<Alternative> {
    let mut joined: Vec<Alternative> = Vec::with_capacity(alternatives.len());
    for one in alternatives {
        match (&one.values, joined.iter_mut().find(|known| known.is_but_for_values(&one))) {
            (Some(more), Some(Alternative { values: Some(values), .. })) => values.extend(more.iter().cloned()),
            _ => joined.push(one),
        }
    }
    joined
}

/// Of the alternatives, what a schema lets through.
fn narrowed(
    document: &Document,
    alternatives: Vec<Alternative>,
    schema: &Value,
    effort: &Effort,
    depth: usize,
) -> Option<Vec<Alternative>> {
    if depth > MAX_DEPTH || !effort.take((alternatives.len() + 1) * weight(schema)) {
        return None;
    }
    let Some(said) = schema.as_object() else {
        return Some(if *schema == Value::Bool(false) { Vec::new() } else { alternatives });
    };
    let mut left: Vec<Alternative> = alternatives.into_iter().filter_map(|one| one.and_keywords(schema)).collect();
    if let Some(referred) = said.get("$ref").and_then(Value::as_str).and_then(|name| document.at(name)) {
        left = narrowed(document, left, referred, effort, depth + 1)?;
    }
    for part in items(said.get("allOf")) {
        left = narrowed(document, left, part, effort, depth + 1)?;
    }
    for choice in ["anyOf", "oneOf"] {
        let Some(choices) = said.get(choice).and_then(Value::as_array) else { continue };
        let mut chosen = Vec::new();
        for part in choices {
            if !effort.take(left.iter().map(Alternative::weight).sum()) {
                return None;
            }
            chosen.extend(narrowed(document, left.clone(), part, effort, depth + 1)?);
            if chosen.len() > MOST {
                return None;
            }
        }
        left = chosen;
    }
    Some(left)
}

impl Alternative {
    fn of_kind(kind: Kind) -> Self {
        Self {
            kind,
            values: None,
            is_open: false,
            bounds: BTreeMap::new(),
            properties: BTreeMap::new(),
            required: BTreeSet::new(),
            additional: Vec::new(),
            items: Vec::new(),
            default: None,
            other: BTreeSet::new(),
        }
    }

    /// Whether it says the same as another, and has only values as that has.
    fn is_but_for_values(&self, other: &Self) -> bool {
        let Self { kind, values, is_open, bounds, properties, required, additional, items, default, other: rest } =
            self;
        values.is_some()
            && other.values.is_some()
            && (*kind, *is_open) == (other.kind, other.is_open)
            && (bounds, properties, required) == (&other.bounds, &other.properties, &other.required)
            && (additional, items, default, rest) == (&other.additional, &other.items, &other.default, &other.other)
    }

    /// What it is to copy it, or to look at all of it.
    pub(super) fn weight(&self) -> usize {
        let lists = self.properties.values().flatten().chain(&self.additional).chain(&self.items);
        lists.chain(self.values.iter().flatten()).map(weight).sum::<usize>()
            + self.other.len()
            + self.required.len()
            + 1
    }

    /// With what a schema's own keywords say; nothing where they leave nothing.
    fn and_keywords(mut self, schema: &Value) -> Option<Self> {
        if let Some(named) = schema.get("type") {
            let names = named.as_str().into_iter().chain(items(Some(named)).iter().filter_map(Value::as_str));
            if !names.flat_map(Kind::named).any(|kind| *kind == self.kind) {
                return None;
            }
        }
        let kind = self.kind;
        for (keyword, value) in members(Some(schema)).filter(|(keyword, _)| kind.heeds(keyword)) {
            match keyword.as_str() {
                "type" | "allOf" | "anyOf" | "oneOf" => {}
                "const" => self.only(std::slice::from_ref(value)),
                "enum" => self.only(items(Some(value))),
                "x-open-enum" => self.is_open |= *value == Value::Bool(true),
                "properties" => {
                    for (name, property) in members(Some(value)) {
                        self.properties.entry(name.clone()).or_default().push(property.clone());
                    }
                }
                "required" => {
                    self.required.extend(items(Some(value)).iter().filter_map(Value::as_str).map(str::to_owned));
                }
                "additionalProperties" => self.additional.push(value.clone()),
                "items" => self.items.push(value.clone()),
                "uniqueItems" if *value == Value::Bool(false) => {}
                "default" => self.default = Some(value.clone()),
                bound if LOWER.contains(&bound) => self.bound(bound, value, |new, known| new > known),
                bound if UPPER.contains(&bound) => self.bound(bound, value, |new, known| new < known),
                word if WORDS.contains(&word) || word.starts_with("x-") => {}
                other => drop(self.other.insert((other.to_owned(), value.to_string()))),
            }
        }
        match &self.values {
            Some(values) if values.is_empty() => None,
            _ => Some(self),
        }
    }

    fn only(&mut self, values: &[Value]) {
        let fits = |value: &&Value| {
            let known = self.values.as_ref();
            Kind::of(value) == self.kind && known.is_none_or(|known| known.contains(value))
        };
        self.values = Some(values.iter().filter(fits).cloned().collect());
    }

    fn bound(&mut self, name: &str, value: &Value, is_tighter: fn(f64, f64) -> bool) {
        let known = self.bounds.get(name).and_then(Value::as_f64);
        let Some(new) = value.as_f64() else { return };
        if known.is_none_or(|known| is_tighter(new, known)) {
            self.bounds.insert(name.to_owned(), value.clone());
        }
    }

    /// A bound as a number; more than enough digits for every bound that means anything.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.bounds.get(name)?.as_f64()
    }

    /// What is said of a property, named or not: all of these.
    pub(super) fn of_property(&self, name: &str) -> &[Value] {
        self.properties.get(name).unwrap_or(&self.additional)
    }

    /// Whether it takes properties that it does not name.
    pub(super) fn takes_others(&self) -> bool {
        !self.additional.contains(&Value::Bool(false))
    }
}
