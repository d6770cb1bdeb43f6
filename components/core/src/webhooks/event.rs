//! What happened, written down in the transaction that caused it.

use std::collections::{BTreeSet, HashSet};

use datamp_models::core::ShopId;
use datamp_models::webhooks::{WebhookEventId, WebhookEventType};
use datamp_sdk::database::{self, JsonText, Transaction};
use datamp_sdk::{Timestamp, params};
use serde::{Deserialize, Serialize};

use crate::id;
use crate::sql::Statement;

/// The topic on which core tells itself that events were recorded.
pub const RECORDED: &str = "core.webhooks.recorded";

/// Which of the pairs of shop and type an endpoint wants.
const WANTED: Statement = Statement {
    sqlite: "SELECT p.value ->> 'shop_id' AS shop_id, p.value ->> 'type' AS type FROM json_each($1) AS p WHERE EXISTS ( \
             SELECT 1 FROM webhook_endpoint AS w WHERE w.shop_id = p.value ->> 'shop_id' AND w.status = 'enabled' \
             AND (w.event_types IS NULL OR w.event_types LIKE '%\"' || (p.value ->> 'type') || '\"%'))",
    postgresql: "SELECT p.shop_id, p.type FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) AS p (shop_id TEXT, type TEXT) \
                 WHERE EXISTS (SELECT 1 FROM webhook_endpoint AS w WHERE w.shop_id = p.shop_id AND w.status = 'enabled' \
                 AND (w.event_types IS NULL OR w.event_types LIKE '%\"' || p.type || '\"%'))",
};

const INSERT: Statement = Statement {
    sqlite: "INSERT INTO webhook_event (id, shop_id, type, payload, created_at) \
             SELECT value ->> 'id', value ->> 'shop_id', value ->> 'type', value ->> 'payload', value ->> 'created_at' \
             FROM json_each($1)",
    postgresql: "INSERT INTO webhook_event (id, shop_id, type, payload, created_at) \
                 SELECT id, shop_id, type, payload, created_at FROM json_to_recordset(CAST(CAST($1 AS TEXT) AS JSON)) \
                 AS r (id TEXT, shop_id TEXT, type TEXT, payload TEXT, created_at BIGINT)",
};

/// Something that happened. `T` is the API's own resource, as it is after that.
#[derive(Debug)]
pub struct NewEvent<'a, T> {
    /// Whose systems are told.
    pub shop: &'a ShopId,
    /// What.
    pub kind: WebhookEventType,
    /// When.
    pub at: Timestamp,
    /// To what: the same JSON as the API answers.
    pub data: &'a T,
}

/// What is sent.
#[derive(Serialize)]
struct Payload<'a, T> {
    r#type: WebhookEventType,
    timestamp: Timestamp,
    data: &'a T,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Pair {
    shop_id: String,
    r#type: WebhookEventType,
}

#[derive(Serialize)]
struct Row<'a> {
    id: WebhookEventId,
    shop_id: &'a str,
    r#type: WebhookEventType,
    payload: String,
    created_at: i64,
}

/// Records events, those alone that an enabled endpoint of their shop wants: they are sent exactly if the transaction commits.
///
/// Nothing where `events` is empty. Otherwise one statement, which only reads; two more, whatever their number, where there is
/// something to send. The data are not even written as JSON where nobody wants them. At most 1,000 events.
pub fn record<T: Serialize>(tx: &Transaction, events: &[NewEvent<'_, T>]) -> Result<(), database::Error> {
    if events.is_empty() {
        return Ok(());
    }
    let pairs: BTreeSet<Pair> =
        events.iter().map(|event| Pair { shop_id: event.shop.to_string(), r#type: event.kind }).collect();
    let wanted: Vec<Pair> = tx.query(WANTED.text(), params![JsonText(&pairs)])?;
    if wanted.is_empty() {
        return Ok(());
    }
    let wanted: HashSet<(&str, WebhookEventType)> =
        wanted.iter().map(|pair| (pair.shop_id.as_str(), pair.r#type)).collect();
    let wanted = events.iter().filter(|event| wanted.contains(&(event.shop.as_str(), event.kind)));
    let rows: Vec<Row<'_>> = wanted.map(row).collect::<Result<_, _>>()?;
    tx.execute(INSERT.text(), params![JsonText(&rows)])?;
    tx.publish(RECORDED, &serde_json::json!({ "events": rows.len() }))?;
    Ok(())
}

/// Writes one event that whoever calls delivers itself, and answers its id.
pub(super) fn insert_for_one<T: Serialize>(
    tx: &Transaction,
    event: &NewEvent<'_, T>,
) -> Result<WebhookEventId, database::Error> {
    const INSERT: &str = "INSERT INTO webhook_event (id, shop_id, type, payload, created_at, fanned_out_at) VALUES ($1, $2, $3, $4, $5, $5)";
    let Row { id, shop_id, r#type, payload, created_at } = row(event)?;
    tx.execute(INSERT, params![id.as_str(), shop_id, r#type.as_str(), payload, created_at])?;
    Ok(id)
}

fn row<'a, T: Serialize>(event: &NewEvent<'a, T>) -> Result<Row<'a>, database::Error> {
    let payload = Payload { r#type: event.kind, timestamp: event.at, data: event.data };
    Ok(Row {
        id: id::fresh(),
        shop_id: event.shop.as_str(),
        r#type: event.kind,
        payload: serde_json::to_string(&payload).map_err(|error| database::Error::Other(error.to_string()))?,
        created_at: event.at.as_micros(),
    })
}

/// The payload of an event, as it is sent; `None` for one that is not there any more.
pub fn payload(id: &WebhookEventId) -> Result<Option<String>, database::Error> {
    database::query_optional("SELECT payload FROM webhook_event WHERE id = $1", params![id.as_str()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_tells_what_happened_when_and_to_what() {
        let shop = ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap();
        let data = serde_json::json!({"id": "pay_1", "amount": 150});
        let kind = WebhookEventType::PaymentSucceeded;
        let row = row(&NewEvent { shop: &shop, kind, at: Timestamp::from_micros(1_500_000), data: &data }).unwrap();
        assert_eq!(
            row.payload,
            r#"{"type":"payment.succeeded","timestamp":"1970-01-01T00:00:01.5Z","data":{"amount":150,"id":"pay_1"}}"#
        );
        assert_eq!((row.shop_id, row.created_at), (shop.as_str(), 1_500_000));
    }
}
