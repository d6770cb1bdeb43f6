//! What handlers answer.

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde_json::json;

use super::Description;
use crate::{Created, Html, IntoResponse, Json, NoContent, Problem, Redirect, Response, Text};

/// An answer that can tell its status, its header fields and its body.
///
/// [`Response`] can't, and has no implementation: a handler that makes one by hand answers [`As`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it answers",
    note = "answer `Json<T>`, `Created<T>`, `NoContent` …, or wrap a response that is made by hand in `openapi::As<…>`"
)]
pub trait DescribeAnswer {
    /// Tells it.
    fn describe(description: &mut Description<'_>);
}

/// A response that was made by hand, described as another: `As<Json<Note>>`, or as either of two: `As<(Json<Note>, NoContent)>`.
pub struct As<A> {
    response: Response,
    described: PhantomData<fn() -> A>,
}

impl<A> As<A> {
    /// The response, of which it is said that it is an `A`.
    pub fn new(response: Response) -> Self {
        Self { response, described: PhantomData }
    }
}

impl<A> From<Response> for As<A> {
    fn from(response: Response) -> Self {
        Self::new(response)
    }
}

impl<A> fmt::Debug for As<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.response.fmt(formatter)
    }
}

impl<A> IntoResponse for As<A> {
    fn into_response(self) -> Response {
        self.response
    }
}

impl<A: DescribeAnswer> DescribeAnswer for As<A> {
    fn describe(description: &mut Description<'_>) {
        A::describe(description);
    }
}

/// Either of them.
impl<A: DescribeAnswer, B: DescribeAnswer> DescribeAnswer for (A, B) {
    fn describe(description: &mut Description<'_>) {
        A::describe(description);
        B::describe(description);
    }
}

/// The route's description says which problems there are.
impl DescribeAnswer for Problem {
    fn describe(_: &mut Description<'_>) {}
}

impl<T: DescribeAnswer, E: DescribeAnswer> DescribeAnswer for Result<T, E> {
    fn describe(description: &mut Description<'_>) {
        T::describe(description);
        E::describe(description);
    }
}

impl DescribeAnswer for () {
    fn describe(description: &mut Description<'_>) {
        description.answer(200, "Done.");
    }
}

impl DescribeAnswer for NoContent {
    fn describe(description: &mut Description<'_>) {
        description.answer(204, "Done; there is nothing to tell.");
    }
}

impl<T: JsonSchema> DescribeAnswer for Json<T> {
    fn describe(description: &mut Description<'_>) {
        description.answer_body::<T>(200, "application/json");
    }
}

impl<T: JsonSchema> DescribeAnswer for Created<T> {
    fn describe(description: &mut Description<'_>) {
        description.answer_body::<T>(201, "application/json");
    }
}

fn text(description: &mut Description<'_>, content_type: &str) {
    description.answer_content(200, content_type, json!({"type": "string"}));
}

impl<T> DescribeAnswer for Text<T> {
    fn describe(description: &mut Description<'_>) {
        text(description, "text/plain; charset=utf-8");
    }
}

impl DescribeAnswer for String {
    fn describe(description: &mut Description<'_>) {
        text(description, "text/plain; charset=utf-8");
    }
}

impl DescribeAnswer for &'static str {
    fn describe(description: &mut Description<'_>) {
        text(description, "text/plain; charset=utf-8");
    }
}

impl<T> DescribeAnswer for Html<T> {
    fn describe(description: &mut Description<'_>) {
        text(description, "text/html; charset=utf-8");
    }
}

/// 303. A route that redirects by 307 or 308 says so in its description.
impl DescribeAnswer for Redirect {
    fn describe(description: &mut Description<'_>) {
        description.answer(303, "Look elsewhere.");
        description.answer_header(303, "Location", "Where to look.", json!({"type": "string"}));
    }
}
