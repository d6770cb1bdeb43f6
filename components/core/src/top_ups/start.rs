//! From a shop's request to a top-up that its provider has begun.
//!
//! 1. In a transaction: what the key was answered before is the answer; a top-up that the key was given for goes on; else one is
//!    written down, with the key.
//! 2. Outside: the provider begins it. It is given the top-up's id, and begins nothing twice.
//! 3. In a transaction: what it answered is kept, and the answer to the shop with it.

use datamp_models::core::{AccountStatus, TopUpStatus};
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Problem, Response, Timestamp};

use super::lifetime::{self, Lifetime};
use super::{NewTopUp, TopUp, store};
use crate::authentication::{Caller, scope};
use crate::id;
use crate::idempotency::{self, Asked, Begun, Once, Outcome, Reply};
use crate::ledger::problem::{account_not_found, shop_closed};
use crate::provider::{self, Failure, Provider, Started, ToStart, problem};

/// Answers a shop's request for a top-up.
pub(super) fn top_up(caller: &Caller<scope::TopUps>, once: &Once, new: &NewTopUp) -> Result<Response, Problem> {
    let asked = once.asked(&caller.shop, new)?;
    // An answer that was given is given again, whoever is the provider now, and whether it works or not.
    if let Some(outcome) = asked.told()? {
        return outcome.response();
    }
    let provider = provider::describe()?;
    let lifetime = Lifetime::configured()?;
    let begun = database::transaction(|tx| {
        idempotency::begin(tx, &asked, || write_down(tx, caller, &asked, new, &provider, lifetime))
    })?;
    let top_up = match begun {
        Begun::Told(outcome) => return outcome.response(),
        Begun::GoesOn(top_up) => top_up,
    };
    let answer = ask(&top_up, &provider)?;
    let outcomes = database::transaction(|tx| {
        idempotency::run_all(tx, std::slice::from_ref(&asked), |_| {
            Ok(vec![conclude(tx, caller, &top_up, answer.as_ref(), lifetime)])
        })
    })?;
    let outcome = outcomes.into_iter().next();
    outcome.ok_or_else(|| Problem::internal("one top-up was begun, and none answered"))?.response()
}

/// The top-up that the key stands for: one that was written down before, or a new one.
fn write_down(
    tx: &Transaction,
    caller: &Caller<scope::TopUps>,
    asked: &Asked<'_>,
    new: &NewTopUp,
    provider: &Provider,
    lifetime: Lifetime,
) -> Result<Begun<TopUp>, Problem> {
    if let Some((fingerprint, id)) = store::of_key(tx, &caller.shop, asked.key())? {
        if fingerprint != asked.fingerprint() {
            return Ok(Begun::Told(Outcome::KeyReused));
        }
        return Ok(Begun::GoesOn(store::reread(tx, &caller.shop, &id)?));
    }
    let account = caller.account(new.currency).ok_or_else(|| account_not_found(new.currency.code()))?;
    // A frozen shop may be topped up: it can't spend, which is all that freezing means.
    if account.status == AccountStatus::Closed {
        return Err(shop_closed());
    }
    taken(new, provider)?;
    let now = Timestamp::now();
    let top_up = TopUp {
        id: id::fresh(),
        status: TopUpStatus::Created,
        amount: new.amount,
        currency: new.currency,
        provider: provider.name.clone(),
        provider_reference: None,
        confirmation_url: None,
        return_url: new.return_url.clone().map(String::from),
        failure: None,
        created_at: now,
        expires_at: lifetime.expiry(now),
        resolved_at: None,
    };
    store::insert(tx, &caller.shop, &top_up, asked.key(), asked.fingerprint())?;
    Ok(Begun::GoesOn(top_up))
}

/// Whether the provider takes so much in the currency.
fn taken(new: &NewTopUp, provider: &Provider) -> Result<(), Problem> {
    let Some(limits) = provider.currencies.iter().find(|limits| limits.currency == new.currency) else {
        return Err(problem::currency_not_taken(new.currency.code(), &provider.name));
    };
    if (limits.least..=limits.most).contains(&new.amount.minor_units()) {
        Ok(())
    } else {
        Err(problem::amount_not_taken(limits, &provider.name))
    }
}

/// What the provider answers: `None`, where it need not be asked any more; why it refuses, as an error inside.
fn ask(top_up: &TopUp, provider: &Provider) -> Result<Option<Result<Started, Failure>>, Problem> {
    if top_up.status != TopUpStatus::Created {
        return Ok(None);
    }
    if top_up.provider != provider.name {
        return Err(problem::other_provider(503, top_up.provider.as_str(), &provider.name));
    }
    let to_start = ToStart {
        id: &top_up.id,
        amount: top_up.amount,
        currency: top_up.currency,
        return_url: top_up.return_url.as_deref(),
        expires_at: top_up.expires_at,
    };
    match provider::start(&provider.name, &to_start) {
        Err(failure @ Failure::Refused(_)) => Ok(Some(Err(failure))),
        Err(failure) => Err(problem::of_start(failure)),
        Ok(started) => Ok(Some(Ok(started))),
    }
}

/// Keeps what the provider answered, and tells where the top-up stands then: a callback may have been faster.
fn conclude(
    tx: &Transaction,
    caller: &Caller<scope::TopUps>,
    top_up: &TopUp,
    answer: Option<&Result<Started, Failure>>,
    lifetime: Lifetime,
) -> Result<Reply, Problem> {
    let now = Timestamp::now();
    match answer {
        None => {}
        Some(Ok(started)) => {
            let expires_at = lifetime::expiry(top_up.created_at, top_up.expires_at, started.expires_at);
            let check_at = lifetime::next_check(top_up.created_at, lifetime.silence, now);
            store::start(tx, &top_up.id, started, expires_at, check_at).map_err(reference_taken)?;
        }
        Some(Err(failure)) => {
            let reason = if let Failure::Refused(words) = failure { Some(words.as_str()) } else { None };
            if store::refuse(tx, &top_up.id, reason, now)? {
                return Err(problem::of_start(failure.clone()));
            }
        }
    }
    let top_up = store::reread(tx, &caller.shop, &top_up.id)?;
    Reply::created(format!("/core/v1/top-ups/{}", top_up.id), &top_up)
}

fn reference_taken(error: database::Error) -> Problem {
    match error {
        database::Error::UniqueViolation(_) => {
            problem::invalid_answer("start", "its reference stands for another top-up already")
        }
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Limits;
    use datamp_models::Amount;

    #[test]
    fn a_provider_takes_what_it_says() {
        let rub = "RUB".parse().unwrap();
        let provider = Provider {
            name: "bank".to_owned().try_into().unwrap(),
            currencies: vec![Limits { currency: rub, least: 100, most: 1_000 }],
        };
        let new = |amount: i64, currency: &str| NewTopUp {
            amount: Amount::new(amount).unwrap(),
            currency: currency.parse().unwrap(),
            return_url: None,
        };
        for amount in [100, 1_000] {
            assert!(taken(&new(amount, "RUB"), &provider).is_ok());
        }
        for (amount, currency, slug) in
            [(99, "RUB", "amount-not-taken"), (1_001, "RUB", "amount-not-taken"), (100, "USD", "currency-not-taken")]
        {
            let problem = taken(&new(amount, currency), &provider).unwrap_err();
            assert_eq!((problem.status(), problem.slug()), (422, slug));
        }
    }
}
