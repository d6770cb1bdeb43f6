//! From what was said of an API to its document.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Map, Value, json};

use super::Draft;
use super::draft::{Answer, Planned, names_in};
use crate::Router;
use crate::problem::TYPES;

/// The version of OpenAPI that is written.
const OPENAPI: &str = "3.1.0";

/// What is said of an API as a whole.
#[derive(Clone, Debug)]
pub struct Document {
    title: &'static str,
    version: &'static str,
    text: Option<&'static str>,
    except: Vec<&'static str>,
}

/// What keeps a document from being drawn, one line for each fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for Faults {}

impl Document {
    /// The document of an API with this name. Its version is the document's, not the component's.
    pub fn new(title: &'static str, version: &'static str) -> Self {
        Self { title, version, text: None, except: Vec::new() }
    }

    /// What callers have to know of all operations, in CommonMark.
    #[must_use]
    pub fn text(mut self, text: &'static str) -> Self {
        self.text = Some(text);
        self
    }

    /// Leaves out a route, by its pattern: a page for people, a picture.
    #[must_use]
    pub fn except(mut self, pattern: &'static str) -> Self {
        self.except.push(pattern);
        self
    }

    /// Draws the document of the routes that `routes` adds.
    ///
    /// # Errors
    /// Names every route that is not described, every operation without an id, a summary or a tag, every id that is taken
    /// twice, every parameter of a path that no handler takes, and every type that is read otherwise than it is written.
    pub fn of(&self, routes: impl FnOnce(&mut Router)) -> Result<Value, Faults> {
        let mut router = Router::describing();
        routes(&mut router);
        let served = router.served();
        let mut draft = router.draft().map(std::mem::take).unwrap_or_default();
        let operations = draft.take_operations();
        let (mut schemas, two_faced) = draft.schemas.take();
        let mut faults = std::mem::take(&mut draft.faults);
        for name in two_faced {
            faults
                .push(format!("the schema {name} is read otherwise than it is written: give the two types two names"));
        }
        faults.extend(self.faults_of(&served, &operations));
        if schemas.insert("Problem".to_owned(), problem_schema()).is_some() {
            faults.push("the schema Problem is taken by a type".to_owned());
        }
        if !faults.is_empty() {
            return Err(Faults(faults));
        }
        Ok(self.whole(&draft, &operations, json!(schemas)))
    }

    fn faults_of(&self, served: &[(String, String)], operations: &[Planned]) -> Vec<String> {
        let mut faults = Vec::new();
        for (method, pattern) in served {
            let is_described = operations.iter().any(|one| one.method == *method && one.pattern == *pattern);
            if !is_described && !self.except.contains(&pattern.as_str()) {
                faults.push(format!("{method} {pattern} is not described: add it by an `Api`"));
            }
        }
        let mut ids = BTreeSet::new();
        for one in operations {
            let mut lacks = |what: &str| faults.push(format!("{} {} has no {what}", one.method, one.pattern));
            if one.summary.is_none() {
                lacks("summary");
            }
            if one.tag.is_none() {
                lacks("tag");
            }
            match one.id {
                None => lacks("id"),
                Some(id) if !ids.insert(id) => faults.push(format!("two operations have the id {id}")),
                Some(_) => {}
            }
            for name in names_in(&one.pattern) {
                let is_taken = |parameter: &Value| parameter["in"] == "path" && parameter["name"] == name.as_str();
                if !one.parameters.iter().any(is_taken) {
                    faults.push(format!("{} {} does not take {{{name}}}", one.method, one.pattern));
                }
            }
        }
        faults
    }

