//! The shops' public API: every route of this service.
//!
//! A route that was released stays: what changes is added beside it.

use datamp_sdk::Router;
use datamp_sdk::openapi::Api;

use crate::{api_keys, openapi, payments, refunds, shops, statement, top_ups, webhooks};

/// Adds the routes.
pub fn routes(router: &mut Router) {
    let mut api = Api::new(router);
    shops::api::routes(&mut api);
    shops::accounts::routes(&mut api);
    statement::api::routes(&mut api);
    top_ups::api::routes(&mut api);
    payments::api::routes(&mut api);
    refunds::api::routes(&mut api);
    api_keys::api::routes(&mut api);
    webhooks::endpoint::api::routes(&mut api);
    webhooks::delivery::api::routes(&mut api);
    openapi::api::routes(&mut api);
    router.get(openapi::PAGE, openapi::api::page).get(openapi::STYLE, openapi::api::style);
}
