//! What is known of an API while its routes are added.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use super::schemas::{Schemas, without_null};
use crate::{Method, Timestamp};

/// What was said so far.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    pub(super) schemas: Schemas,
    pub(super) tags: Vec<(&'static str, &'static str)>,
    pub(super) security: BTreeMap<&'static str, Value>,
    pub(super) faults: Vec<String>,
    done: Vec<Planned>,
    current: Planned,
}

/// One operation.
#[derive(Debug, Default)]
pub(crate) struct Planned {
    pub(super) method: String,
    pub(super) pattern: String,
    pub(super) tag: Option<&'static str>,
    pub(super) id: Option<&'static str>,
    pub(super) summary: Option<&'static str>,
    pub(super) text: Option<&'static str>,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    pub(super) security: BTreeSet<&'static str>,
    pub(super) security_is_optional: bool,
    pub(super) answers: BTreeMap<u16, Answer>,
    pub(super) problems: BTreeMap<u16, BTreeMap<String, String>>,
    /// Since when, and when it may be gone.
    pub(super) deprecated: Option<(Timestamp, Option<Timestamp>)>,
}

/// An answer that is no problem, or what an answer of any status has in its head.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) description: String,
    pub(super) headers: Map<String, Value>,
    pub(super) content: Map<String, Value>,
}

impl Draft {
    pub(super) fn tag(&mut self, name: &'static str, description: &'static str) {
        if !self.tags.iter().any(|(known, _)| *known == name) {
            self.tags.push((name, description));
        }
    }

    pub(super) fn begin(&mut self, method: &Method, pattern: &str, tag: Option<&'static str>) {
        let method = method.as_str().to_ascii_lowercase();
        let next = Planned { method, pattern: pattern.to_owned(), tag, ..Planned::default() };
        let before = mem::replace(&mut self.current, next);
        if !before.pattern.is_empty() {
            self.done.push(before);
        }
    }

    pub(super) fn current(&mut self) -> &mut Planned {
        &mut self.current
    }

    pub(super) fn description(&mut self) -> Description<'_> {
        Description(self)
    }

    /// All operations, in the order in which they were added.
    pub(super) fn take_operations(&mut self) -> Vec<Planned> {
        let last = mem::take(&mut self.current);
        let mut operations = mem::take(&mut self.done);
        operations.extend((!last.pattern.is_empty()).then_some(last));
        operations
    }
}

/// One operation of an API's document, while it is being described.
///
/// Schemas that are given by hand are JSON Schema 2020-12.
#[derive(Debug)]
pub struct Description<'d>(&'d mut Draft);

