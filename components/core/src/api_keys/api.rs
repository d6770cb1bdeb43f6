//! `/core/v1/api-keys`.

use datamp_models::core::ApiKeyId;
use datamp_sdk::openapi::Api;
use datamp_sdk::{Created, IntoResponse, Json, Path, Problem, Response, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::scopes::{ScopeList, Scopes, not_to_be_given};
use super::{ApiKey, Draft, KeyName, MAX_LIVE, NewKey, Refusal, store};
use crate::authentication::{Caller, scope};
use crate::body::Object;
use crate::idempotency::{Once, Replayable, Reply, told_once};
use crate::ledger::problem::shop_closed;
use crate::page::Page;
use crate::seconds::Overlap;

/// Where keys are.
const PATH: &str = "/core/v1/api-keys";

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("API keys", "What the shop calls this API with.");
    api.get(PATH, list).id("listApiKeys").summary("List the shop's keys, the newest first");
    api.post(PATH, create).id("createApiKey").summary("Make a key").problems(MADE);
    api.post("/core/v1/api-keys/{id}/rotate", rotate)
        .id("rotateApiKey")
        .summary("Replace a key by a new one")
        .text(
            "The new key has the name and the scopes of the old one, which works until the overlap is over: so programs change over one \
             by one.",
        )
        .problem(404, "not-found", NO_SUCH_KEY)
        .problem(422, "api-key-not-live", "The key was revoked or has expired: there is nothing to replace.")
        .problems(MADE);
    api.delete("/core/v1/api-keys/{id}", revoke)
        .id("revokeApiKey")
        .summary("Revoke a key")
        .text("It stops working now. It may be the one that this request is made with. To revoke it again changes nothing.")
        .problem(404, "not-found", NO_SUCH_KEY);
}

const NO_SUCH_KEY: &str = "The shop has no such API key.";

/// Why a key is not made.
const MADE: &[(u16, &str, &str)] = &[
    (403, "scope-missing", "The key would have a scope that the calling one lacks."),
    (403, "shop-closed", "The shop is closed."),
    (422, "too-many-api-keys", "The shop has as many keys as may work at a time. Revoke one."),
];

/// A key that is asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What people call it.
    #[schemars(extend("examples" = ["Checkout"]))]
    name: KeyName,
    /// What it may do; everything, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scopes: Option<ScopeList>,
    /// When it ends; never, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

/// A key with its secret.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "CreatedApiKey")]
pub struct CreatedBody<'a> {
    #[serde(flatten)]
    api_key: &'a ApiKey,
    /// The key that it replaces, where one was rotated.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaces: Option<&'a ApiKeyId>,
    /// What to send as `Authorization: Bearer`. It is told this once: a replay of the answer leaves it out.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    secret: Option<&'a str>,
}

type Answer = Result<Replayable<Created<CreatedBody<'static>>>, Problem>;

/// POST: makes a key, which may do no more than the one that this request was made with.
pub fn create(caller: Caller<scope::Keys>, once: Once, Object(new): Object<NewApiKey>) -> Answer {
    let scopes = new.scopes.clone().map_or(Scopes::ALL, Scopes::from);
    check_given(&caller, &scopes)?;
    let draft = Draft::new(NewKey {
        shop: caller.shop.clone(),
        name: new.name.as_str().to_owned(),
        scopes,
        expires_at: new.expires_at,
    })?;
    let response = once.run::<()>(&caller.shop, &new, |tx| {
        check_end(new.expires_at)?;
        match store::create(tx, std::slice::from_ref(&draft))?.pop() {
            Some(Ok(())) => created(&draft, None),
            Some(Err(refusal)) => Err(refused(refusal)),
            None => Err(Problem::internal("one key was asked for, and none answered")),
        }
    })?;
    with_secret(response.into_response(), &draft, None)
}

/// How a key is replaced.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rotation {
    /// How long the old key still works, in seconds.
    #[serde(default)]
    overlap_seconds: Overlap,
    /// When the new key ends; never, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

