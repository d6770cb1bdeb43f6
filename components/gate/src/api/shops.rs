//! The user's shops.

use datamp_models::Currency;
use datamp_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use super::List;
use crate::contract::core;
use crate::sessions::access::SignedIn;
use crate::shops::creation::{self, Wanted};
use crate::shops::roles::Action;
use crate::shops::{self, Shop};
use crate::users::confirmation;

const LONGEST_SHOP_NAME: usize = 200;
const LONGEST_KEY_NAME: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewShop {
    name: String,
    currency: Currency,
}

/// 201: the shop, and its user its owner.
pub(super) fn create(
    user: SignedIn,
    IdempotencyKey(key): IdempotencyKey,
    Json(new): Json<NewShop>,
) -> Result<Response, Problem> {
    confirmation::require_verified_email(user.state)?;
    let wanted = Wanted {
        user: &user.user_id,
        idempotency_key: &key,
        name: shops::name("name", &new.name, LONGEST_SHOP_NAME)?,
        currency: new.currency,
    };
    let answer = creation::create(&wanted)?;
    let response = Response::new(201)
        .header("content-type", "application/json")
        .header("location", format!("/gate/v1/shops/{}", answer.shop))
        .body(answer.body);
    Ok(if answer.replayed { response.header("idempotency-replayed", "true") } else { response })
}

/// 200: the shops that the user has a role in, the newest first.
pub(super) fn list(user: SignedIn) -> Result<Json<List<Shop>>, Problem> {
    Ok(Json(List::whole(shops::of_user(&user.user_id)?)))
}

#[derive(Serialize)]
pub(super) struct ShopWithBalances {
    #[serde(flatten)]
    shop: Shop,
    balances: Vec<Balance>,
}

/// In minor units of the currency.
#[derive(Serialize)]
struct Balance {
    currency: String,
    posted: i64,
    available: i64,
}

/// 200: a shop, with its balances.
pub(super) fn get(user: SignedIn, Path(shop): Path<String>) -> Result<Json<ShopWithBalances>, Problem> {
    let shop = shops::get(&user.user_id, &shop)?;
    let balance = |balance: core::Balance| Balance {
        currency: balance.currency,
        posted: balance.posted,
        available: balance.available,
    };
    let balances = core::balances(&shop.id)?.into_iter().map(balance).collect();
    Ok(Json(ShopWithBalances { shop, balances }))
}

#[derive(Serialize)]
pub(super) struct ApiKey {
    id: String,
    name: String,
    /// The first characters of the secret, by which people tell keys apart.
    prefix: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

impl ApiKey {
    fn of(key: core::ApiKey) -> Result<Self, Problem> {
        let time = |text: Option<String>| text.as_deref().map(core::time).transpose();
        Ok(Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            created_at: core::time(&key.created_at)?,
            last_used_at: time(key.last_used_at)?,
            revoked_at: time(key.revoked_at)?,
        })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewApiKey {
    name: String,
}

#[derive(Serialize)]
struct CreatedApiKey {
    #[serde(flatten)]
    api_key: ApiKey,
    /// The whole key: it is told this once.
    secret: String,
}

/// 201: an API key, and its secret.
pub(super) fn create_api_key(
    user: SignedIn,
    Path(shop): Path<String>,
    Json(new): Json<NewApiKey>,
) -> Result<Response, Problem> {
    shops::role_for(&user.user_id, &shop, Action::ManageApiKeys)?;
    let name = shops::name("name", &new.name, LONGEST_KEY_NAME)?;
    let (key, secret) = core::create_api_key(&shop, name)?;
    log::info!("an API key was made"; shop.id = shop, user.id = user.user_id, api_key.id = key.id);
    Ok(Created(CreatedApiKey { api_key: ApiKey::of(key)?, secret }).with_header("cache-control", "no-store"))
}

/// 200: the shop's API keys, the newest first, revoked ones too.
pub(super) fn api_keys(user: SignedIn, Path(shop): Path<String>) -> Result<Json<List<ApiKey>>, Problem> {
    shops::role_for(&user.user_id, &shop, Action::SeeApiKeys)?;
    let keys = core::api_keys(&shop)?.into_iter().map(ApiKey::of).collect::<Result<_, _>>()?;
    Ok(Json(List::whole(keys)))
}

/// 200: the API key, which no longer works.
pub(super) fn revoke_api_key(
    user: SignedIn,
    Path((shop, key)): Path<(String, String)>,
) -> Result<Json<ApiKey>, Problem> {
    shops::role_for(&user.user_id, &shop, Action::ManageApiKeys)?;
    let key = core::revoke_api_key(&shop, &key)?;
    log::info!("an API key was revoked"; shop.id = shop, user.id = user.user_id, api_key.id = key.id);
    Ok(Json(ApiKey::of(key)?))
}
