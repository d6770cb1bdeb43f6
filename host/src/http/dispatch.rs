//! From a request behind the edge to the generation that serves it, and back.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{body::Body, extract::State, response::Response};
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::{BodyExt, LengthLimitError, Limited, combinators::UnsyncBoxBody};
use tokio::{
    sync::oneshot,
    time::{Instant, Sleep, sleep_until, timeout_at},
};

use super::{Problem, RequestContext, convert, problem, site::Readiness};
use crate::{
    engine::{CallContext, CallError, pool::InstancePool, standard::StandardHandler},
    manifest::ByteSize,
    registry::{Generation, InFlightGuard, Registry, Route, Runner},
};

/// What requests are dispatched by.
#[derive(Clone)]
pub(super) struct Dispatch {
    pub(super) registry: Registry,
    pub(super) readiness: Readiness,
}

/// Serves a request by the generation that its path is routed to now.
pub(super) async fn dispatch(State(to): State<Dispatch>, request: Request<Body>) -> Response {
    let Some(context) = request.extensions().get::<RequestContext>().cloned() else {
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The host failed", "no edge")
            .response(None);
    };
    let path = request.uri().path();
    let generation = match to.registry.route(path) {
        Some(Route::Up(generation)) => generation,
        Some(Route::Down(component)) => return problem::not_running(&component).response(Some(&context.id)),
        // What is there is not known yet: who is told 404 would not come again.
        None if to.readiness.is_starting() => return problem::starting().response(Some(&context.id)),
        None => return problem::no_route(path).response(Some(&context.id)),
    };
    let guard = generation.enter();
    let started = Instant::now();
    let deadline = started + generation.deadline();
    let served = match generation.runner() {
        Runner::Typed(pool) => typed(&generation, pool, request, &context, deadline).await,
        Runner::Standard(handler) => standard(&generation, handler, request, &context, deadline, guard).await,
    };
    let response = served.unwrap_or_else(|problem| problem.response(Some(&context.id)));
    generation.metrics().observe(response.status(), started.elapsed());
    response
}

async fn typed(
    generation: &Generation,
    pool: &InstancePool,
    request: Request<Body>,
    context: &RequestContext,
    deadline: Instant,
) -> Result<Response, Problem> {
    if !pool.serves().http {
        return Err(problem::no_route(request.uri().path()));
    }
    let limits = &generation.manifest().limits;
    let (parts, body) = request.into_parts();
    let body = if body.is_end_stream() { Vec::new() } else { collect(body, limits.request_body, deadline).await? };
    let request = convert::request(&parts, body, context)?;
    let answer = pool.handle(call(context, deadline), &request).await;
    answer
        .and_then(|answer| convert::response(answer, generation.name(), limits.response_body))
        .map_err(|error| failed(&error, context))
}

async fn standard(
    generation: &Generation,
    handler: &StandardHandler,
    request: Request<Body>,
    context: &RequestContext,
    deadline: Instant,
    guard: InFlightGuard,
) -> Result<Response, Problem> {
    let limits = &generation.manifest().limits;
    if declared_length(&request).is_some_and(|length| length > limits.request_body.0) {
        return Err(problem::body_too_large(limits.request_body));
    }
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, limits.request_body.0).map_err(|error| {
        if error.is::<LengthLimitError>() {
            wasmtime_wasi_http::Error::HttpRequestBodySize(None)
        } else {
            wasmtime_wasi_http::Error::HttpProtocolError
        }
    });
    let request = Request::from_parts(absolute(parts), UnsyncBoxBody::new(body));
    let answered = handler.handle(call(context, deadline), request, guard).await;
    let answered = answered.map_err(|error| failed(&error, context))?;
    let (mut parts, body) = answered.response.into_parts();
    parts.headers.remove(header::CONNECTION);
    parts.headers.remove(header::TRANSFER_ENCODING);
    let body = StandardBody {
        body: Limited::new(body, limits.response_body.0),
        end: Box::pin(sleep_until(deadline)),
        _sent: answered.sent,
    };
    Ok(Response::from_parts(parts, Body::new(body)))
}

/// `wasi:http` wants the scheme and the authority in the URI; HTTP/1 has the latter in `Host`.
fn absolute(mut parts: http::request::Parts) -> http::request::Parts {
    if parts.uri.authority().is_none() {
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(http::uri::Scheme::HTTP);
        uri.authority = host.parse().ok();
        uri.path_and_query = parts.uri.path_and_query().cloned();
        if let Ok(uri) = http::Uri::from_parts(uri) {
            parts.uri = uri;
        }
    }
    parts
}

fn call(context: &RequestContext, deadline: Instant) -> CallContext {
    CallContext { request_id: Arc::clone(&context.id), trace: context.trace, deadline, callers: Vec::new() }
}

fn failed(error: &CallError, context: &RequestContext) -> Problem {
    tracing::warn!(
        request_id = %context.id, trace_id = %&*context.trace.trace_id_hex(), "a component gave no answer: {error}"
    );
    Problem::from(error)
}

fn declared_length(request: &Request<Body>) -> Option<usize> {
    request.headers().get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn collect(body: Body, limit: ByteSize, deadline: Instant) -> Result<Vec<u8>, Problem> {
    if body.size_hint().lower() > u64::try_from(limit.0).unwrap_or(u64::MAX) {
        return Err(problem::body_too_large(limit));
    }
    match timeout_at(deadline, Limited::new(body, limit.0).collect()).await {
        Ok(Ok(body)) => Ok(body.to_bytes().into()),
        Ok(Err(error)) if is_length_limit(&*error) => Err(problem::body_too_large(limit)),
        Ok(Err(_)) => Err(problem::malformed("the body ended before its length, or broke off")),
        Err(_) => Err(problem::body_too_slow()),
    }
}

/// The edge's own limit lies inside this one, so its error may be wrapped.
fn is_length_limit(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source()).any(|error| error.is::<LengthLimitError>())
}

/// The body of a standard component's answer: the request counts as under way until its last frame, and it is cut off
/// at the deadline.
struct StandardBody {
    body: Limited<UnsyncBoxBody<Bytes, wasmtime_wasi_http::Error>>,
    end: Pin<Box<Sleep>>,
    _sent: oneshot::Sender<()>,
}

impl HttpBody for StandardBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::BoxError>>> {
        if self.end.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Some(Err("the component did not finish its answer in time".into())));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
