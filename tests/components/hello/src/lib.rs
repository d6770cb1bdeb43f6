//! The smallest component that serves HTTP, for tests of the host and for benchmarks.

use datamp_sdk::prelude::*;
use serde::Serialize;

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.get("/hello/noop", noop);
    router.get("/hello/json", json);
    router.post("/hello/echo", echo);
}

/// Does nothing: what is left is the cost of the way here and back.
fn noop() {}

#[derive(Serialize)]
struct Greeting {
    hello: &'static str,
}

fn json() -> Json<Greeting> {
    Json(Greeting { hello: "world" })
}

/// Answers the body that came, under the content type that it came with.
fn echo(request: &Request) -> Response {
    let content_type = request.header("content-type").unwrap_or("application/octet-stream");
    Response::new(200).header("content-type", content_type).body(request.body())
}
