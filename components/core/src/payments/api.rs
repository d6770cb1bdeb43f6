//! `/core/v1/payments`.

use datamp_models::Amount;
use datamp_models::core::{Capture, PaymentId, PaymentStatus};
use datamp_sdk::openapi::Api;
use datamp_sdk::{Created, Json, Path, Problem, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{NewPayment, Payment, hold, store};
use crate::authentication::{Caller, scope};
use crate::body::{Nothing, Object};
use crate::contract;
use crate::idempotency::{Once, Replayable, Reply};
use crate::listing::ListQuery;
use crate::page::Page;

/// Where payments are.
pub const PATH: &str = "/core/v1/payments";

/// Adds the routes.
pub fn routes(api: &mut Api<'_>) {
    api.tag("Payments", "What the shop spends its balance on.");
    api.post(PATH, create)
        .id("createPayment")
        .summary("Pay from the balance")
        .text(
            "The money moves at once, or not at all; with `\"capture\": \"manual\"` the amount is held, until it is captured, voided or its \
             time is over. A refusal is an answer like any other: to try again, take a new key.",
        )
        .problem(402, "insufficient-funds", "The balance does not cover the amount.")
        .problem(403, "shop-frozen", "The shop is frozen, and can't spend.")
        .problem(403, "shop-closed", "The shop is closed.")
        .problem(422, "account-not-found", "The shop has no account in this currency.")
        .problem(422, "currency-mismatch", "The currency is not the account's.")
        .problem(422, "total-exceeded", "All that was ever moved would leave the range that is kept exactly.");
    api.get(PATH, list).id("listPayments").summary("List payments, the newest first");
    api.get("/core/v1/payments/{id}", get).id("getPayment").summary("Read one payment").problem(
        404,
        "not-found",
        NO_SUCH_PAYMENT,
    );
    api.post("/core/v1/payments/{id}/capture", capture)
        .id("capturePayment")
        .summary("Move what is held, all or a part")
        .text("What is not captured is released. A hold is captured once.")
        .problems(RESOLVED)
        .problem(403, "shop-closed", "The shop is closed.")
        .problem(403, "shop-frozen", "The shop is frozen, and can't spend.")
        .problem(422, "capture-exceeds-hold", "The amount is more than is held.");
    api.post("/core/v1/payments/{id}/void", void).id("voidPayment").summary("Release what is held").problems(RESOLVED);
}

const NO_SUCH_PAYMENT: &str = "The shop has no such payment.";

/// Why a hold can't be resolved, whichever way.
const RESOLVED: &[(u16, &str, &str)] = &[
    (404, "not-found", NO_SUCH_PAYMENT),
    (422, "already-captured", "The money was moved already, at once or by a capture."),
    (422, "already-voided", "What was held was released already."),
    (422, "hold-expired", "The hold's time is over."),
];

/// POST: pays from the balance, together with whoever pays at the same time; or holds the amount.
pub fn create(
    caller: Caller<scope::Payments>,
    once: Once,
    Object(new): Object<NewPayment>,
) -> Result<Replayable<Created<Payment>>, Problem> {
    match new.capture {
        Capture::Automatic if new.expires_in.is_some() => Err(Problem::unprocessable(
            "The payment can't be taken as it is.",
        )
        .field("expires_in", "goes with `\"capture\": \"manual\"` alone: nothing is held of an automatic payment")),
        Capture::Automatic => contract::payments::ask(&caller.shop, &once, &new).map(Replayable::from),
        Capture::Manual => once.run(&caller.shop, &new, |tx| {
            let payment = hold::hold(tx, &caller.shop, &new)?;
            Reply::created(format!("{PATH}/{}", payment.id), &payment)
        }),
    }
}

/// How much of a hold is to be captured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCapture {
    /// What is moved, in minor units; the rest is released. Left out: all of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Amount>,
}

/// POST: moves what is held, all or a part.
pub fn capture(
    caller: Caller<scope::Payments>,
    once: Once,
    Path(id): Path<PaymentId>,
    body: Option<Object<NewCapture>>,
) -> Result<Replayable<Json<Payment>>, Problem> {
    let new = body.map(|Object(new)| new).unwrap_or_default();
    once.run(&caller.shop, &new, |tx| Reply::ok(&hold::capture(tx, &caller.shop, &id, new.amount)?))
}

/// POST: releases what is held.
pub fn void(
    caller: Caller<scope::Payments>,
    once: Once,
    Path(id): Path<PaymentId>,
    body: Option<Object<Nothing>>,
) -> Result<Replayable<Json<Payment>>, Problem> {
    let new = body.map(|Object(new)| new).unwrap_or_default();
    once.run(&caller.shop, &new, |tx| Reply::ok(&hold::void(tx, &caller.shop, &id)?))
}

/// GET: one payment.
pub fn get(caller: Caller<scope::Read>, Path(id): Path<PaymentId>) -> Result<Json<Payment>, Problem> {
    store::get(&caller.shop, &id)?.map(Json).ok_or_else(no_such_payment)
}

/// The shop has no such payment.
pub(crate) fn no_such_payment() -> Problem {
    Problem::not_found(NO_SUCH_PAYMENT)
}

/// GET: the shop's payments, newest first.
pub fn list(
    caller: Caller<scope::Read>,
    Query(query): Query<ListQuery<PaymentId, PaymentStatus>>,
) -> Result<Json<Page<Payment>>, Problem> {
    store::LISTING.page(&caller, &query)
}
