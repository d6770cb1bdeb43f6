//! Sends a request to the URL in its body, and answers what came of it.

use datamp_sdk::prelude::*;

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.post("/forbidden-host/fetch", fetch);
}

fn fetch(Body(url): Body) -> String {
    let outcome = datamp_sdk::http::get(String::from_utf8_lossy(&url)).send();
    match outcome {
        Ok(answer) => format!("answered {}", answer.status()),
        Err(error) => format!("{error:?}"),
    }
}
