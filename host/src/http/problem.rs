//! Every error that the host itself answers, as a problem document (RFC 9457).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};

use crate::engine::CallError;

/// What every problem's `type` begins with.
const BASE: &str = "https://datamp.dev/problems/";

/// A problem document: a stable `type`, and what was wrong with what.
#[derive(Clone, Debug)]
pub struct Problem {
    status: StatusCode,
    slug: &'static str,
    title: &'static str,
    detail: String,
    retry_after: Option<u64>,
    extra: serde_json::Map<String, serde_json::Value>,
}

impl Problem {
    /// A problem. `slug` ends its `type` and never changes; `detail` says what to do.
    #[must_use]
    pub fn new(status: StatusCode, slug: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, slug, title, detail: detail.into(), retry_after: None, extra: serde_json::Map::new() }
    }

    /// The same with `Retry-After`, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The same with another member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.extra.insert(name.to_owned(), value.into());
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// As a response, with the request's id in it where there is one.
    #[must_use]
    pub fn response(&self, request_id: Option<&str>) -> Response {
        let mut document = self.extra.clone();
        document.insert("type".to_owned(), format!("{BASE}{}", self.slug).into());
        document.insert("title".to_owned(), self.title.into());
        document.insert("status".to_owned(), self.status.as_u16().into());
        document.insert("detail".to_owned(), self.detail.as_str().into());
        if let Some(id) = request_id {
            document.insert("request_id".to_owned(), id.into());
        }
        let mut response = Response::new(Body::from(serde_json::Value::Object(document).to_string()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.response(None)
    }
}

impl From<&CallError> for Problem {
    /// The client learns which component failed and how; the guest's own words stay in the log.
    fn from(error: &CallError) -> Self {
        let detail = error.to_string();
        match error {
            CallError::Saturated { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "Too many requests at once",
                format!("{detail}. Try again shortly."),
            )
            .retry_after(1),
            CallError::Deadline { .. } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "deadline-exceeded", "No answer in time", detail)
            }
            CallError::Memory { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "memory-exceeded", "Out of memory", detail)
            }
            CallError::StackOverflow { .. } => {
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "stack-overflow", "Stack overflow", detail)
            }
            CallError::Trapped { component, .. } => Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "component-failed",
                "The component failed",
                format!("{component} failed while it worked on this request. The log has more under the request's id."),
            ),
            CallError::NotStarted { component, .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "component-not-started",
                "The component could not be started",
                format!("{component} could not be started. The log has more under the request's id."),
            ),
            CallError::InvalidResponse { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, "invalid-response", "The component's answer is invalid", detail)
            }
            CallError::ResponseTooLarge { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, "response-too-large", "The component's answer is too long", detail)
            }
            CallError::Killed { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "replaced",
                "The component was replaced",
                format!("{detail}. Try again."),
            )
            .retry_after(1),
            CallError::NotProvided { .. } => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "dependency-unavailable",
                "A component that is needed is not active",
                detail,
            )
            .retry_after(5),
            CallError::Cycle { .. } => {
                Self::new(StatusCode::LOOP_DETECTED, "call-cycle", "Components call each other in a circle", detail)
            }
            CallError::TooDeep { .. } => {
                Self::new(StatusCode::LOOP_DETECTED, "call-depth", "Components call each other too deeply", detail)
            }
        }
    }
}

/// An unknown path.
#[must_use]
pub fn no_route(path: &str) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no-route", "Nothing is served here", format!("no component serves {path}"))
}

/// The host does not take requests yet, or no longer.
#[must_use]
pub fn starting() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready", "the host is starting or stopping")
        .retry_after(1)
}

/// A component that is to be active and is not running.
#[must_use]
pub fn not_running(component: &str) -> Problem {
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "component-not-running",
        "The component is not running",
        format!("{component} serves this, and is not running. Try again later."),
    )
    .retry_after(5)
}

/// A body that is longer than allowed.
#[must_use]
pub fn body_too_large(limit: impl std::fmt::Display) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body-too-large",
        "The request's body is too long",
        format!("a body may have at most {limit} here"),
    )
}

/// A body that did not arrive in time.
#[must_use]
pub fn body_too_slow() -> Problem {
    Problem::new(
        StatusCode::REQUEST_TIMEOUT,
        "body-timeout",
        "The request's body did not arrive in time",
        "send the whole body at once, or over a faster connection",
    )
}

/// A request that is no well-formed HTTP.
#[must_use]
pub fn malformed(detail: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "malformed-request", "The request is malformed", detail)
}
