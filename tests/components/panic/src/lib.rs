//! Panics, for tests of the host.

use datamp_sdk::prelude::*;

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.get("/panic/now", now);
    router.get("/panic/fine", fine);
}

#[allow(clippy::panic, reason = "it is what is being tested")]
fn now(client: ClientAddress) {
    panic!("a guest's own words, told to {}", client.0);
}

fn fine() -> String {
    "fine".to_owned()
}