    fn whole(&self, draft: &Draft, operations: &[Planned], schemas: Value) -> Value {
        let mut paths: Map<String, Value> = Map::new();
        for one in operations {
            let path = paths.entry(one.pattern.replace("{*", "{")).or_insert_with(|| json!({}));
            set(path, &one.method, operation(one));
        }
        let mut info = json!({ "title": self.title, "version": self.version });
        if let Some(text) = self.text {
            set(&mut info, "description", text);
        }
        let tags: Vec<Value> =
            draft.tags.iter().map(|(name, text)| json!({ "name": name, "description": text })).collect();
        let mut components = json!({ "schemas": schemas, "headers": headers(), "responses": responses() });
        if !draft.security.is_empty() {
            set(&mut components, "securitySchemes", json!(draft.security));
        }
        json!({
            "openapi": OPENAPI,
            "info": info,
            "servers": [{ "url": "/" }],
            "tags": tags,
            "paths": paths,
            "components": components,
        })
    }
}

/// Sets a member of an object.
fn set(object: &mut Value, name: &str, value: impl Into<Value>) {
    if let Some(members) = object.as_object_mut() {
        members.insert(name.to_owned(), value.into());
    }
}

/// Sets a field in the head of an answer.
fn set_header(answer: &mut Value, name: &str, value: Value) {
    if let Some(headers) = answer.get_mut("headers") {
        set(headers, name, value);
    }
}

fn operation(one: &Planned) -> Value {
    let mut operation = json!({
        "operationId": one.id,
        "summary": one.summary,
        "tags": one.tag.into_iter().collect::<Vec<_>>(),
        "responses": answers(one),
    });
    if let Some(text) = one.text {
        set(&mut operation, "description", text);
    }
    if !one.parameters.is_empty() {
        set(&mut operation, "parameters", json!(one.parameters));
    }
    if let Some(body) = &one.body {
        set(&mut operation, "requestBody", body.clone());
    }
    let mut security: Vec<Value> = one.security.iter().map(|name| json!({ *name: [] })).collect();
    if one.security_is_optional {
        security.push(json!({}));
    }
    set(&mut operation, "security", security);
    if let Some((since, sunset)) = one.deprecated {
        set(&mut operation, "deprecated", true);
        set(&mut operation, "x-deprecated-since", since.to_rfc3339());
        if let Some(sunset) = sunset {
            set(&mut operation, "x-sunset", sunset.to_rfc3339());
        }
    }
    operation
}

fn answers(one: &Planned) -> Value {
    let mut answers: Map<String, Value> = Map::new();
    for (status, answer) in &one.answers {
        answers.insert(status.to_string(), answer_object(*status, answer));
    }
    let mut problems = one.problems.clone();
    // What the host answers before a handler is asked.
    let mut of_the_host = |status: u16, slug: &str, when: &str| {
        problems.entry(status).or_default().insert(slug.to_owned(), when.to_owned());
    };
    of_the_host(400, "malformed-request", "The request is no well-formed HTTP.");
    if one.body.is_some() {
        of_the_host(408, "body-timeout", "The body did not arrive in time.");
        of_the_host(413, "body-too-large", "The body is longer than is taken here.");
    }
    for (status, slugs) in &problems {
        let mut described = String::new();
        for (slug, when) in slugs {
            described.push_str(&format!("- `{slug}`: {when}\n"));
        }
        let types: Vec<String> = slugs.keys().map(|slug| format!("{TYPES}{slug}")).collect();
        let schema = json!({
            "allOf": [{ "$ref": "#/components/schemas/Problem" }],
            "properties": {
                "type": { "type": "string", "enum": types, "x-open-enum": true },
                "status": { "const": status },
            },
        });
        let mut object = json!({
            "description": described.trim_end(),
            "content": { "application/problem+json": { "schema": schema } },
            "headers": { "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" } },
        });
        for name in headers_of(*status) {
            set_header(&mut object, name, json!({ "$ref": format!("#/components/headers/{name}") }));
        }
        answers.insert(status.to_string(), object);
    }
    answers.insert("431".to_owned(), json!({ "$ref": "#/components/responses/HeadTooLarge" }));
    answers.insert("5XX".to_owned(), json!({ "$ref": "#/components/responses/ServerError" }));
    if let Some((_, sunset)) = one.deprecated {
        for answer in answers.values_mut().filter(|answer| answer.get("$ref").is_none()) {
            set_header(answer, "Deprecation", json!({ "$ref": "#/components/headers/Deprecation" }));
            if sunset.is_some() {
                set_header(answer, "Sunset", json!({ "$ref": "#/components/headers/Sunset" }));
            }
        }
    }
    answers.into()
}