impl Description<'_> {
    fn planned(&mut self) -> &mut Planned {
        &mut self.0.current
    }

    fn parameter(&mut self, place: &str, name: &str, required: bool, schema: Value) {
        let mut schema = without_null(schema);
        let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let mut parameter = json!({ "in": place, "name": name, "required": required, "schema": schema });
        if let (Some(parameter), Some(description)) = (parameter.as_object_mut(), description) {
            parameter.insert("description".to_owned(), description);
        }
        self.planned().parameters.push(parameter);
    }

    /// The parameters of the path: those that the pattern names, by what `T` reads of them.
    pub fn path_parameters<T: JsonSchema>(&mut self) {
        let whole = self.0.schemas.of_request::<T>();
        let names = names_in(&self.0.current.pattern);
        for (place, name) in names.iter().enumerate() {
            let by_name = whole.pointer(&format!("/properties/{name}"));
            let by_place = whole.pointer(&format!("/prefixItems/{place}"));
            let schema = match by_name.or(by_place) {
                Some(schema) => schema.clone(),
                None if names.len() == 1 => self.0.schemas.named_in_request::<T>(),
                None => continue,
            };
            self.parameter("path", name, true, schema);
        }
    }

    /// The parameters of the query: the fields of `T`.
    pub fn query_parameters<T: JsonSchema>(&mut self) {
        let whole = self.0.schemas.of_request::<T>();
        let Some(fields) = whole.get("properties").and_then(Value::as_object) else {
            let of = T::schema_name();
            return self.0.faults.push(format!("{of} is taken from a query, and is no struct with fields"));
        };
        let required: Vec<&str> =
            whole.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, schema) in fields {
            self.parameter("query", name, required.contains(&name.as_str()), schema.clone());
        }
    }

    /// A field of the request's head.
    pub fn header(&mut self, name: &str, required: bool, description: &str, schema: Value) {
        let mut schema = schema;
        if let Some(schema) = schema.as_object_mut() {
            schema.insert("description".to_owned(), description.into());
        }
        self.parameter("header", name, required, schema);
    }

    /// The request's body.
    pub fn body<T: JsonSchema>(&mut self, content_type: &str) {
        let schema = self.0.schemas.named_in_request::<T>();
        self.raw_body(content_type, schema);
    }

    /// The request's body, by a schema.
    pub fn raw_body(&mut self, content_type: &str, schema: Value) {
        self.planned().body = Some(json!({ "required": true, "content": { content_type: { "schema": schema } } }));
    }

    /// What is taken by `say` may also be left out.
    pub fn optionally(&mut self, say: impl FnOnce(&mut Self)) {
        let (parameters, had_body) = (self.planned().parameters.len(), self.planned().body.is_some());
        let schemes = self.planned().security.len();
        say(self);
        let planned = self.planned();
        let now_optional = planned.parameters.iter_mut().skip(parameters);
        for taken in now_optional.chain(planned.body.iter_mut().filter(|_| !had_body)) {
            let needed = taken.get("in").is_some_and(|place| place == "path");
            if let (Some(taken), false) = (taken.as_object_mut(), needed) {
                taken.insert("required".to_owned(), false.into());
            }
        }
        planned.security_is_optional |= planned.security.len() > schemes;
    }

    /// Who may call: by a security scheme with this name, as OpenAPI's Security Scheme Object tells it.
    pub fn security(&mut self, name: &'static str, scheme: Value) {
        self.planned().security.insert(name);
        self.0.security.insert(name, scheme);
    }

    /// An answer without a body.
    pub fn answer(&mut self, status: u16, description: &str) {
        self.planned().answers.entry(status).or_default().description = description.to_owned();
    }

    /// An answer with a body that `T` is written as.
    pub fn answer_body<T: JsonSchema>(&mut self, status: u16, content_type: &str) {
        let schema = self.0.schemas.named_in_answer::<T>();
        self.answer_content(status, content_type, schema);
    }

    /// An answer with a body, by a schema.
    pub fn answer_content(&mut self, status: u16, content_type: &str, schema: Value) {
        let answer = self.planned().answers.entry(status).or_default();
        answer.content.insert(content_type.to_owned(), json!({ "schema": schema }));
    }

    /// A field in the head of an answer that was described.
    pub fn answer_header(&mut self, status: u16, name: &str, description: &str, schema: Value) {
        let answer = self.planned().answers.entry(status).or_default();
        answer.headers.insert(name.to_owned(), json!({ "description": description, "schema": schema }));
    }

    /// A field in the heads of all answers that were described so far.
    pub fn header_of_answers(&mut self, name: &str, description: &str, schema: Value) {
        for answer in self.planned().answers.values_mut() {
            answer.headers.insert(name.to_owned(), json!({ "description": description, "schema": schema }));
        }
    }

    /// A problem that is answered: the status, the slug that ends its `type`, and when that is.
    pub fn problem(&mut self, status: u16, slug: &str, when: &str) {
        self.planned().problems.entry(status).or_default().insert(slug.to_owned(), when.to_owned());
    }
}

/// The names in a pattern, in their order: `id` in `/notes/{id}`.
pub(super) fn names_in(pattern: &str) -> Vec<String> {
    let after_brace = pattern.split('{').skip(1);
    after_brace.filter_map(|rest| Some(rest.split_once('}')?.0.trim_start_matches('*').to_owned())).collect()
}
