//! `/core/v1/top-ups`, and the callbacks of their providers.

use datamp_models::core::{AccountStatus, Owner, TopUpId, TopUpStatus};
use datamp_sdk::{Json, Path, Problem, Query, Request, Response, Timestamp, database, log};
use serde::{Deserialize, Serialize};

use super::callback::{self, Outcome};
use super::{NewTopUp, TopUp, store};
use crate::authentication::Caller;
use crate::body::Object;
use crate::id;
use crate::idempotency::{Once, Reply};
use crate::ledger::problem::{account_not_found, shop_closed};
use crate::page::{Limit, Page};
use crate::provider::sandbox;

/// POST: asks the provider for a top-up, which is pending until the provider says what became of it.
pub fn create(caller: Caller, once: Once, Object(new): Object<NewTopUp>) -> Result<Response, Problem> {
    once.run(&caller.shop, &new, |tx| {
        let account = caller.account(new.currency).ok_or_else(|| account_not_found(new.currency.code()))?;
        // A frozen shop may be topped up: it can't spend, which is all that freezing means.
        if account.status == AccountStatus::Closed {
            return Err(shop_closed());
        }
        let top_up = TopUp {
            id: id::fresh(),
            status: TopUpStatus::Pending,
            amount: new.amount,
            currency: new.currency,
            provider: sandbox::NAME.to_owned(),
            provider_reference: sandbox::start(),
            return_url: new.return_url.clone().map(String::from),
            created_at: Timestamp::now(),
            resolved_at: None,
        };
        store::insert(tx, &caller.shop, &top_up)?;
        Reply::created(format!("/core/v1/top-ups/{}", top_up.id), &top_up)
    })
}

/// GET: one top-up.
pub fn get(caller: Caller, Path(id): Path<TopUpId>) -> Result<Json<TopUp>, Problem> {
    store::get(&caller.shop, &id)?.map(Json).ok_or_else(|| Problem::not_found("The shop has no such top-up."))
}

/// Which top-ups are asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopUpsQuery {
    #[serde(default)]
    limit: Limit,
    starting_after: Option<TopUpId>,
}

/// GET: the shop's top-ups, newest first.
pub fn list(caller: Caller, Query(query): Query<TopUpsQuery>) -> Result<Json<Page<TopUp>>, Problem> {
    let rows = store::of_shop(&caller.shop, query.starting_after.as_ref(), query.limit.rows())?;
    Ok(Json(Page::new(rows, query.limit, |top_up| top_up.id.to_string())))
}

/// What a callback did, for whoever sent it.
#[derive(Debug, Serialize)]
pub struct CallbackBody {
    event: String,
    outcome: Outcome,
    top_up: TopUpId,
    /// Where the top-up stands now.
    status: TopUpStatus,
}

/// POST: the sandbox says what became of a top-up. Any answer but 2xx asks it to send the event again.
pub fn sandbox_callback(request: Request) -> Result<Json<CallbackBody>, Problem> {
    sandbox::verify(&request, Timestamp::now())?;
    let event = sandbox::event(request.body())?;
    let (outcome, status) = database::transaction(|tx| callback::apply(tx, sandbox::NAME, &Owner::SANDBOX, &event))?;
    log::info!(
        "the sandbox says {} of a top-up: {:?}", event.kind.as_str(), outcome;
        top_up.id = event.top_up, event.id = event.id.as_str()
    );
    Ok(Json(CallbackBody { event: event.id.into(), outcome, top_up: event.top_up, status }))
}