fn answer_object(status: u16, answer: &Answer) -> Value {
    let description = match (answer.description.as_str(), status) {
        ("", 201) => "It was made.",
        ("", _) => "What was asked for.",
        (said, _) => said,
    };
    let mut headers = answer.headers.clone();
    headers.insert("X-Request-Id".to_owned(), json!({ "$ref": "#/components/headers/X-Request-Id" }));
    let mut object = json!({ "description": description, "headers": headers });
    if !answer.content.is_empty() {
        set(&mut object, "content", json!(answer.content));
    }
    object
}

/// The fields that a problem of a status has in its head (RFC 9110).
fn headers_of(status: u16) -> &'static [&'static str] {
    match status {
        401 => &["WWW-Authenticate"],
        409 | 429 | 503 => &["Retry-After"],
        _ => &[],
    }
}

fn headers() -> Value {
    json!({
        "X-Request-Id": {
            "description": "The request's id, for whoever asks what became of it.",
            "schema": { "type": "string" },
        },
        "WWW-Authenticate": {
            "description": "How to authenticate (RFC 9110, 11.6.1).",
            "schema": { "type": "string" },
        },
        "Retry-After": {
            "description": "When to try again, in seconds from now.",
            "schema": { "type": "integer", "minimum": 0 },
        },
        "Deprecation": {
            "description": "Since when the operation is not to be used any more (RFC 9745).",
            "schema": { "type": "string", "pattern": "^@-?[0-9]+$" },
        },
        "Sunset": {
            "description": "When the operation may be gone (RFC 8594).",
            "schema": { "type": "string" },
        },
    })
}

fn responses() -> Value {
    json!({
        "HeadTooLarge": { "description": "The head of the request is too large. The answer has no body." },
        "ServerError": {
            "description": "Something went wrong on our side. A request with an idempotency key can be sent again as it is.\n\n\
                - 500: it failed, and the log has more under the request's id.\n\
                - 502: the answer could not be sent.\n\
                - 503: it may work a little later, which `Retry-After` says.\n\
                - 504: there was no answer in time.",
            "headers": {
                "Retry-After": { "$ref": "#/components/headers/Retry-After" },
                "X-Request-Id": { "$ref": "#/components/headers/X-Request-Id" },
            },
            "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        },
    })
}

/// RFC 9457, with the members that the SDK and the host add.
fn problem_schema() -> Value {
    json!({
        "description": "What went wrong (RFC 9457). Programs tell problems apart by `type`; some have members of their own.",
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {
                "description": "Which problem it is. It never changes its meaning; there may be more.",
                "type": "string",
                "format": "uri",
                "pattern": format!("^{}[a-z0-9-]+$", TYPES.replace('.', r"\.")),
                "examples": [format!("{TYPES}unprocessable")],
            },
            "title": { "description": "The same in words, for every problem of the type.", "type": "string" },
            "status": { "description": "The status of the answer.", "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "description": "What went wrong this time, and what would help.", "type": "string" },
            "errors": {
                "description": "The fields at fault.",
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["field", "detail"],
                    "properties": {
                        "field": {
                            "description": "Its path in the request.",
                            "type": "string",
                            "examples": ["items[0].amount"],
                        },
                        "detail": { "description": "What it must be.", "type": "string" },
                    },
                },
            },
            "request_id": { "description": "The request's id.", "type": "string" },
        },
    })
}
