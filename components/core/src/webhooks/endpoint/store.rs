//! The table `webhook_endpoint`, as shops change it.

use datamp_models::core::ShopId;
use datamp_models::webhooks::{WebhookDisabledBecause, WebhookEndpointId};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Timestamp, params};

use super::{Endpoint, free_slot};
use crate::sql::Statement;

const SLOTS: &str = "SELECT slot FROM webhook_endpoint WHERE shop_id = $1 AND slot IS NOT NULL";

const INSERT: &str = "INSERT INTO webhook_endpoint (id, shop_id, slot, url, description, event_types, status, secret_version, failures, \
                      created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9) ON CONFLICT (shop_id, slot) DO NOTHING";

const BY_ID: &str = "SELECT id, url, description, event_types, status, disabled_because, disabled_at, failing_since, secret_version, \
                     previous_secret_until, created_at FROM webhook_endpoint WHERE shop_id = $1 AND id = $2 AND status <> 'deleted'";

const SHOP_OF: &str = "SELECT shop_id FROM webhook_endpoint WHERE id = $1 AND status <> 'deleted'";

const LOCK: Statement = Statement {
    sqlite: BY_ID,
    postgresql: "SELECT id, url, description, event_types, status, disabled_because, disabled_at, failing_since, secret_version, \
                 previous_secret_until, created_at FROM webhook_endpoint WHERE shop_id = $1 AND id = $2 AND status <> 'deleted' \
                 FOR NO KEY UPDATE",
};

const OF_SHOP: &str = "SELECT id, url, description, event_types, status, disabled_because, disabled_at, failing_since, secret_version, \
                       previous_secret_until, created_at FROM webhook_endpoint WHERE shop_id = $1 AND status <> 'deleted' \
                       ORDER BY id DESC";

const UPDATE: &str = "UPDATE webhook_endpoint SET url = $2, description = $3, event_types = $4, status = $5, disabled_because = $6, \
                      disabled_at = $7 WHERE id = $1";

const FORGIVE: &str =
    "UPDATE webhook_endpoint SET failures = 0, failing_since = NULL, paused_until = NULL WHERE id = $1";

const RESUME: &str = "UPDATE webhook_endpoint SET paused_until = NULL WHERE id = $1 AND paused_until IS NOT NULL";

const DELETE: &str = "UPDATE webhook_endpoint SET status = 'deleted', slot = NULL, disabled_because = NULL, disabled_at = NULL \
                      WHERE shop_id = $1 AND id = $2 AND status <> 'deleted'";

const ROTATE: &str = "UPDATE webhook_endpoint SET secret_version = secret_version + 1, previous_secret_until = $3 \
                      WHERE shop_id = $1 AND id = $2 AND status <> 'deleted' \
                      RETURNING id, url, description, event_types, status, disabled_because, disabled_at, failing_since, \
                      secret_version, previous_secret_until, created_at";

/// Writes a new endpoint of a shop. `false` where it has as many as it may have.
pub fn insert(tx: &Transaction, shop: &ShopId, endpoint: &Endpoint) -> Result<bool, database::Error> {
    let taken: Vec<i64> = tx.query(SLOTS, params![shop.as_str()])?;
    let Some(slot) = free_slot(&taken) else { return Ok(false) };
    let inserted = tx.execute(
        INSERT,
        params![
            endpoint.id.as_str(),
            shop.as_str(),
            slot,
            endpoint.url,
            endpoint.description,
            endpoint.event_types,
            endpoint.status.as_str(),
            endpoint.secret_version,
            endpoint.created_at,
        ],
    )?;
    // Another one took the place meanwhile.
    if inserted == 1 { Ok(true) } else { Err(tx.conflict()) }
}

/// An endpoint of a shop.
pub fn get(shop: &ShopId, id: &WebhookEndpointId) -> Result<Option<Endpoint>, database::Error> {
    database::query_optional(BY_ID, params![shop.as_str(), id.as_str()])
}

/// The shop that an endpoint is of.
pub fn shop_of(tx: &Transaction, id: &WebhookEndpointId) -> Result<Option<ShopId>, database::Error> {
    tx.query_optional(SHOP_OF, params![id.as_str()])
}

/// An endpoint of a shop, which nobody else changes until the transaction ends.
pub fn lock(tx: &Transaction, shop: &ShopId, id: &WebhookEndpointId) -> Result<Option<Endpoint>, database::Error> {
    tx.query_optional(LOCK.text(), params![shop.as_str(), id.as_str()])
}

/// All endpoints of a shop, the newest first.
pub fn of_shop(shop: &ShopId) -> Result<Vec<Endpoint>, database::Error> {
    database::query(OF_SHOP, params![shop.as_str()])
}

/// Writes what a shop may change of an endpoint that is locked.
pub fn update(tx: &Transaction, endpoint: &Endpoint) -> Result<(), database::Error> {
    tx.execute(
        UPDATE,
        params![
            endpoint.id.as_str(),
            endpoint.url,
            endpoint.description,
            endpoint.event_types,
            endpoint.status.as_str(),
            endpoint.disabled_because.map(WebhookDisabledBecause::as_str),
            endpoint.disabled_at,
        ],
    )?;
    Ok(())
}

/// Forgets an endpoint's failures.
pub fn forgive(tx: &Transaction, id: &WebhookEndpointId) -> Result<(), database::Error> {
    tx.execute(FORGIVE, params![id.as_str()]).map(drop)
}

/// Ends an endpoint's pause: somebody says that it works again.
pub fn resume(tx: &Transaction, id: &WebhookEndpointId) -> Result<(), database::Error> {
    tx.execute(RESUME, params![id.as_str()]).map(drop)
}

/// Deletes an endpoint of a shop, for all that anybody sees. `false` if the shop has no such endpoint.
pub fn delete(tx: &Transaction, shop: &ShopId, id: &WebhookEndpointId) -> Result<bool, database::Error> {
    Ok(tx.execute(DELETE, params![shop.as_str(), id.as_str()])? == 1)
}

/// Gives an endpoint of a shop its next secret. The one before signs until then, the one before that no more.
pub fn rotate(
    tx: &Transaction,
    shop: &ShopId,
    id: &WebhookEndpointId,
    previous_until: Option<Timestamp>,
) -> Result<Option<Endpoint>, database::Error> {
    tx.query_optional(ROTATE, params![shop.as_str(), id.as_str(), previous_until])
}
