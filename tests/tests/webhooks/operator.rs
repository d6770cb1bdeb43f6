//! What an operator sees and does of webhooks: `datamp run core webhooks` and `replay-webhooks`.

use datamp_tests::{
    host::Host,
    shop::{Shop, text},
    wait::until,
};
use serde_json::{Value, json};

use super::steps::{at, patch, read, until_status};

/// An endpoint was disabled, as it fails, and is well now: an operator sees it, and has what is dead sent again once the shop takes it.
pub(super) async fn helps(host: &Host, shop: &Shop, endpoint: &Value, dead_ones: [&str; 2]) {
    let id = text(&endpoint["id"]);
    let listed = host.command(&["run", "core", "webhooks"]);
    let dead = read(host, shop, &at(endpoint, "/deliveries?status=dead")).await["data"].as_array().unwrap().len();
    let line = listed.output.lines().find(|line| line.starts_with(&id)).unwrap_or_else(|| panic!("{listed:?}"));
    assert!(line.contains(&shop.id) && line.contains("disabled (failing) since 20"), "{line}");
    assert!(line.contains(&format!("0 waiting, {dead} dead")) && line.ends_with(&text(&endpoint["url"])), "{line}");
    let again =
        |since: &'static str| host.command(&["run", "core", "replay-webhooks", "--endpoint", &id, "--since", since]);
    let refused = again("2026-01-01T00:00:00Z");
    assert!(!refused.succeeded && refused.errors.contains("its shop has to enable it first"), "{refused:?}");
    host.send(patch(shop, &at(endpoint, ""), &json!({"status": "enabled"}))).await.expect(200);
    let none = again("2999-01-01T00:00:00Z");
    assert!(none.succeeded && none.output.contains("sent again: 0"), "{none:?}");
    let all = again("2026-01-01T00:00:00Z");
    assert!(all.succeeded && all.output.contains(&format!("sent again: {dead}")), "{all:?}");
    for delivery in dead_ones {
        until_status(host, shop, endpoint, delivery, "delivered").await;
    }
    until("nothing is in trouble any more", async || {
        let listed = host.command(&["run", "core", "webhooks"]);
        assert!(listed.succeeded, "{listed:?}");
        (!listed.output.contains(&id)).then_some(())
    })
    .await;
    let of_shop = host.command(&["run", "core", "webhooks", "--shop", &shop.id]).output;
    assert!(of_shop.contains(&id) && of_shop.contains("  enabled, 0 waiting, 0 dead  "), "{of_shop}");
    let nobody = "whe_01h455vb4pex5vsknk084sn02q";
    let unknown = host.command(&["run", "core", "replay-webhooks", "--endpoint", nobody]);
    assert!(!unknown.succeeded && unknown.errors.contains("there is no endpoint"), "{unknown:?}");
}
