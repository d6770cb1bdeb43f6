//! The twin of `tests/components/hello`'s no-op.

use axum::{Router, routing::get};

/// `GET /hello/noop`.
pub(super) fn router() -> Router {
    Router::new().route("/hello/noop", get(|| async {}))
}
