//! `datamp:http/client` as components call it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use tokio::time::Instant;
use url::Url;
use wasmtime::component::{HasSelf, Linker};

use super::{
    answer::{Answer, Patience},
    hosts::AllowedHosts,
    outbound::{Outbound, OutgoingBody, SendError},
};
use crate::{
    bindings::platform::datamp::http::{
        client::{self, ClientError, IncomingResponse, OutgoingRequest},
        types::{self, Method},
    },
    engine::InstanceState,
    telemetry::trace::TraceContext,
};

/// Links `datamp:http/client` and the types it uses.
///
/// # Errors
/// The linker has one of the interfaces already.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    types::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)?;
    client::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)
}

impl types::Host for InstanceState {}

impl client::Host for InstanceState {
    async fn send(&mut self, request: OutgoingRequest) -> wasmtime::Result<Result<IncomingResponse, ClientError>> {
        let (capabilities, call) = (&self.component.capabilities, &self.call);
        let outbound = &capabilities.platform.outbound;
        let answer = exchange(outbound, &capabilities.hosts, call.trace, call.deadline, request).await;
        Ok(answer.map_err(Into::into))
    }
}

impl From<SendError> for ClientError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::InvalidUrl(problem) => Self::InvalidUrl(problem),
            SendError::InvalidHeader(problem) => Self::InvalidHeader(problem),
            SendError::HostNotAllowed(host) => Self::HostNotAllowed(host),
            SendError::AddressNotAllowed(address) => Self::AddressNotAllowed(address.to_string()),
            SendError::Unresolved(name) => Self::Unresolved(name),
            SendError::Connection(problem) => Self::Connection(problem),
            SendError::Timeout => Self::Timeout,
            SendError::TooLarge(limit) => Self::TooLarge(limit),
        }
    }
}

/// One whole exchange, by the rules for those hosts.
pub(super) async fn exchange(
    outbound: &Outbound,
    hosts: &AllowedHosts,
    trace: TraceContext,
    deadline: Instant,
    request: OutgoingRequest,
) -> Result<IncomingResponse, SendError> {
    let wanted = request.timeout_ms.map(|ms| Instant::now() + Duration::from_millis(ms.into()));
    let until = wanted.map_or(deadline, |wanted| wanted.min(deadline));
    let patience = Patience { until, pause: None };
    incoming(outbound.open(hosts, outgoing(request)?, trace, until, patience).await?).await
}

/// The request as it goes out.
fn outgoing(request: OutgoingRequest) -> Result<Request<OutgoingBody>, SendError> {
    let url = Url::parse(&request.url).map_err(|error| SendError::InvalidUrl(error.to_string()))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(SendError::InvalidUrl("the URL has a user's name in it".to_owned()));
    }
    if !matches!(url.scheme(), "http" | "https") {
        return Err(SendError::InvalidUrl("the URL's scheme is neither https nor http".to_owned()));
    }
    let uri: Uri = url.as_str().parse().map_err(|_| SendError::InvalidUrl("it is too long, or no URL".to_owned()))?;
    let mut outgoing = Request::new(());
    *outgoing.method_mut() = method(request.method)?;
    *outgoing.uri_mut() = uri;
    *outgoing.headers_mut() = headers(request.headers, request.body.len())?;
    let body = Full::new(Bytes::from(request.body)).map_err(|never| match never {}).boxed_unsync();
    Ok(outgoing.map(|()| body))
}

fn method(method: Method) -> Result<http::Method, SendError> {
    Ok(match method {
        Method::Get => http::Method::GET,
        Method::Head => http::Method::HEAD,
        Method::Post => http::Method::POST,
        Method::Put => http::Method::PUT,
        Method::Delete => http::Method::DELETE,
        Method::Patch => http::Method::PATCH,
        Method::Options => http::Method::OPTIONS,
        Method::Other(token) => http::Method::from_bytes(token.as_bytes())
            .map_err(|_| SendError::InvalidHeader(format!("the method {token:?} is no token")))?,
    })
}

/// The fields that belong to the connection (RFC 9110, section 7.6.1), and to the host.
fn is_the_hosts(name: &HeaderName) -> bool {
    const OTHERS: [&str; 3] = ["http2-settings", "keep-alive", "proxy-connection"];
    [
        header::CONNECTION,
        header::HOST,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ]
    .contains(name)
        || OTHERS.contains(&name.as_str())
}

fn headers(fields: Vec<(String, String)>, body: usize) -> Result<HeaderMap, SendError> {
    let invalid = |name: &str, problem: &str| {
        let name: String = name.chars().take(100).collect();
        SendError::InvalidHeader(format!("{name:?} {problem}"))
    };
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid(&name, "is no name of a header"))?;
        let value = HeaderValue::from_bytes(value.as_bytes())
            .map_err(|_| invalid(&name, "has a value with characters that no header can have"))?;
        if is_the_hosts(&parsed) {
            return Err(invalid(&name, "belongs to the connection, which is the host's"));
        }
        if parsed == header::CONTENT_LENGTH {
            // The client writes it itself; one that differs would make two requests of one.
            if value.as_bytes() != body.to_string().as_bytes() {
                return Err(invalid(&name, "is not the length of the body"));
            }
            continue;
        }
        headers.try_append(parsed, value).map_err(|_| invalid(&name, "is one header too many"))?;
    }
    Ok(headers)
}

/// The whole answer, without the fields that belong to the connection.
async fn incoming(response: Response<Answer>) -> Result<IncomingResponse, SendError> {
    let (head, body) = response.into_parts();
    let body = body.collect().await?.to_bytes();
    let headers = head
        .headers
        .iter()
        .filter(|(name, _)| !is_the_hosts(name))
        .map(|(name, value)| (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Ok(IncomingResponse { status: head.status.as_u16(), headers, body: body.into() })
}
