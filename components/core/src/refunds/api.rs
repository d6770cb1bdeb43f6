//! `/core/v1/refunds`, and the refunds of a payment.

use datamp_models::core::{PaymentId, RefundId, RefundStatus};
use datamp_sdk::openapi::Api;
use datamp_sdk::{Created, Json, Path, Problem, Query};

use super::{NewRefund, Refund, refund, store};
use crate::authentication::{Caller, scope};
use crate::body::Object;
use crate::idempotency::{Once, Replayable, Reply};
use crate::listing::ListQuery;
use crate::page::Page;
use crate::payments;

type RefundsQuery = ListQuery<RefundId, RefundStatus>;

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("Refunds", "What the shop gets back of its payments.");
    api.post("/core/v1/payments/{id}/refunds", create)
        .id("refundPayment")
        .summary("Refund a payment, all or a part")
        .text("Never more, in sum, than was captured. A frozen shop is refunded too.")
        .problem(404, "not-found", "The shop has no such payment.")
        .problem(422, "payment-not-captured", "Nothing of the payment was captured, so there is nothing to give back.")
        .problem(403, "shop-closed", "The shop is closed.")
        .problem(422, "refund-exceeds-payment", "The amount is more than is left of what was captured.");
    api.get("/core/v1/payments/{id}/refunds", of_payment)
        .id("listRefundsOfPayment")
        .summary("List the refunds of a payment, the newest first")
        .problem(404, "not-found", "The shop has no such payment.");
    api.get("/core/v1/refunds", list).id("listRefunds").summary("List refunds, the newest first");
    api.get("/core/v1/refunds/{id}", get).id("getRefund").summary("Read one refund").problem(
        404,
        "not-found",
        "The shop has no such refund.",
    );
}

/// POST: gives back all or a part of what was captured of a payment.
pub fn create(
    caller: Caller<scope::Refunds>,
    once: Once,
    Path(payment): Path<PaymentId>,
    Object(new): Object<NewRefund>,
) -> Result<Replayable<Created<Refund>>, Problem> {
    once.run(&caller.shop, &new, |tx| {
        let refund = refund(tx, &caller.shop, &payment, &new)?;
        Reply::created(format!("/core/v1/refunds/{}", refund.id), &refund)
    })
}

/// GET: one refund.
pub fn get(caller: Caller<scope::Read>, Path(id): Path<RefundId>) -> Result<Json<Refund>, Problem> {
    store::get(&caller.shop, &id)?.map(Json).ok_or_else(|| Problem::not_found("The shop has no such refund."))
}

/// GET: the shop's refunds, newest first.
pub fn list(caller: Caller<scope::Read>, Query(query): Query<RefundsQuery>) -> Result<Json<Page<Refund>>, Problem> {
    store::LISTING.page(&caller, &query)
}

/// GET: the refunds of one payment, newest first. They are all in its currency.
pub fn of_payment(
    caller: Caller<scope::Read>,
    Path(payment): Path<PaymentId>,
    Query(query): Query<RefundsQuery>,
) -> Result<Json<Page<Refund>>, Problem> {
    let payment = payments::store::get(&caller.shop, &payment)?.ok_or_else(payments::api::no_such_payment)?;
    let window = query.window(&store::LISTING, &caller.shop)?;
    let rows = if query.currency.is_none_or(|currency| currency == payment.currency) {
        store::of_payment(&payment.id, &window, query.limit.rows())?
    } else {
        Vec::new()
    };
    Ok(query.page(rows))
}
