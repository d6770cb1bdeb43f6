//! The twins of `bench-caller` and `bench-echo`: two services that speak HTTP with each other over loopback, as they would
//! if they were no components.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::http::{Connection, Failure, Request};

/// As `bench:echo/calls` has it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Entry {
    id: String,
    amount: i64,
    note: Option<String>,
}

#[derive(Deserialize)]
struct Calls {
    calls: u32,
}

/// The callee: answers a number with the next one, and a list of records with the same list.
pub(super) fn router() -> Router {
    Router::new()
        .route("/echo/scalar", post(|Json(number): Json<u64>| async move { Json(number.wrapping_add(1)) }))
        .route("/echo/records", post(|Json(entries): Json<Vec<Entry>>| async move { Json(entries) }))
}

/// The caller: `GET /bench/scalar?calls=N` and `GET /bench/records/M?calls=N` call the callee N times, one after the other
/// on a connection that is kept.
pub(super) fn calling(echo: SocketAddr) -> Router {
    let callee = Arc::new(Callee { address: echo, connection: Mutex::new(None) });
    Router::new()
        .route("/bench/scalar", get(call_scalar))
        .route("/bench/records/{records}", get(call_records))
        .with_state(callee)
}

struct Callee {
    address: SocketAddr,
    connection: Mutex<Option<Connection>>,
}

impl Callee {
    /// Calls it `calls` times with what `argument` makes, and hands every answer to `check`.
    async fn call<T: Serialize, U: for<'de> Deserialize<'de>>(
        &self,
        path: &str,
        calls: u32,
        argument: impl Fn(u32) -> T,
        check: impl Fn(u32, U) -> bool,
    ) -> Result<(), StatusCode> {
        let host = self.address.to_string();
        let json = [("content-type".to_owned(), "application/json".to_owned())];
        let mut kept = self.connection.lock().await;
        // Taken out, so that a connection that failed is not kept.
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => Connection::open(self.address).await.map_err(bad_gateway)?,
        };
        for call in 0..calls {
            let body = serde_json::to_vec(&argument(call)).map_err(bad_gateway)?;
            let request = Request::new("POST", &host, path, &json, &body);
            let response = connection.exchange(&request).await.map_err(bad_gateway)?;
            let answer = serde_json::from_slice(response.body).map_err(bad_gateway)?;
            if response.status != 200 || !check(call, answer) {
                return Err(bad_gateway(Failure::Status(response.status)));
            }
        }
        *kept = Some(connection);
        Ok(())
    }
}

fn bad_gateway(error: impl std::fmt::Display) -> StatusCode {
    eprintln!("the callee failed: {error}");
    StatusCode::BAD_GATEWAY
}

async fn call_scalar(
    State(callee): State<Arc<Callee>>,
    Query(Calls { calls }): Query<Calls>,
) -> Result<(), StatusCode> {
    callee.call("/echo/scalar", calls, u64::from, |call, answer: u64| answer == u64::from(call) + 1).await
}

async fn call_records(
    State(callee): State<Arc<Callee>>,
    Path(records): Path<u32>,
    Query(Calls { calls }): Query<Calls>,
) -> Result<(), StatusCode> {
    let entries: Vec<_> = (0..records)
        .map(|n| Entry { id: format!("transfer_{n:026}"), amount: i64::from(n), note: Some("an order".to_owned()) })
        .collect();
    callee.call("/echo/records", calls, |_| &entries, |_, answer: Vec<Entry>| answer.len() == entries.len()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_server::serve;

    #[tokio::test]
    async fn the_caller_calls_the_callee_as_often_as_it_is_told() {
        let caller = serve(calling(serve(router()).await)).await;
        let mut connection = Connection::open(caller).await.unwrap();
        for target in ["/bench/scalar?calls=0", "/bench/scalar?calls=20", "/bench/records/3?calls=20"] {
            let request = Request::new("GET", "test", target, &[], b"");
            assert_eq!(connection.exchange(&request).await.unwrap().status, 200, "{target}");
        }
    }

    #[tokio::test]
    async fn a_callee_that_answers_something_else_is_an_error() {
        let callee = Router::new().route("/echo/scalar", post(|| async { "7" }));
        let caller = serve(calling(serve(callee).await)).await;
        let mut connection = Connection::open(caller).await.unwrap();
        let request = Request::new("GET", "test", "/bench/scalar?calls=1", &[], b"");
        assert_eq!(connection.exchange(&request).await.unwrap().status, 502);
    }
}
