//! The public router: three paths of the host's own, and all others to the components.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::get};
use http::header;

use super::{Problem, dispatch::dispatch, edge::READINESS};
use crate::{registry::Registry, telemetry::metrics::Metrics};

/// Whether the host takes requests: after it has started, until it begins to stop.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// Says so.
    pub fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Release);
    }

    /// Whether it does.
    #[must_use]
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// The router of the public listener.
pub fn site(registry: Registry, metrics: Metrics, readiness: Readiness) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "alive\n" }))
        .route(READINESS, get(ready).with_state(readiness))
        .route("/metrics", get(figures).with_state(metrics))
        .fallback(dispatch)
        .with_state(registry)
}

async fn ready(State(readiness): State<Readiness>) -> axum::response::Response {
    if readiness.get() {
        "ready\n".into_response()
    } else {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready", "the host is starting or stopping")
            .retry_after(1)
            .into_response()
    }
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
