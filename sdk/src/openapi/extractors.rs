//! What extractors take from a request.

use schemars::JsonSchema;
use serde_json::json;

use super::Description;
use crate::{
    Bearer, Body, ClientAddress, Form, Headers, IdempotencyKey, Json, Path, Problem, Query, Request, RequestId,
};

/// An extractor that can tell what it takes, and which problems it answers.
///
/// ```
/// use datamp_sdk::openapi::{DescribeRequest, Description};
/// use datamp_sdk::prelude::*;
///
/// struct Caller(String);
///
/// impl FromRequest for Caller {
///     fn from_request(request: &Request, params: &Params) -> Result<Self, Problem> {
///         Bearer::from_request(request, params).map(|Bearer(token)| Self(token))
///     }
/// }
///
/// impl DescribeRequest for Caller {
///     fn describe(description: &mut Description<'_>) {
///         Bearer::describe(description);
///         description.problem(403, "not-a-member", "The token's owner is no member.");
///     }
/// }
/// ```
pub trait DescribeRequest {
    /// Tells it.
    fn describe(description: &mut Description<'_>);
}

/// What is read of it, the route's description says.
impl DescribeRequest for Request {
    fn describe(_: &mut Description<'_>) {}
}

/// What is read of them, the route's description says.
impl DescribeRequest for Headers {
    fn describe(_: &mut Description<'_>) {}
}

impl DescribeRequest for ClientAddress {
    fn describe(_: &mut Description<'_>) {}
}

impl DescribeRequest for RequestId {
    fn describe(_: &mut Description<'_>) {}
}

impl<T: DescribeRequest> DescribeRequest for Option<T> {
    fn describe(description: &mut Description<'_>) {
        description.optionally(T::describe);
    }
}

/// The handler answers the extractor's problem in its own way, and may do without the value.
impl<T: DescribeRequest> DescribeRequest for Result<T, Problem> {
    fn describe(description: &mut Description<'_>) {
        description.optionally(T::describe);
    }
}

impl<T: JsonSchema> DescribeRequest for Path<T> {
    fn describe(description: &mut Description<'_>) {
        description.path_parameters::<T>();
        description.problem(400, "bad-request", "A part of the path does not have its form.");
    }
}

impl<T: JsonSchema> DescribeRequest for Query<T> {
    fn describe(description: &mut Description<'_>) {
        description.query_parameters::<T>();
        description.problem(
            400,
            "bad-request",
            "A parameter of the query is not known, is given twice or does not have its form; `errors` names it.",
        );
    }
}

impl<T: JsonSchema> DescribeRequest for Json<T> {
    fn describe(description: &mut Description<'_>) {
        description.body::<T>("application/json");
        description.problem(400, "malformed-json", "The body is not JSON; `line` and `column` say where it breaks.");
        description.problem(415, "unsupported-media-type", "The body is not said to be JSON.");
        description.problem(422, "unprocessable", "The body does not have its form; `errors` names the field.");
    }
}

impl<T: JsonSchema> DescribeRequest for Form<T> {
    fn describe(description: &mut Description<'_>) {
        description.body::<T>("application/x-www-form-urlencoded");
        description.problem(415, "unsupported-media-type", "The body is not said to be a form.");
        description.problem(422, "unprocessable", "The form does not have its fields; `errors` names the field.");
    }
}

impl DescribeRequest for Body {
    fn describe(description: &mut Description<'_>) {
        description.raw_body("*/*", json!({}));
    }
}

impl DescribeRequest for Bearer {
    fn describe(description: &mut Description<'_>) {
        description.security("bearer", json!({"type": "http", "scheme": "bearer"}));
        description.problem(401, "unauthorized", "The token is missing or does not hold.");
    }
}

impl DescribeRequest for IdempotencyKey {
    fn describe(description: &mut Description<'_>) {
        description.header(
            "Idempotency-Key",
            true,
            "A value of the caller's choice, new for each operation and the same for each retry of it: visible ASCII \
             characters and spaces between them. Quotes around it are left out.",
            json!({
                "type": "string",
                "minLength": 1,
                "maxLength": 255,
                "pattern": r#"^(?!""$)[!-~](?:[ -~]{0,253}[!-~])?$"#,
                "examples": ["6f1c3f0e-order-1042"],
            }),
        );
        description.problem(400, "idempotency-key-missing", "The field Idempotency-Key is missing.");
        description.problem(
            400,
            "idempotency-key-invalid",
            "The idempotency key is not 1 to 255 printable ASCII characters.",
        );
    }
}
