//! Top-ups of which nothing was heard: their provider is asked, and those whose time is over expire.
//!
//! One that has expired is asked about for some weeks more, less and less often: a person may have paid at the last moment, and a callback
//! be lost.

use datamp_models::core::TopUpId;
use datamp_models::webhooks::WebhookEventType;
use datamp_sdk::database::{self, Transaction};
use datamp_sdk::{Failure, Problem, Timestamp, log};

use super::callback::{self, Outcome};
use super::lifetime::{self, Lifetime};
use super::store::{self, Due};
use crate::provider::{self, EventKind, MAX_BATCH, ProviderName, State, Word};
use crate::shops::OfShop;
use crate::webhooks::{self, NewEvent};

/// The most calls of the provider in one run; what is left comes with the next.
const MOST_CALLS: usize = 5;

/// One run of the schedule.
pub fn run() -> Result<(), Failure> {
    let lifetime = Lifetime::configured().map_err(Failure::reject)?;
    // First, so that a provider that does not work keeps nothing from expiring.
    let expired = database::transaction(|tx| expire(tx, lifetime))?;
    if expired > 0 {
        log::info!("top-ups have expired"; count = expired);
    }
    for _ in 0..MOST_CALLS {
        let now = Timestamp::now();
        // Put off before the provider is asked: one on which it fails does not keep it from the others.
        let due = database::transaction(|tx| {
            let due = store::due(tx, now, MAX_BATCH)?;
            store::put_off(tx, &due, |due| lifetime::next_check(due.created_at, lifetime.silence, now))?;
            Ok::<_, database::Error>(due)
        })?;
        if due.is_empty() {
            break;
        }
        // Asked for only where there is something to do: an idle host calls nobody.
        let provider = provider::describe().map_err(retry)?.name;
        let (due, others): (Vec<Due>, Vec<Due>) = due.into_iter().partition(|due| due.provider == provider);
        if !others.is_empty() {
            log::warn!("top-ups wait for a provider that is not active"; count = others.len(), active = provider);
        }
        ask(&provider, &due)?;
    }
    Ok(())
}

/// Gives up those whose time is over, and tells the shops' own systems.
fn expire(tx: &Transaction, lifetime: Lifetime) -> Result<usize, Problem> {
    let now = Timestamp::now();
    let expired = store::expire(tx, now, lifetime.lasts)?;
    let kind = WebhookEventType::TopUpExpired;
    let events: Vec<_> = expired
        .iter()
        .map(|OfShop { shop_id, of: top_up }| NewEvent { shop: shop_id, kind, at: now, data: top_up })
        .collect();
    webhooks::record(tx, &events)?;
    Ok(expired.len())
}

fn ask(provider: &ProviderName, due: &[Due]) -> Result<(), Failure> {
    if due.is_empty() {
        return Ok(());
    }
    let references: Vec<String> = due.iter().map(|due| due.provider_reference.clone()).collect();
    let states = provider::status(&references).map_err(|failure| Failure::retry(format_args!("{failure:?}")))?;
    let mut failed = None;
    for (due, state) in due.iter().zip(states) {
        match state {
            Ok(state) => {
                let Some(word) = word(due, state) else { continue };
                failed = failed.or(settle(provider, &due.id, &word).err());
            }
            Err(failure) => log::warn!("a provider can't tell how a top-up stands: {:?}", failure; top_up.id = due.id),
        }
    }
    failed.map_or(Ok(()), Err)
}

/// What a state says that is not known yet.
fn word(due: &Due, state: State) -> Option<Word> {
    match state {
        State::Pending => None,
        State::Succeeded(amount, currency) => Some(Word { kind: EventKind::Succeeded, amount, currency, reason: None }),
        State::Failed(reason) => {
            Some(Word { kind: EventKind::Failed, amount: due.amount, currency: due.currency, reason })
        }
    }
}

/// Each in a transaction of its own: one that can't be credited keeps nobody else from theirs.
fn settle(provider: &ProviderName, top_up: &TopUpId, word: &Word) -> Result<(), Failure> {
    match database::transaction(|tx| callback::settle(tx, provider, top_up, word, None)) {
        Ok((outcome @ (Outcome::Credited | Outcome::Failed), _)) => {
            log::info!("a top-up's callback did not come, and the provider said when asked: {:?}", outcome; top_up.id = top_up);
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(problem) if problem.status() >= 500 => Err(retry(problem)),
        Err(problem) => {
            log::error!("a top-up can't be settled: {}", problem; top_up.id = top_up);
            Ok(())
        }
    }
}

fn retry(problem: Problem) -> Failure {
    Failure::retry(problem)
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_models::Amount;

    #[test]
    fn what_came_is_what_the_provider_says_and_not_what_was_asked_for() {
        let due = Due {
            id: "top_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
            provider: "bank".to_owned().try_into().unwrap(),
            provider_reference: "p-1".to_owned(),
            amount: Amount::new(100).unwrap(),
            currency: "RUB".parse().unwrap(),
            created_at: Timestamp::from_seconds(1),
        };
        assert_eq!(word(&due, State::Pending), None);
        let came = word(&due, State::Succeeded(Amount::new(99).unwrap(), "USD".parse().unwrap())).unwrap();
        assert_eq!((came.kind, came.amount.minor_units(), came.currency.code()), (EventKind::Succeeded, 99, "USD"));
        let failed = word(&due, State::Failed(Some("no".to_owned()))).unwrap();
        assert_eq!((failed.kind, failed.amount, failed.reason.as_deref()), (EventKind::Failed, due.amount, Some("no")));
    }
}
