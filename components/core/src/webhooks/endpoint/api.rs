//! `/core/v1/webhook-endpoints`.

use std::cell::RefCell;

use datamp_models::webhooks::{WebhookEndpointId, WebhookEndpointStatus, WebhookEventType};
use datamp_sdk::database::{self, JsonText};
use datamp_sdk::openapi::Api;
use datamp_sdk::{Created, IntoResponse, Json, NoContent, Path, Problem, Response, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Changes, Endpoint, MOST, NewEndpoint, Turned, store};
use crate::authentication::{Caller, scope};
use crate::body::{Nothing, Object};
use crate::id;
use crate::idempotency::{Once, Replayable, Reply, told_once};
use crate::page::Page;
use crate::seconds::Overlap;
use crate::webhooks::delivery::{self, Delivery};
use crate::webhooks::event::{self, NewEvent};
use crate::webhooks::secret::Secret;
use crate::webhooks::{endpoint_disabled, endpoint_not_found, send};

/// Where endpoints are.
pub const PATH: &str = "/core/v1/webhook-endpoints";

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("Webhooks", "What happened, sent to the shop's own systems, by Standard Webhooks.");
    api.post(PATH, create)
        .id("createWebhookEndpoint")
        .summary("Have events sent to a URL")
        .text("The answer is the only one that tells the secret, by which a receiver verifies what it is sent.")
        .problem(422, "too-many-webhook-endpoints", "The shop has as many endpoints as it may have.");
    api.get(PATH, list).id("listWebhookEndpoints").summary("List endpoints, the newest first");
    api.get("/core/v1/webhook-endpoints/{id}", get)
        .id("getWebhookEndpoint")
        .summary("Read one endpoint")
        .problems(NOT_FOUND);
    api.patch("/core/v1/webhook-endpoints/{id}", change)
        .id("changeWebhookEndpoint")
        .summary("Change an endpoint")
        .text(
            "What is left out stays. A disabled endpoint is sent nothing, and what was on its way is dead; enabled again, it begins \
             without the failures before.",
        )
        .problems(NOT_FOUND);
    api.delete("/core/v1/webhook-endpoints/{id}", delete)
        .id("deleteWebhookEndpoint")
        .summary("End an endpoint, and whatever is on its way to it")
        .problems(NOT_FOUND);
    api.post("/core/v1/webhook-endpoints/{id}/rotate-secret", rotate_secret)
        .id("rotateWebhookSecret")
        .summary("Give an endpoint a new secret")
        .text("During the overlap both sign. The answer is the only one that tells the new secret.")
        .problems(NOT_FOUND);
    api.post("/core/v1/webhook-endpoints/{id}/test", test)
        .id("testWebhookEndpoint")
        .summary("Send an event that means nothing to one endpoint")
        .problems(NOT_FOUND)
        .problem(409, "webhook-endpoint-disabled", "Nothing is sent to it before it is enabled.");
}

/// Why there is nothing to answer.
pub(in crate::webhooks) const NOT_FOUND: &[(u16, &str, &str)] =
    &[(404, "not-found", "The shop has no such webhook endpoint.")];

/// An endpoint with its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WebhookEndpointWithSecret")]
pub struct WithSecret<'a> {
    #[serde(flatten)]
    endpoint: &'a Endpoint,
    /// What its events are signed with. It is told this once: a replay of the answer leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    secret: Option<String>,
}

type Registered = Result<Replayable<Created<WithSecret<'static>>>, Problem>;

/// POST: creates an endpoint. The secret stands in this answer alone; a replay leaves it out.
pub fn create(caller: Caller<scope::Webhooks>, once: Once, Object(new): Object<NewEndpoint>) -> Registered {
    new.url.permitted()?;
    let endpoint = Endpoint {
        id: id::fresh(),
        url: new.url.as_str().to_owned(),
        description: new.description.clone().map(String::from),
        event_types: new.event_types.clone().map(JsonText),
        status: WebhookEndpointStatus::Enabled,
        disabled_because: None,
        disabled_at: None,
        failing_since: None,
        secret_version: 1,
        previous_secret_until: None,
        created_at: Timestamp::now(),
    };
    let secret = Secret::of(&endpoint.id, endpoint.secret_version)?;
    let response = once.run::<()>(&caller.shop, &new, |tx| {
        if !store::insert(tx, &caller.shop, &endpoint)? {
            return Err(too_many());
        }
        Reply::created(format!("{PATH}/{}", endpoint.id), &endpoint)
    })?;
    let response = response.into_response();
    with_secret(response, &endpoint, &secret)
}

/// GET: all endpoints of the shop, the newest first.
pub fn list(caller: Caller<scope::Webhooks>) -> Result<Json<Page<Endpoint>>, Problem> {
    Ok(Json(Page { data: store::of_shop(&caller.shop)?, has_more: false, next: None }))
}

