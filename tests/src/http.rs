//! HTTP as a client sees it, with nothing done behind its back: no pool, no redirect, and no request sent again.

use std::{net::SocketAddr, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{net::TcpStream, time::timeout};

/// How long a request may take before it counts as hanging: longer than any service's deadline.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A request to send.
#[derive(Clone, Debug)]
pub struct Outgoing(Request<Full<Bytes>>);

impl Outgoing {
    /// A request of any method, without a body.
    #[must_use]
    pub fn new(method: &str, path: &str) -> Self {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        Self(Request::builder().method(method).uri(path).body(Full::default()).unwrap())
    }

    /// A GET.
    #[must_use]
    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    /// A POST of JSON.
    #[must_use]
    pub fn post(path: &str, body: &Value) -> Self {
        Self::new("POST", path).header("content-type", "application/json").body(body.to_string())
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.0.headers_mut().append(HeaderName::try_from(name).unwrap(), HeaderValue::try_from(value).unwrap());
        self
    }

    /// The same with a token.
    #[must_use]
    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    /// The same with a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        *self.0.body_mut() = Full::new(body.into());
        self
    }

    /// Sends it on a connection of its own.
    ///
    /// # Errors
    /// When there is no connection, or no answer within the time given.
    pub async fn send(self, address: SocketAddr, patience: Duration) -> anyhow::Result<Answer> {
        let exchange = async { Connection::open(address).await?.send(self).await };
        timeout(patience, exchange).await.map_err(|_| anyhow::anyhow!("no answer within {patience:?}"))?
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The header section.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// A header's value, if it came once or more often.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The end of a problem's `type`, if the answer is a problem document.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        let media_type = self.header("content-type")?;
        let json = self.json();
        let slug = json["type"].as_str()?.strip_prefix("https://datamp.dev/problems/")?;
        (media_type == "application/problem+json").then(|| slug.to_owned())
    }

    /// Fails the test unless the status is the expected one.
    #[allow(clippy::must_use_candidate, clippy::return_self_not_must_use, reason = "most callers only want the check")]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    /// Fails the test unless it is this problem. It then tells in words what was wrong.
    pub fn expect_problem(&self, status: u16, slug: &str) {
        assert_eq!(
            (self.status.as_u16(), self.problem().as_deref()),
            (status, Some(slug)),
            "{} {}",
            self.status,
            self.text()
        );
        assert!(self.json()["title"].is_string() && self.json()["detail"].is_string(), "{}", self.text());
        assert_eq!(self.json()["status"], status);
    }
}

/// One connection, kept.
pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    address: SocketAddr,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, address })
    }

    /// Sends a request and waits for its whole answer.
    ///
    /// # Errors
    /// When the connection was closed, or the answer broke off.
    pub async fn send(&mut self, request: Outgoing) -> anyhow::Result<Answer> {
        let mut request = request.0;
        request.headers_mut().entry(header::HOST).or_insert(self.address.to_string().parse()?);
        self.sender.ready().await?;
        let (parts, body) = self.sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer { status: parts.status, headers: parts.headers, body })
    }
}
