//! `/core/v1/webhook-endpoints/{id}/deliveries`.

use std::marker::PhantomData;

use datamp_models::webhooks::{WebhookDeliveryStatus, WebhookEndpointId, WebhookEventId};
use datamp_sdk::openapi::{Api, DescribeAnswer, Description};
use datamp_sdk::{Json, Path, Problem, Query, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Attempt, Delivery, replay, store};
use crate::authentication::{Caller, scope};
use crate::body::{Nothing, Object};
use crate::idempotency::{Once, Replayable, Reply};
use crate::page::{Limit, Page};
use crate::webhooks::endpoint::{api::NOT_FOUND, store as endpoints};
use crate::webhooks::{endpoint_not_found, event, send};

/// How many attempts are shown with a delivery.
const SHOWN_ATTEMPTS: i64 = 50;

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("Webhooks", "What happened, sent to the shop's own systems, by Standard Webhooks.");
    api.get("/core/v1/webhook-endpoints/{id}/deliveries", list)
        .id("listWebhookDeliveries")
        .summary("List what was sent to an endpoint, the newest event first")
        .problems(NOT_FOUND);
    api.get("/core/v1/webhook-endpoints/{id}/deliveries/{event}", get)
        .id("getWebhookDelivery")
        .summary("Read one delivery, with what is sent and each attempt at it")
        .problems(NO_DELIVERY);
    api.post("/core/v1/webhook-endpoints/{id}/deliveries/{event}/replay", replay_one)
        .id("replayWebhookDelivery")
        .summary("Send a delivery again")
        .text("It was delivered, or is dead. The receiver gets the same event, with the same id.")
        .problems(NO_DELIVERY)
        .problem(409, "webhook-delivery-pending", "The delivery is on its way.")
        .problem(409, "webhook-endpoint-disabled", "Nothing is sent to it before it is enabled.");
    api.post("/core/v1/webhook-endpoints/{id}/replay", replay_all_dead)
        .id("replayDeadWebhookDeliveries")
        .summary("Send all dead deliveries again that were made since a time")
        .text("The oldest first, at most 1,000.")
        .problems(NOT_FOUND)
        .problem(409, "webhook-endpoint-disabled", "Nothing is sent to it before it is enabled.");
}

const NO_DELIVERY: &[(u16, &str, &str)] =
    &[(404, "not-found", "The shop has no such webhook endpoint, or the endpoint no such delivery.")];

/// 202: it is going to happen.
#[derive(Debug)]
pub struct Accepted<T>(PhantomData<fn() -> T>);

impl<T: JsonSchema> DescribeAnswer for Accepted<T> {
    fn describe(description: &mut Description<'_>) {
        description.answer_body::<T>(202, "application/json");
    }
}

/// Which deliveries are asked for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveriesQuery {
    /// Only those in this status.
    status: Option<WebhookDeliveryStatus>,
    /// How many to answer at most.
    #[serde(default)]
    limit: Limit,
    /// Answer those that come after this one: the `next` of the page before.
    starting_after: Option<WebhookEventId>,
}

/// GET: an endpoint's deliveries, the newest event first.
pub fn list(
    caller: Caller<scope::Webhooks>,
    Path(id): Path<WebhookEndpointId>,
    Query(query): Query<DeliveriesQuery>,
) -> Result<Json<Page<Delivery>>, Problem> {
    endpoints::get(&caller.shop, &id)?.ok_or_else(endpoint_not_found)?;
    let rows = store::of_endpoint(&id, query.status, query.starting_after.as_ref(), query.limit.rows())?;
    Ok(Json(Page::new(rows, query.limit, |delivery| delivery.id.to_string())))
}

/// A delivery with everything that is known of it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookDeliveryInFull")]
pub struct DeliveryBody {
    #[serde(flatten)]
    delivery: Delivery,
    /// What is sent.
    payload: Value,
    /// The latest first.
    latest_attempts: Vec<Attempt>,
}

/// GET: one delivery, with what is sent and how that went.
pub fn get(
    caller: Caller<scope::Webhooks>,
    Path((id, event)): Path<(WebhookEndpointId, WebhookEventId)>,
) -> Result<Json<DeliveryBody>, Problem> {
    endpoints::get(&caller.shop, &id)?.ok_or_else(endpoint_not_found)?;
    let delivery = store::get(&id, &event)?.ok_or_else(not_found)?;
    let payload = event::payload(&event)?.ok_or_else(not_found)?;
    Ok(Json(DeliveryBody {
        delivery,
        payload: serde_json::from_str(&payload).map_err(Problem::internal)?,
        latest_attempts: store::attempts(&id, &event, SHOWN_ATTEMPTS)?,
    }))
}

/// POST: sends a delivery again that was delivered, or is dead. The receiver gets the same event, with the same id.
pub fn replay_one(
    caller: Caller<scope::Webhooks>,
    once: Once,
    Path((id, event)): Path<(WebhookEndpointId, WebhookEventId)>,
    body: Option<Object<Nothing>>,
) -> Result<Replayable<Accepted<Delivery>>, Problem> {
    let asked = body.map(|Object(nothing)| nothing).unwrap_or_default();
    once.run(&caller.shop, &asked, |tx| {
        let now = Timestamp::now();
        replay::enabled(tx, &caller.shop, &id)?;
        let replayed = store::replay(tx, &id, &event, now)?;
        let delivery = store::get_in(tx, &id, &event)?.ok_or_else(not_found)?;
        if !replayed {
            return Err(Problem::new(409, "webhook-delivery-pending", "The delivery is on its way")
                .detail("It is attempted again by itself. What can be replayed was delivered, or is dead."));
        }
        endpoints::resume(tx, &id)?;
        send::schedule(tx, &id, now)?;
        accepted(&delivery)
    })
}

/// Which dead deliveries are to be sent again.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "DeadWebhookDeliveries")]
#[serde(deny_unknown_fields)]
pub struct Since {
    /// The time.
    since: Timestamp,
}

/// POST: sends all dead deliveries again that were made since a time, the oldest first, at most 1,000.
pub fn replay_all_dead(
    caller: Caller<scope::Webhooks>,
    once: Once,
    Path(id): Path<WebhookEndpointId>,
    Object(asked): Object<Since>,
) -> Result<Replayable<Accepted<replay::Replayed>>, Problem> {
    once.run(&caller.shop, &asked, |tx| accepted(&replay::replay_dead(tx, &caller.shop, &id, asked.since)?))
}

fn accepted(resource: &impl Serialize) -> Result<Reply, Problem> {
    let body = serde_json::to_string(resource).map_err(Problem::internal)?;
    Ok(Reply { status: 202, location: None, body })
}

fn not_found() -> Problem {
    Problem::not_found("The webhook endpoint has no such delivery. They are kept for 30 days.")
}
