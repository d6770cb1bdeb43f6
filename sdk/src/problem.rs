//! Errors as clients see them: problem documents (RFC 9457).

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::log;

/// The base of every problem's `type`.
pub(crate) const TYPES: &str = "https://datamp.dev/problems/";

/// An error told to the client as `application/problem+json` (RFC 9457).
///
/// Its `type` is `https://datamp.dev/problems/` and the slug: programs tell problems apart by it, so a slug never
/// changes its meaning. `title` says the same for people and is the same every time; `detail` is about this one. The
/// router adds `request_id`.
#[derive(Clone, Debug)]
pub struct Problem(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    status: u16,
    slug: Cow<'static, str>,
    title: Cow<'static, str>,
    detail: Option<String>,
    errors: Vec<FieldError>,
    extensions: Map<String, Value>,
    headers: Vec<(String, String)>,
}

/// A field at fault.
#[derive(Clone, Debug, Serialize)]
struct FieldError {
    field: String,
    detail: String,
}

/// The members in the order in which people read them.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
    #[serde(flatten)]
    extensions: &'a Map<String, Value>,
    request_id: &'a str,
}

impl Problem {
    /// A problem with a status of 400 to 599, a slug (lower case words joined by `-`) and a title.
    pub fn new(status: u16, slug: impl Into<Cow<'static, str>>, title: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            status,
            slug: slug.into(),
            title: title.into(),
            detail: None,
            errors: Vec::new(),
            extensions: Map::new(),
            headers: Vec::new(),
        }))
    }

    /// Says what went wrong this time, and what would help.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds a field at fault to the member `errors`: its path in the request (`items[0].amount`), and what it must be.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldError { field: field.into(), detail: detail.into() });
        self
    }

    /// Adds a member of one's own. The members of every problem keep their meaning: their names are not taken.
    /// A value that is no JSON becomes `null`.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Serialize) -> Self {
        let key = key.into();
        let own = ["type", "title", "status", "detail", "errors", "request_id"];
        if !own.contains(&key.as_str()) {
            let value = serde_json::to_value(value).unwrap_or(Value::Null);
            self.0.extensions.insert(key, value);
        }
        self
    }

    /// Sets a header field of the response, in place of one of the same name.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.0.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(&name));
        self.0.headers.push((name, value.into()));
        self
    }

    /// 400 `bad-request`: the request can't be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(400, "bad-request", "The request can't be understood").detail(detail)
    }

    /// 401 `unauthorized`: who calls is not known. Carries `WWW-Authenticate: Bearer`, as RFC 9110 wants one.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(401, "unauthorized", "Authentication is needed").detail(detail).header("www-authenticate", "Bearer")
    }

    /// 403 `forbidden`: who calls is known, and may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(403, "forbidden", "This is not allowed").detail(detail)
    }

    /// 404 `not-found`.
    pub fn not_found(detail: impl Into<String>) -> Self {
        Self::new(404, "not-found", "Not found").detail(detail)
    }

    /// 409 `conflict`: what is there stands against it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(409, "conflict", "This conflicts with what is there").detail(detail)
    }

    /// 422 `unprocessable`: understood, and can't be done. Name the fields by [`field`](Self::field).
    pub fn unprocessable(detail: impl Into<String>) -> Self {
        Self::new(422, "unprocessable", "The request can't be carried out").detail(detail)
    }

    /// 429 `too-many-requests`, with `Retry-After` in seconds.
    pub fn too_many_requests(retry_after: u64) -> Self {
        Self::new(429, "too-many-requests", "Too many requests")
            .detail(format!("Try again in {retry_after} s."))
            .header("retry-after", retry_after.to_string())
    }

    /// 500 `internal`. The reason goes to the log; the client sees nothing of it but the request's id.
    pub fn internal(reason: impl fmt::Display) -> Self {
        log::error!("{}", reason);
        Self::new(500, "internal", "Something went wrong on our side")
    }

    /// 503 `unavailable`: it may work a little later. Carries `Retry-After: 1`.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(503, "unavailable", "This can't be done right now").detail(detail).header("retry-after", "1")
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The slug, the last segment of `type`.
    pub fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The whole document, as the client gets it.
    pub fn document(&self, request_id: &str) -> Value {
        serde_json::to_value(self.told(self.0.status, request_id)).unwrap_or(Value::Null)
    }

    pub(crate) fn render(&self, status: u16, request_id: &str) -> Vec<u8> {
        serde_json::to_vec(&self.told(status, request_id)).unwrap_or_default()
    }

    fn told<'a>(&'a self, status: u16, request_id: &'a str) -> Document<'a> {
        let inner = &*self.0;
        Document {
            r#type: format!("{TYPES}{}", inner.slug),
            title: &inner.title,
            status,
            detail: inner.detail.as_deref(),
            errors: &inner.errors,
            extensions: &inner.extensions,
            request_id,
        }
    }

    pub(crate) fn into_headers(self) -> Vec<(String, String)> {
        self.0.headers
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.0.status, self.0.title)?;
        if let Some(detail) = &self.0.detail {
            write!(formatter, ": {detail}")?;
        }
        for error in &self.0.errors {
            write!(formatter, "; {}: {}", error.field, error.detail)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{IntoResponse, Method, Request, Router};

    fn answer(problem: impl Fn() -> Problem + 'static) -> crate::Response {
        let mut router = Router::new();
        router.get("/", move || Err::<(), _>(problem()));
        router.handle(&Request::new(Method::Get, "/"))
    }

    #[test]
    fn is_told_as_rfc_9457_wants_it() {
        let response = answer(|| {
            Problem::new(422, "insufficient-funds", "Not enough money")
                .detail("The balance is 5.")
                .field("amount", "must be at most 5")
                .with("balance", 5)
        });
        assert_eq!(response.status(), 422);
        assert_eq!(response.header_value("content-type"), Some("application/problem+json"));
        assert_eq!(
            response.text(),
            r#"{"type":"https://datamp.dev/problems/insufficient-funds","title":"Not enough money","status":422,"#
                .to_owned()
                + r#""detail":"The balance is 5.","errors":[{"field":"amount","detail":"must be at most 5"}],"#
                + r#""balance":5,"request_id":"test"}"#
        );
    }

    #[test]
    fn says_nothing_where_there_is_nothing_to_say() {
        assert_eq!(
            Problem::new(404, "not-found", "Not found").document("r1"),
            json!({"type": "https://datamp.dev/problems/not-found", "title": "Not found", "status": 404, "request_id": "r1"})
        );
    }

    #[test]
    fn keeps_the_reason_of_an_internal_error_to_the_log() {
        let response = answer(|| Problem::internal("the password is hunter2"));
        assert_eq!(response.status(), 500);
        assert!(!response.text().contains("hunter2"));
    }

    #[test]
    fn carries_the_fields_its_status_asks_for() {
        let too_many = answer(|| Problem::too_many_requests(30));
        assert_eq!(too_many.header_value("retry-after"), Some("30"));
        let unauthorized = answer(|| Problem::unauthorized("No."));
        assert_eq!(unauthorized.header_value("www-authenticate"), Some("Bearer"));
        let own = answer(|| Problem::unauthorized("No.").header("WWW-Authenticate", "Own"));
        assert_eq!(own.header_value("www-authenticate"), Some("Own"));
    }

    #[test]
    fn an_extension_does_not_replace_a_member() {
        let document = Problem::bad_request("Why.").with("status", 200).with("type", "x").document("r");
        assert_eq!(document["status"], 400);
        assert_eq!(document["type"], "https://datamp.dev/problems/bad-request");
    }

    #[test]
    fn another_status_shows_in_the_document_too() {
        let response = (418, Problem::bad_request("Why.")).into_response().finish("r");
        assert_eq!(response.status(), 418);
        assert!(response.text().contains(r#""status":418"#));
    }

    #[test]
    fn a_database_that_is_busy_is_unavailable_and_one_that_refuses_is_a_fault_of_ours() {
        use crate::database::Error;
        for (error, status) in [
            (Error::Conflict, 503),
            (Error::Timeout, 503),
            (Error::Unavailable("down".into()), 503),
            (Error::Denied("SELECT on shop".into()), 500),
            (Error::NoRow, 500),
        ] {
            let problem = Problem::from(error);
            assert_eq!(problem.status(), status);
            assert!(!problem.to_string().contains("shop"));
        }
    }
}
