//! `/core/v1/api-keys`.

use datamp_models::core::ApiKeyId;
use datamp_sdk::{Json, Path, Problem, Response};
use serde::{Deserialize, Serialize};

use super::{ApiKey, Draft, KeyName, MAX_LIVE, Refusal, store};
use crate::authentication::Caller;
use crate::body::Object;
use crate::idempotency::{Once, Reply, is_replay};
use crate::ledger::problem::shop_closed;
use crate::page::Page;

/// A key that is asked for.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    name: KeyName,
}

/// A key with its secret.
#[derive(Serialize)]
struct CreatedBody<'a> {
    #[serde(flatten)]
    api_key: &'a ApiKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<&'a str>,
}

/// POST: makes a key. The secret stands in this answer alone: what is kept for a replay leaves it out, since a secret that
/// could be told again would have to be stored.
pub fn create(caller: Caller, once: Once, Object(new): Object<NewApiKey>) -> Result<Response, Problem> {
    let draft = Draft::new(&caller.shop, &new.name)?;
    let body = |secret| CreatedBody { api_key: &draft.api_key, secret };
    let response = once.run(&caller.shop, &new, |tx| match store::create(tx, std::slice::from_ref(&draft))?.pop() {
        Some(Ok(())) => Reply::created(format!("/core/v1/api-keys/{}", draft.api_key.id), &body(None)),
        Some(Err(refusal)) => Err(refused(refusal)),
        None => Err(Problem::internal("one key was asked for, and none answered")),
    })?;
    if response.status() != 201 || is_replay(&response) {
        return Ok(response);
    }
    let body = serde_json::to_vec(&body(Some(draft.secret.reveal()))).map_err(Problem::internal)?;
    Ok(response.body(body).header("cache-control", "no-store"))
}

/// GET: all keys of the shop, the newest first.
pub fn list(caller: Caller) -> Result<Json<Page<ApiKey>>, Problem> {
    Ok(Json(Page { data: store::of_shop(&caller.shop)?, has_more: false, next: None }))
}

/// DELETE: revokes a key, now; it may be the one that this request was made with.
pub fn revoke(caller: Caller, Path(id): Path<ApiKeyId>) -> Result<Json<ApiKey>, Problem> {
    match store::revoke(&caller.shop, &id)? {
        Some(api_key) => Ok(Json(api_key)),
        None => Err(Problem::not_found("The shop has no such API key.")),
    }
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::ShopNotFound => Problem::internal("an API key's shop is gone"),
        Refusal::ShopClosed => shop_closed(),
        Refusal::TooMany => Problem::new(422, "too-many-api-keys", "The shop has too many API keys")
            .detail(format!("At most {MAX_LIVE} keys work at a time. Revoke one that is not used.")),
    }
}
