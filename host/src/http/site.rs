//! The public router: three paths of the host's own, and all others to the components.

use std::sync::Arc;

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use http::header;
use parking_lot::Mutex;

use super::{
    Problem,
    dispatch::{Dispatch, dispatch},
    edge::READINESS,
    problem,
};
use crate::{registry::Registry, telemetry::metrics::Metrics};

/// Whether the host takes requests: after it has started, until it begins to stop.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<Phase>>);

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Phase {
    #[default]
    Starting,
    Ready,
    Stopping,
}

impl Readiness {
    /// It has started.
    pub fn started(&self) {
        *self.0.lock() = Phase::Ready;
    }

    /// It begins to stop.
    pub fn stops(&self) {
        *self.0.lock() = Phase::Stopping;
    }

    /// Whether it takes requests.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.0.lock() == Phase::Ready
    }

    /// Whether it has not started yet.
    #[must_use]
    pub fn is_starting(&self) -> bool {
        *self.0.lock() == Phase::Starting
    }
}

/// The router of the public listener.
pub fn site(registry: Registry, metrics: Metrics, readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route(READINESS, get(ready).with_state(readiness.clone()))
        .route("/metrics", get(figures).with_state(metrics))
        .fallback(dispatch)
        .with_state(Dispatch { registry, readiness })
}

async fn ready(State(readiness): State<Readiness>) -> axum::response::Response {
    if readiness.is_ready() { "ready\n".into_response() } else { problem::starting().into_response() }
}

async fn figures(State(metrics): State<Metrics>) -> axum::response::Response {
    const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, OPENMETRICS)], text).into_response(),
        Err(_) => {
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The host failed", "no figures").into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use axum::{body::Body, http::Request};
    use tower::ServiceExt as _;

    use super::*;
    use crate::http::RequestContext;

    async fn asked(site: &Router, path: &str) -> (u16, bool) {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        let peer = SocketAddr::from(([127, 0, 0, 1], 1));
        let context = RequestContext::of(request.headers(), peer, &[]);
        request.extensions_mut().insert(context);
        let response = site.clone().oneshot(request).await.unwrap();
        (response.status().as_u16(), response.headers().contains_key(header::RETRY_AFTER))
    }

    #[tokio::test]
    async fn who_asks_while_the_host_starts_is_told_to_come_again() {
        let readiness = Readiness::default();
        let site = site(Registry::default(), Metrics::default(), readiness.clone());
        for path in [READINESS, "/anything"] {
            assert_eq!(asked(&site, path).await, (503, true), "{path}");
        }
        assert_eq!(asked(&site, "/healthz").await, (200, false));

        readiness.started();
        assert_eq!(asked(&site, READINESS).await, (200, false));
        assert_eq!(asked(&site, "/anything").await, (404, false));

        // What is under way is finished, and a path that nobody serves is known to be none.
        readiness.stops();
        assert_eq!(asked(&site, READINESS).await, (503, true));
        assert_eq!(asked(&site, "/anything").await, (404, false));
    }
}