/// GET: one endpoint.
pub fn get(caller: Caller<scope::Webhooks>, Path(id): Path<WebhookEndpointId>) -> Result<Json<Endpoint>, Problem> {
    store::get(&caller.shop, &id)?.map(Json).ok_or_else(endpoint_not_found)
}

/// PATCH: changes an endpoint. One that is disabled is sent nothing, and what was on its way is dead; enabled again, it begins without
/// the failures before.
pub fn change(
    caller: Caller<scope::Webhooks>,
    Path(id): Path<WebhookEndpointId>,
    Object(changes): Object<Changes>,
) -> Result<Json<Endpoint>, Problem> {
    if let Some(url) = changes.url() {
        url.permitted()?;
    }
    database::transaction(|tx| {
        let now = Timestamp::now();
        let mut endpoint = store::lock(tx, &caller.shop, &id)?.ok_or_else(endpoint_not_found)?;
        let turned = changes.apply(&mut endpoint, now);
        store::update(tx, &endpoint)?;
        if turned == Turned::On {
            store::forgive(tx, &id)?;
        }
        if turned != Turned::Neither {
            send::schedule(tx, &id, now)?;
        }
        Ok(Json(endpoint))
    })
}

/// DELETE: ends an endpoint and whatever is on its way to it.
pub fn delete(caller: Caller<scope::Webhooks>, Path(id): Path<WebhookEndpointId>) -> Result<NoContent, Problem> {
    database::transaction(|tx| {
        if !store::delete(tx, &caller.shop, &id)? {
            return Err(endpoint_not_found());
        }
        send::schedule(tx, &id, Timestamp::now())?;
        Ok(NoContent)
    })
}

/// A rotation that is asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "WebhookSecretRotation")]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long the secret before signs too.
    #[serde(default)]
    overlap_seconds: Overlap,
}

/// POST: gives an endpoint a new secret, which stands in this answer alone. During the overlap both sign.
pub fn rotate_secret(
    caller: Caller<scope::Webhooks>,
    once: Once,
    Path(id): Path<WebhookEndpointId>,
    Object(rotation): Object<Rotation>,
) -> Result<Replayable<Json<WithSecret<'static>>>, Problem> {
    let rotated = RefCell::new(None);
    let response = once.run::<()>(&caller.shop, &rotation, |tx| {
        let overlap = rotation.overlap_seconds.duration();
        let until = (!overlap.is_zero()).then(|| Timestamp::now() + overlap);
        let endpoint = store::rotate(tx, &caller.shop, &id, until)?.ok_or_else(endpoint_not_found)?;
        let body = serde_json::to_string(&endpoint).map_err(Problem::internal)?;
        rotated.replace(Some(endpoint));
        Ok(Reply { status: 200, location: None, body })
    })?;
    let response = response.into_response();
    match rotated.take() {
        Some(endpoint) => {
            let secret = Secret::of(&id, endpoint.secret_version)?;
            with_secret(response, &endpoint, &secret)
        }
        None => Ok(response.into()),
    }
}

/// What a test event is about.
#[derive(Serialize)]
struct Tested<'a> {
    endpoint_id: &'a WebhookEndpointId,
}

/// POST: sends an event that means nothing, to this endpoint alone, whatever types it wants. The answer is its delivery.
pub fn test(
    caller: Caller<scope::Webhooks>,
    once: Once,
    Path(id): Path<WebhookEndpointId>,
    body: Option<Object<Nothing>>,
) -> Result<Replayable<Created<Delivery>>, Problem> {
    let asked = body.map(|Object(nothing)| nothing).unwrap_or_default();
    once.run(&caller.shop, &asked, |tx| {
        let endpoint = store::lock(tx, &caller.shop, &id)?.ok_or_else(endpoint_not_found)?;
        if endpoint.status != WebhookEndpointStatus::Enabled {
            return Err(endpoint_disabled());
        }
        let (kind, at) = (WebhookEventType::EndpointTest, Timestamp::now());
        let data = &Tested { endpoint_id: &id };
        let event = event::insert_for_one(tx, &NewEvent { shop: &caller.shop, kind, at, data })?;
        delivery::store::insert(tx, &id, &event, at)?;
        store::resume(tx, &id)?;
        send::schedule(tx, &id, at)?;
        let delivery = delivery::store::get_in(tx, &id, &event)?
            .ok_or_else(|| Problem::internal("a delivery was made, and is not there"))?;
        Reply::created(format!("{PATH}/{id}/deliveries/{event}"), &delivery)
    })
}

/// The secret stands in the first answer alone.
fn with_secret<A>(response: Response, endpoint: &Endpoint, secret: &Secret) -> Result<Replayable<A>, Problem> {
    told_once(response, &WithSecret { endpoint, secret: Some(secret.reveal()) })
}

fn too_many() -> Problem {
    Problem::new(422, "too-many-webhook-endpoints", "The shop has too many webhook endpoints")
        .detail(format!("A shop has at most {MOST} of them. Delete one that is not used."))
}
