//! What every request passes through, whoever answers it: an id, a trace, a limit on its body and its time, a count.

use std::{
    any::Any,
    convert::Infallible,
    net::SocketAddr,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{Router, body::Body, response::Response};
use futures::{FutureExt, future::BoxFuture};
use http::{HeaderMap, Request, StatusCode, header};
use ipnet::IpNet;
use tokio::time::Instant;
use tower::Service;

use super::{Problem, RequestContext, X_REQUEST_ID, problem};
use crate::{manifest::ByteSize, telemetry::metrics::EdgeMetrics, timers::Timers};

/// Where the host says whether it takes requests.
pub(super) const READINESS: &str = "/readyz";

/// The limits of the edge.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// The longest body that is taken, whatever a component allows.
    pub body: ByteSize,
    /// How long a request may take in all, whatever a component allows.
    pub timeout: Duration,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests that take longer are logged.
    pub slow: Duration,
    /// A connection whose client takes nothing of what is sent to it for so long is closed, on Linux. `None`: it is waited for.
    pub stalled: Option<Duration>,
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self {
            body: ByteSize(256 << 20),
            timeout: Duration::from_secs(310),
            trusted_proxies: Vec::new(),
            slow: Duration::from_secs(1),
            stalled: Some(Duration::from_secs(60)),
        }
    }
}

/// A router behind the edge, for one connection.
#[derive(Clone)]
pub struct Edge {
    router: Router,
    settings: Arc<EdgeSettings>,
    metrics: Arc<EdgeMetrics>,
    peer: SocketAddr,
    timers: Timers,
}

impl Edge {
    /// Puts a router behind the edge. `peer` is the other end of the connection.
    #[must_use]
    pub fn new(router: Router, settings: Arc<EdgeSettings>, metrics: Arc<EdgeMetrics>, peer: SocketAddr) -> Self {
        Self { router, settings, metrics, peer, timers: Timers::default() }
    }

    /// What is wrong with a request before its body is read.
    fn refusal(&self, headers: &HeaderMap) -> Option<Problem> {
        let length = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse::<u64>().ok()?;
        let limit = self.settings.body;
        (length > u64::try_from(limit.0).unwrap_or(u64::MAX)).then(|| problem::body_too_large(limit))
    }
}

impl<B> Service<Request<B>> for Edge
where
    B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let started = Instant::now();
        let context = RequestContext::of(request.headers(), self.peer, &self.settings.trusted_proxies);
        let settings = Arc::clone(&self.settings);
        let metrics = Arc::clone(&self.metrics);
        let timers = self.timers.clone();
        let (mut parts, body) = request.into_parts();
        if let Some(problem) = self.refusal(&parts.headers) {
            let response = finish(problem.response(Some(&context.id)), &context, &metrics);
            return Box::pin(std::future::ready(Ok(response)));
        }
        let body = if body.is_end_stream() {
            Body::empty()
        } else {
            Body::new(http_body_util::Limited::new(body, settings.body.0))
        };
        let path = parts.uri.path_and_query().map(|p| p.path().to_owned()).unwrap_or_default();
        let method = parts.method.clone();
        parts.extensions.insert(context.clone());
        let inner = self.router.call(Request::from_parts(parts, body));
        Box::pin(async move {
            // A panic of the host would take the whole connection with it, and with HTTP/2 its other requests.
            let inner = AssertUnwindSafe(inner).catch_unwind();
            let response = match timers.within(started + settings.timeout, inner).await {
                Ok(Ok(Ok(response))) => response,
                Ok(Err(panic)) => host_panicked(panic.as_ref()).response(Some(&context.id)),
                Err(_) => too_late(settings.timeout).response(Some(&context.id)),
            };
            let took = started.elapsed();
            let status = response.status();
            // A load balancer asks /readyz all the time, and 503 is a good answer there.
            if (status.is_server_error() && path != READINESS) || took >= settings.slow {
                tracing::warn!(
                    request_id = %context.id, trace_id = %&*context.trace.trace_id_hex(),
                    http.request.method = %method, url.path = %path,
                    http.response.status_code = status.as_u16(), event.duration = took.as_nanos(),
                    "a request failed or took long"
                );
            }
            Ok(finish(response, &context, &metrics))
        })
    }
}

fn finish(mut response: Response, context: &RequestContext, metrics: &EdgeMetrics) -> Response {
    metrics.count(response.status());
    if let Some(id) = context.id_value() {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    response
}

fn host_panicked(panic: &(dyn Any + Send)) -> Problem {
    let message = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!("the host panicked: {message}");
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The host failed",
        "a bug of the host; its log has more under the request's id",
    )
}

fn too_late(limit: Duration) -> Problem {
    Problem::new(
        StatusCode::GATEWAY_TIMEOUT,
        "deadline-exceeded",
        "No answer in time",
        format!("there was no answer within {} s", limit.as_secs()),
    )
}
