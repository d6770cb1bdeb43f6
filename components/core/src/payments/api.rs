//! `/core/v1/payments`.

use datamp_models::core::PaymentId;
use datamp_sdk::{Json, Path, Problem, Query, Response};
use serde::Deserialize;

use super::{NewPayment, Payment, store};
use crate::authentication::Caller;
use crate::body::Object;
use crate::idempotency::{Once, Reply};
use crate::page::{Limit, Page};

/// POST: pays from the balance.
pub fn create(caller: Caller, once: Once, Object(new): Object<NewPayment>) -> Result<Response, Problem> {
    once.run(&caller.shop, &new, |tx| {
        let payment = super::create(tx, &caller.shop, &new)?;
        Reply::created(format!("/core/v1/payments/{}", payment.id), &payment)
    })
}

/// GET: one payment.
pub fn get(caller: Caller, Path(id): Path<PaymentId>) -> Result<Json<Payment>, Problem> {
    store::get(&caller.shop, &id)?.map(Json).ok_or_else(|| Problem::not_found("The shop has no such payment."))
}

/// Which payments are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PaymentsQuery {
    #[serde(default)]
    limit: Limit,
    starting_after: Option<PaymentId>,
}

/// GET: the shop's payments, newest first.
pub fn list(caller: Caller, Query(query): Query<PaymentsQuery>) -> Result<Json<Page<Payment>>, Problem> {
    let rows = store::of_shop(&caller.shop, query.starting_after.as_ref(), query.limit.rows())?;
    Ok(Json(Page::new(rows, query.limit, |payment| payment.id.to_string())))
}
