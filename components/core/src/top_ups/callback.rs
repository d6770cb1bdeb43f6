//! What a provider's event does to a top-up.
//!
//! Events may come twice and in any order, and money is credited exactly once. Money that came is a fact: `succeeded`
//! credits a top-up that was held to have failed or expired, and nothing undoes `succeeded`.

use datamp_models::core::{Owner, TopUpStatus, TransferCode};
use datamp_sdk::database::Transaction;
use datamp_sdk::{Problem, Timestamp, log};
use serde::Serialize;

use super::store::{self, Locked, Noted};
use crate::ledger::{Posting, store as ledger};
use crate::provider::{Event, EventKind};

/// What an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The shop was credited.
    Credited,
    /// The top-up failed.
    Failed,
    /// Nothing: an event that came before decided the top-up.
    Superseded,
    /// Nothing: this very event came before.
    Repeated,
}

/// Applies an event to its top-up. `owner` is the ledger's account of the provider.
pub fn apply(
    tx: &Transaction,
    provider: &str,
    owner: &Owner,
    event: &Event,
) -> Result<(Outcome, TopUpStatus), Problem> {
    let Some(top_up) = store::lock(tx, provider, &event.top_up)? else {
        return Err(Problem::new(404, "top-up-not-found", "There is no such top-up")
            .field("top_up", "is not the id of a top-up of this provider"));
    };
    check(&top_up, event)?;
    let now = Timestamp::now();
    match store::note_event(tx, provider, event, now)? {
        Noted::New => {}
        Noted::Known => return Ok((Outcome::Repeated, top_up.status)),
        Noted::IdTaken => {
            return Err(Problem::new(409, "event-id-taken", "Another event came with this id")
                .field("id", "stands for an event of another type or top-up"));
        }
    }
    let outcome = decide(top_up.status, event.kind);
    let status = match outcome {
        Outcome::Credited => {
            credit(tx, owner, &top_up, event, now)?;
            TopUpStatus::Succeeded
        }
        Outcome::Failed => {
            store::resolve(tx, &event.top_up, TopUpStatus::Failed, None, now)?;
            TopUpStatus::Failed
        }
        Outcome::Superseded | Outcome::Repeated => top_up.status,
    };
    Ok((outcome, status))
}

/// What an event means for a top-up that stands so.
fn decide(status: TopUpStatus, event: EventKind) -> Outcome {
    match (status, event) {
        (TopUpStatus::Succeeded, _) => Outcome::Superseded,
        (TopUpStatus::Pending | TopUpStatus::Failed | TopUpStatus::Expired, EventKind::Succeeded) => Outcome::Credited,
        (TopUpStatus::Pending, EventKind::Failed) => Outcome::Failed,
        (TopUpStatus::Failed | TopUpStatus::Expired, EventKind::Failed) => Outcome::Superseded,
    }
}

/// Whether an event is about the money that was asked for.
fn check(top_up: &Locked, event: &Event) -> Result<(), Problem> {
    if top_up.currency != event.currency {
        return Err(Problem::new(422, "currency-mismatch", "The currency is not the top-up's")
            .field("currency", format!("the top-up is in {}", top_up.currency)));
    }
    if top_up.amount != event.amount {
        return Err(Problem::new(422, "amount-mismatch", "The amount is not the top-up's")
            .field("amount", format!("the top-up is of {}", top_up.amount.minor_units())));
    }
    Ok(())
}

fn credit(tx: &Transaction, owner: &Owner, top_up: &Locked, event: &Event, now: Timestamp) -> Result<(), Problem> {
    let shop = Owner::Shop(top_up.shop_id.clone());
    let posting =
        Posting::between(owner, &shop, top_up.amount, top_up.currency, TransferCode::TopUp, event.top_up.as_str());
    match ledger::post(tx, std::slice::from_ref(&posting))?.pop() {
        Some(Ok(transfer)) => {
            store::resolve(tx, &event.top_up, TopUpStatus::Succeeded, Some(&transfer.id), now)?;
            Ok(())
        }
        // The provider has the money, and sends the event again; whoever reads this log has to decide what is to be done.
        Some(Err(refusal)) => {
            log::error!("a top-up can't be credited: {}", refusal; shop.id = top_up.shop_id, top_up.id = event.top_up);
            Err(Problem::new(409, "top-up-not-creditable", "The shop's account can't be credited")
                .detail(refusal.as_str()))
        }
        None => Err(Problem::internal("one posting was made, and none answered")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datamp_models::Amount;
    use datamp_models::core::ShopId;
    use proptest::prelude::*;

    const EVENTS: [EventKind; 2] = [EventKind::Succeeded, EventKind::Failed];

    fn after(outcome: Outcome, before: TopUpStatus) -> TopUpStatus {
        match outcome {
            Outcome::Credited => TopUpStatus::Succeeded,
            Outcome::Failed => TopUpStatus::Failed,
            Outcome::Superseded | Outcome::Repeated => before,
        }
    }

    proptest! {
        /// However events come and from wherever a top-up starts, it is credited once if any of them says that money came.
        #[test]
        fn any_order_of_events_credits_at_most_once(
            start in prop::sample::select(vec![TopUpStatus::Pending, TopUpStatus::Failed, TopUpStatus::Expired]),
            events in prop::collection::vec(prop::sample::select(EVENTS.to_vec()), 0..8),
        ) {
            let mut status = start;
            let mut credited = 0;
            for event in &events {
                let outcome = decide(status, *event);
                credited += i32::from(outcome == Outcome::Credited);
                status = after(outcome, status);
            }
            let came = events.contains(&EventKind::Succeeded);
            prop_assert_eq!(credited, i32::from(came));
            prop_assert_eq!(status == TopUpStatus::Succeeded, came);
        }
    }

    #[test]
    fn nothing_undoes_a_success() {
        for event in EVENTS {
            assert_eq!(decide(TopUpStatus::Succeeded, event), Outcome::Superseded);
        }
    }

    #[test]
    fn an_event_about_other_money_is_refused() {
        let top_up = Locked {
            shop_id: ShopId::parse("shop_01h455vb4pex5vsknk084sn02q").unwrap(),
            status: TopUpStatus::Pending,
            amount: Amount::new(100).unwrap(),
            currency: "RUB".parse().unwrap(),
        };
        let event = |amount: i64, currency: &str| Event {
            id: "evt_1".to_owned().try_into().unwrap(),
            kind: EventKind::Succeeded,
            top_up: "top_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
            amount: Amount::new(amount).unwrap(),
            currency: currency.parse().unwrap(),
        };
        assert!(check(&top_up, &event(100, "RUB")).is_ok());
        assert_eq!(check(&top_up, &event(101, "RUB")).unwrap_err().slug(), "amount-mismatch");
        assert_eq!(check(&top_up, &event(100, "USD")).unwrap_err().slug(), "currency-mismatch");
        assert_eq!(check(&top_up, &event(101, "USD")).unwrap_err().slug(), "currency-mismatch");
    }
}
