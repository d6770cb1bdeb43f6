//! Requests to hosts outside, to those alone that the manifest names and the deployer granted.
//!
//! ```no_run
//! use std::time::Duration;
//! use datamp_sdk::http;
//!
//! fn rate() -> Result<f64, http::Error> {
//!     let response = http::get("https://api.example.com/rates/eur")
//!         .header("accept", "application/json")
//!         .timeout(Duration::from_secs(2))
//!         .send()?;
//!     Ok(response.json::<f64>().unwrap_or(1.0))
//! }
//! ```

use std::borrow::Cow;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why there is no answer.
pub use crate::bindings::datamp::http::client::ClientError as Error;
use crate::bindings::datamp::http::client::{self, IncomingResponse, OutgoingRequest};
use crate::{Method, Problem};

/// A GET of an absolute URL.
pub fn get(url: impl Into<String>) -> Request {
    Request::new(Method::Get, url)
}

/// A POST to an absolute URL.
pub fn post(url: impl Into<String>) -> Request {
    Request::new(Method::Post, url)
}

/// A request to send.
#[derive(Clone, Debug)]
pub struct Request(OutgoingRequest);

impl Request {
    /// A request of any method to an absolute `https:` or `http:` URL.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        Self(OutgoingRequest { method, url: url.into(), headers: Vec::new(), body: Vec::new(), timeout_ms: None })
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.headers.push((name.into(), value.into()));
        self
    }

    /// Adds `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", format!("Bearer {token}"))
    }

    /// Sets the body. Say its `content-type` by a header.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.0.body = body.into();
        self
    }

    /// Sets a JSON body and its content type.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Result<Self, serde_json::Error> {
        let body = serde_json::to_vec(body)?;
        Ok(self.header("content-type", "application/json").body(body))
    }

    /// Sets a form as the body (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    /// How long the whole exchange may take, to the millisecond; never longer than what is left of the component's own
    /// deadline.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.0.timeout_ms = Some(u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX));
        self
    }

    /// Sends it and waits for the whole answer. Redirects are not followed: a 3xx is an answer like any other.
    pub fn send(&self) -> Result<Response, Error> {
        client::send(&self.0).map(Response)
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Response(IncomingResponse);

impl Response {
    /// The status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// Whether the status is 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.0.status)
    }

    /// The first value of a header field. `name` is to be in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// The header section, in order.
    pub fn headers(&self) -> &[(String, String)] {
        &self.0.headers
    }

    /// The body, at most 8 MiB.
    pub fn body(&self) -> &[u8] {
        &self.0.body
    }

    /// The body as text, what is not UTF-8 replaced.
    pub fn text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0.body)
    }

    /// The body, read as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.0.body)
    }
}

/// The words go to the log: 503 where trying again may help, else 500.
impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Timeout | Error::Connection(_) | Error::Unresolved(_) => {
                crate::log::warn!("outgoing request: {}", error);
                Self::unavailable("A service that this needs can't be reached. Try again.")
            }
            error => Self::internal(format_args!("outgoing request: {error}")),
        }
    }
}
