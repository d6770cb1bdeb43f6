//! The shops' public API: every route of this service.
//!
//! A route that was released stays: what changes is added beside it.

use datamp_sdk::Router;

use crate::{api_keys, payments, shops, statement, top_ups};

/// Adds the routes.
pub fn routes(router: &mut Router) {
    router.get("/core/v1/shop", shops::api::shop);
    router.get("/core/v1/balance", shops::api::balance);
    router.get("/core/v1/statement", statement::api::statement);

    router.get("/core/v1/top-ups", top_ups::api::list).post("/core/v1/top-ups", top_ups::api::create);
    router.get("/core/v1/top-ups/{id}", top_ups::api::get);
    router.post("/core/v1/callbacks/sandbox", top_ups::api::sandbox_callback);

    router.get("/core/v1/payments", payments::api::list).post("/core/v1/payments", payments::api::create);
    router.get("/core/v1/payments/{id}", payments::api::get);

    router.get("/core/v1/api-keys", api_keys::api::list).post("/core/v1/api-keys", api_keys::api::create);
    router.delete("/core/v1/api-keys/{id}", api_keys::api::revoke);
}
