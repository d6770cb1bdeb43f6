//! Responses, and what handlers may return for one.

use std::borrow::Cow;
use std::fmt;

use serde::Serialize;

use crate::Problem;
use crate::bindings::datamp::http::types::Response as Raw;
use crate::cookies::SetCookie;

/// A response: a status, header fields and a body.
#[derive(Debug)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Rendered into the body at the very end, where the request's id is known.
    problem: Option<Problem>,
}

impl Response {
    /// An empty response with a status of 200 to 599.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), problem: None }
    }

    /// Adds a header field. Fields of the same name are kept.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body. Say its `content-type` by a header.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a cookie.
    #[must_use]
    pub fn cookie(self, cookie: SetCookie) -> Self {
        let value = cookie.to_string();
        self.header("set-cookie", value)
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The header fields, in order.
    pub fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    /// The first value of a header field; case of the name does not matter.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body. A [`Problem`]'s is empty until the router has rendered it.
    pub fn bytes(&self) -> &[u8] {
        &self.body
    }

    /// The body as text, what is not UTF-8 replaced; for tests.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn of_problem(problem: Problem) -> Self {
        Self { status: problem.status(), headers: Vec::new(), body: Vec::new(), problem: Some(problem) }
    }

    /// Renders a problem, now that the request's id is known.
    pub(crate) fn finish(mut self, request_id: &str) -> Self {
        if let Some(problem) = self.problem.take() {
            self.body = problem.render(self.status, request_id);
            self.headers.push(("content-type".to_owned(), "application/problem+json".to_owned()));
            self.headers.extend(problem.into_headers());
        }
        self
    }

    pub(crate) fn into_raw(self) -> Raw {
        Raw { status: self.status, headers: self.headers, body: self.body }
    }
}

/// What a handler may return.
pub trait IntoResponse: Sized {
    /// Makes the response.
    fn into_response(self) -> Response;

    /// The response with one more header field.
    fn with_header(self, name: impl Into<String>, value: impl Into<String>) -> Response {
        self.into_response().header(name, value)
    }

    /// The response with a cookie set.
    fn with_cookie(self, cookie: SetCookie) -> Response {
        self.into_response().cookie(cookie)
    }
}

impl IntoResponse for Response {
    fn into_response(self) -> Response {
        self
    }
}

/// 200 with an empty body.
impl IntoResponse for () {
    fn into_response(self) -> Response {
        Response::new(200)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Response::of_problem(self)
    }
}

impl<T: IntoResponse, E: IntoResponse> IntoResponse for Result<T, E> {
    fn into_response(self) -> Response {
        match self {
            Ok(answer) => answer.into_response(),
            Err(error) => error.into_response(),
        }
    }
}

/// The same with another status.
impl<T: IntoResponse> IntoResponse for (u16, T) {
    fn into_response(self) -> Response {
        self.1.into_response().with_status(self.0)
    }
}

impl IntoResponse for &'static str {
    fn into_response(self) -> Response {
        Text(self).into_response()
    }
}

impl IntoResponse for String {
    fn into_response(self) -> Response {
        Text(self).into_response()
    }
}

/// JSON: as an extractor the request's body, as an answer the response's.
///
/// Extracting answers 415 when the content type is not JSON (`application/json` or `…+json`), 400 with line and column
/// when the text is not JSON, and 422 naming the field when it does not fit the type. A type that refuses unknown fields
/// (`#[serde(deny_unknown_fields)]`) refuses them here.
#[derive(Clone, Debug, PartialEq)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => Response::new(200).header("content-type", "application/json").body(body),
            Err(error) => Problem::internal(format_args!("the answer is no JSON: {error}")).into_response(),
        }
    }
}

/// 201 with a JSON body. Name the new resource by `.with_header("location", …)` where it has a URL.
#[derive(Clone, Debug, PartialEq)]
pub struct Created<T>(pub T);

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let response = Json(self.0).into_response();
        match response.status() {
            200 => response.with_status(201),
            _ => response,
        }
    }
}

/// 204 without a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoContent;

impl IntoResponse for NoContent {
    fn into_response(self) -> Response {
        Response::new(204)
    }
}

/// 200 with `text/html; charset=utf-8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Html<T>(pub T);

impl<T: Into<String>> IntoResponse for Html<T> {
    fn into_response(self) -> Response {
        Response::new(200).header("content-type", "text/html; charset=utf-8").body(self.0.into())
    }
}

/// 200 with `text/plain; charset=utf-8`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<T>(pub T);

impl<T: Into<String>> IntoResponse for Text<T> {
    fn into_response(self) -> Response {
        Response::new(200).header("content-type", "text/plain; charset=utf-8").body(self.0.into())
    }
}

/// Sends the client elsewhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Redirect {
    status: u16,
    location: String,
}

impl Redirect {
    /// 303: look there, with GET. What a form is answered with.
    pub fn see_other(location: impl Into<String>) -> Self {
        Self { status: 303, location: location.into() }
    }

    /// 307: the same request, there, this time.
    pub fn temporary(location: impl Into<String>) -> Self {
        Self { status: 307, location: location.into() }
    }

    /// 308: the same request, there, from now on.
    pub fn permanent(location: impl Into<String>) -> Self {
        Self { status: 308, location: location.into() }
    }
}

impl fmt::Debug for Redirect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.status, self.location)
    }
}

impl IntoResponse for Redirect {
    fn into_response(self) -> Response {
        Response::new(self.status).header("location", self.location)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(answer: impl IntoResponse) -> (u16, Option<String>, String) {
        let response = answer.into_response().finish("r");
        let content_type = response.header_value("Content-Type").map(str::to_owned);
        (response.status(), content_type, response.text().into_owned())
    }

    fn of(status: u16, content_type: &str, body: &str) -> (u16, Option<String>, String) {
        (status, Some(content_type.to_owned()), body.to_owned())
    }

    #[test]
    fn each_answer_has_its_status_and_content_type() {
        assert_eq!(shown(Json([1, 2])), of(200, "application/json", "[1,2]"));
        assert_eq!(shown(Created("x")), of(201, "application/json", "\"x\""));
        assert_eq!(shown(Html("<p>")), of(200, "text/html; charset=utf-8", "<p>"));
        assert_eq!(shown(Text("t")), of(200, "text/plain; charset=utf-8", "t"));
        assert_eq!(shown((202, Text("t"))), of(202, "text/plain; charset=utf-8", "t"));
        assert_eq!(shown(NoContent), (204, None, String::new()));
        assert_eq!(shown(()), (200, None, String::new()));
        let result: Result<NoContent, Problem> = Err(Problem::forbidden("No."));
        assert_eq!(shown(result).0, 403);
    }

    #[test]
    fn redirects_tell_where_to() {
        for (redirect, status) in
            [(Redirect::see_other("/a"), 303), (Redirect::temporary("/a"), 307), (Redirect::permanent("/a"), 308)]
        {
            let response = redirect.into_response();
            assert_eq!(response.status(), status);
            assert_eq!(response.header_value("location"), Some("/a"));
        }
    }

    #[test]
    fn what_is_no_json_is_a_fault_of_ours() {
        let no_text = std::collections::BTreeMap::from([([1u8], 1)]);
        assert_eq!(shown(Json(&no_text)).0, 500);
        assert_eq!(shown(Created(&no_text)).0, 500);
    }

    #[test]
    fn a_header_may_come_twice() {
        let response = Text("t").with_header("vary", "a").header("vary", "b");
        assert_eq!(response.headers().iter().filter(|(name, _)| name == "vary").count(), 2);
    }
}