/// POST: makes a key with the name and the scopes of another, which works until the overlap is over.
pub fn rotate(
    caller: Caller<scope::Keys>,
    once: Once,
    Path(id): Path<ApiKeyId>,
    body: Option<Object<Rotation>>,
) -> Answer {
    let rotation = body.map(|Object(rotation)| rotation).unwrap_or_default();
    let old = store::get(&caller.shop, &id)?.ok_or_else(no_such_key)?;
    // Otherwise whoever may make keys could get hold of one that may do everything.
    check_given(&caller, &old.scopes)?;
    let draft = Draft::new(NewKey {
        shop: caller.shop.clone(),
        name: old.name,
        scopes: old.scopes,
        expires_at: rotation.expires_at,
    })?;
    let response = once.run::<()>(&caller.shop, &rotation, |tx| {
        check_end(rotation.expires_at)?;
        match store::rotate(tx, &id, rotation.overlap_seconds, &draft)? {
            Ok(()) => created(&draft, Some(&id)),
            Err(refusal) => Err(refused(refusal)),
        }
    })?;
    with_secret(response.into_response(), &draft, Some(&id))
}

/// GET: all keys of the shop, the newest first.
pub fn list(caller: Caller<scope::Keys>) -> Result<Json<Page<ApiKey>>, Problem> {
    Ok(Json(Page { data: store::of_shop(&caller.shop)?, has_more: false, next: None }))
}

/// DELETE: revokes a key, now; it may be the one that this request was made with.
pub fn revoke(caller: Caller<scope::Keys>, Path(id): Path<ApiKeyId>) -> Result<Json<ApiKey>, Problem> {
    store::revoke(&caller.shop, &id)?.map(Json).ok_or_else(no_such_key)
}

/// A key gives no scopes that it does not have.
fn check_given(caller: &Caller<scope::Keys>, scopes: &Scopes) -> Result<(), Problem> {
    caller.scopes.lack(scopes).map_or(Ok(()), |lacking| Err(not_to_be_given(&lacking)))
}

/// Asked when the key is made, and not when an answer is given again.
fn check_end(expires_at: Option<Timestamp>) -> Result<(), Problem> {
    if expires_at.is_some_and(|end| end <= Timestamp::now()) {
        return Err(
            Problem::unprocessable("The key can't be made as it is.").field("expires_at", "must be in the future")
        );
    }
    Ok(())
}

/// What is kept for a replay leaves the secret out, since a secret that could be told again would have to be stored.
fn created(draft: &Draft, replaces: Option<&ApiKeyId>) -> Result<Reply, Problem> {
    let body = CreatedBody { api_key: &draft.api_key, replaces, secret: None };
    Reply::created(format!("{PATH}/{}", draft.api_key.id), &body)
}

/// The secret stands in the first answer alone.
fn with_secret(response: Response, draft: &Draft, replaces: Option<&ApiKeyId>) -> Answer {
    told_once(response, &CreatedBody { api_key: &draft.api_key, replaces, secret: Some(draft.secret.reveal()) })
}

fn no_such_key() -> Problem {
    Problem::not_found(NO_SUCH_KEY)
}

fn refused(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::ShopNotFound => Problem::internal("an API key's shop is gone"),
        Refusal::ShopClosed => shop_closed(),
        Refusal::NotLive => Problem::new(422, "api-key-not-live", "The API key does not work any more")
            .detail("It was revoked, or has expired. Make a new one."),
        Refusal::TooMany => Problem::new(422, "too-many-api-keys", "The shop has too many API keys")
            .detail(format!("At most {MAX_LIVE} keys work at a time. Revoke one that is not used.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_new_key_is_the_same_request_as_ever() {
        let new: NewApiKey = serde_json::from_str(r#"{"name":"till"}"#).unwrap();
        assert_eq!(serde_json::to_string(&new).unwrap(), r#"{"name":"till"}"#);
        for wrong in [
            r#"{"name":"till","scopes":[]}"#,
            r#"{"name":"till","scopes":["admin"]}"#,
            r#"{"name":"till","expires_at":"tomorrow"}"#,
            r#"{"name":"till","expires_at":1}"#,
            r#"{"name":"till","shop_id":"x"}"#,
        ] {
            assert!(serde_json::from_str::<NewApiKey>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_key_ends_in_the_future() {
        assert!(check_end(None).is_ok() && check_end(Some(Timestamp::MAX)).is_ok());
        assert_eq!(check_end(Some(Timestamp::from_seconds(1))).unwrap_err().status(), 422);
    }
}
