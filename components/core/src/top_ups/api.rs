//! `/core/v1/top-ups`, and the callbacks of their providers.

use datamp_models::core::{TopUpId, TopUpStatus};
use datamp_sdk::openapi::{Api, As};
use datamp_sdk::{Created, IntoResponse, Json, Path, Problem, Query, Request, Response, database, log};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::callback::{self, Outcome};
use super::{NewTopUp, TopUp, start, store};
use crate::authentication::{Caller, scope};
use crate::body::Object;
use crate::idempotency::{Once, Replayable};
use crate::listing::ListQuery;
use crate::page::Page;
use crate::provider::{self, problem};

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("Top-ups", "Money that comes in through a provider.");
    api.post("/core/v1/top-ups", create)
        .id("createTopUp")
        .summary("Begin a top-up")
        .text(
            "It is `pending` until the provider says what became of it; `confirmation_url` is where the person pays. After an error of ours (5xx) \
             the same request with the same key goes on with the same top-up.",
        )
        .problem(403, "shop-closed", "The shop is closed.")
        .problem(422, "account-not-found", "The shop has no account in this currency.")
        .problem(422, "currency-not-taken", "The payment provider does not take this currency.")
        .problem(422, "amount-not-taken", "The payment provider does not take so little, or so much.")
        .problem(422, "top-up-refused", "The payment provider refused it.")
        .problem(502, "provider-answer-invalid", "What the payment provider's component answered can't be used.")
        .problem(503, "provider-unavailable", "The payment provider can't begin a top-up now.")
        .problem(503, "provider-not-active", "The top-up was begun with another provider.");
    api.get("/core/v1/top-ups", list).id("listTopUps").summary("List top-ups, the newest first");
    api.get("/core/v1/top-ups/{id}", get).id("getTopUp").summary("Read one top-up").problem(
        404,
        "not-found",
        "The shop has no such top-up.",
    );

    api.tag("Callbacks", "What payment providers tell. Shops don't call these.");
    api.post("/core/v1/callbacks/{provider}", callback)
        .id("providerCallback")
        .summary("Tell what became of top-ups")
        .text(
            "The form is the provider's own, and so is the answer where the provider wants one. It may come twice and in any order. Any answer \
             but 2xx asks the provider to send it again.",
        )
        .describe(|description| description.raw_body("*/*", json!({})))
        .problem(401, "invalid-signature", "It is not the provider's.")
        .problem(401, "expired-signature", "It was signed too long ago or too far ahead.")
        .problem(404, "provider-not-active", "Another payment provider is active.")
        .problem(404, "top-up-not-found", "The provider has no such top-up.")
        .problem(409, "event-id-taken", "Another event came with this id.")
        .problem(409, "top-up-not-creditable", "The shop's account can't be credited.")
        .problem(422, "invalid-event", "It can't be understood.")
        .problem(422, "amount-mismatch", "The amount is not the top-up's.")
        .problem(422, "currency-mismatch", "The currency is not the top-up's.")
        .problem(502, "provider-answer-invalid", "What the payment provider's component answered can't be used.")
        .problem(503, "provider-unavailable", "It can't be checked now.");
}

type Made = Result<Replayable<Created<TopUp>>, Problem>;

/// POST: writes a top-up down and asks the provider to begin it; it is pending until the provider says what became of it.
pub fn create(caller: Caller<scope::TopUps>, once: Once, Object(new): Object<NewTopUp>) -> Made {
    start::top_up(&caller, &once, &new).map(Replayable::from)
}

/// GET: one top-up.
pub fn get(caller: Caller<scope::Read>, Path(id): Path<TopUpId>) -> Result<Json<TopUp>, Problem> {
    store::get(&caller.shop, &id)?.map(Json).ok_or_else(|| Problem::not_found("The shop has no such top-up."))
}

/// GET: the shop's top-ups, newest first.
pub fn list(
    caller: Caller<scope::Read>,
    Query(query): Query<ListQuery<TopUpId, TopUpStatus>>,
) -> Result<Json<Page<TopUp>>, Problem> {
    store::LISTING.page(&caller, &query)
}

/// What a callback did, for whoever sent it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CallbackResult")]
pub struct CallbackBody {
    /// Event by event.
    pub events: Vec<EventBody>,
}

/// What an event did.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CallbackEvent")]
pub struct EventBody {
    /// The provider's id of it.
    #[schemars(extend("examples" = ["evt_1042"]))]
    pub event: String,
    /// What it did.
    pub outcome: Outcome,
    /// To which top-up.
    pub top_up: TopUpId,
    /// Where the top-up stands now.
    pub status: TopUpStatus,
}

/// POST: a provider says what became of top-ups. Any answer but 2xx asks it to send the callback again.
pub fn callback(Path(name): Path<String>, request: Request) -> Result<As<Json<CallbackBody>>, Problem> {
    let active = provider::describe()?.name;
    if active.as_str() != name {
        // No 5xx, as nothing is wrong here; whoever provides sends it again all the same.
        return Err(problem::other_provider(404, &name, &active));
    }
    let notice = provider::callback(&request)?;
    let mut events = Vec::with_capacity(notice.events.len());
    let mut refused = None;
    // Each by itself: one that can't be taken keeps nobody else from theirs. The whole callback comes again then, and those that were taken
    // count once.
    for event in notice.events {
        match database::transaction(|tx| callback::apply(tx, &active, &event)) {
            Ok((outcome, status)) => {
                log::info!(
                    "{} says {} of a top-up: {:?}", active, event.word.kind.as_str(), outcome;
                    top_up.id = event.top_up, event.id = event.id.as_str()
                );
                events.push(EventBody { event: event.id.into(), outcome, top_up: event.top_up, status });
            }
            Err(problem) => refused = refused.or(Some(problem)),
        }
    }
    if let Some(problem) = refused {
        return Err(problem);
    }
    Ok(match notice.acknowledgement {
        Some(answer) => Response::new(answer.status).header("content-type", answer.content_type).body(answer.body),
        None => Json(CallbackBody { events }).into_response(),
    }
    .into())
}
