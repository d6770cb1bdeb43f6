//! What a provider's event does to a top-up.
//!
//! Events may come twice and in any order, and money is credited exactly once. Money that came is a fact: `succeeded`
//! credits a top-up that was held to have failed or expired, and nothing undoes `succeeded`.

use datamp_models::core::{Owner, ProviderName, TopUpId, TopUpStatus, TransferCode};
use datamp_models::webhooks::WebhookEventType;
use datamp_sdk::database::Transaction;
use datamp_sdk::{Problem, Timestamp, log};
use schemars::JsonSchema;
use serde::Serialize;

use super::store::{self, Locked, Noted, Resolution};
use crate::ledger::{Movement, Posting, store as ledger};
use crate::provider::{Event, EventKind, Word};
use crate::webhooks::{self, NewEvent};

/// What an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(rename = "CallbackOutcome", extend("x-open-enum" = true))]
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

/// Applies an event to its top-up.
pub fn apply(tx: &Transaction, provider: &ProviderName, event: &Event) -> Result<(Outcome, TopUpStatus), Problem> {
    settle(tx, provider, &event.top_up, &event.word, Some(event))
}

/// Does what a provider says of a top-up: in an event, which counts once, or because it was asked.
pub fn settle(
    tx: &Transaction,
    provider: &ProviderName,
    id: &TopUpId,
    word: &Word,
    event: Option<&Event>,
) -> Result<(Outcome, TopUpStatus), Problem> {
    let Some(top_up) = store::lock(tx, provider, id)? else {
        return Err(Problem::new(404, "top-up-not-found", "There is no such top-up")
            .detail("The provider has no such top-up here.")
            .field("top_up", "is not the id of a top-up of this provider"));
    };
    check(&top_up, word)?;
    let now = Timestamp::now();
    match event.map(|event| store::note_event(tx, provider, event, now)).transpose()? {
        None | Some(Noted::New) => {}
        Some(Noted::Known) => return Ok((Outcome::Repeated, top_up.status)),
        Some(Noted::IdTaken) => {
            return Err(Problem::new(409, "event-id-taken", "Another event came with this id")
                .detail("An event's id stands for one event, however often it is sent.")
                .field("id", "stands for an event of another type or top-up"));
        }
    }
    let outcome = decide(top_up.status, word.kind);
    let status = match outcome {
        Outcome::Credited => {
            credit(tx, provider, &top_up, id, now)?;
            TopUpStatus::Succeeded
        }
        Outcome::Failed => {
            store::resolve(tx, id, Resolution::Failed(word.reason.as_deref()), now)?;
            TopUpStatus::Failed
        }
        Outcome::Superseded | Outcome::Repeated => {
            // It has expired here, and has failed there.
            store::leave(tx, id)?;
            top_up.status
        }
    };
    let kind = match outcome {
        Outcome::Credited => WebhookEventType::TopUpSucceeded,
        Outcome::Failed => WebhookEventType::TopUpFailed,
        Outcome::Superseded | Outcome::Repeated => return Ok((outcome, status)),
    };
    let data = &store::reread(tx, &top_up.shop_id, id)?;
    webhooks::record(tx, &[NewEvent { shop: &top_up.shop_id, kind, at: now, data }])?;
    Ok((outcome, status))
}

/// What an event means for a top-up that stands so.
fn decide(status: TopUpStatus, event: EventKind) -> Outcome {
    match (status, event) {
        (TopUpStatus::Succeeded, _) => Outcome::Superseded,
        (_, EventKind::Succeeded) => Outcome::Credited,
        (TopUpStatus::Created | TopUpStatus::Pending, EventKind::Failed) => Outcome::Failed,
        (TopUpStatus::Failed | TopUpStatus::Expired, EventKind::Failed) => Outcome::Superseded,
    }
}

/// Whether what a provider says is about the money that was asked for.
fn check(top_up: &Locked, word: &Word) -> Result<(), Problem> {
    if top_up.currency != word.currency {
        return Err(Problem::new(422, "currency-mismatch", "The currency is not the top-up's")
            .detail("Money in another currency than was asked for is not credited: people have to look at it.")
            .field("currency", format!("the top-up is in {}", top_up.currency)));
    }
    if top_up.amount != word.amount {
        return Err(Problem::new(422, "amount-mismatch", "The amount is not the top-up's")
            .detail("Another amount than was asked for is not credited: people have to look at it.")
            .field("amount", format!("the top-up is of {}", top_up.amount.minor_units())));
    }
    Ok(())
}

fn credit(
    tx: &Transaction,
    provider: &ProviderName,
    top_up: &Locked,
    id: &TopUpId,
    now: Timestamp,
) -> Result<(), Problem> {
    let (shop, provider) = (Owner::Shop(top_up.shop_id.clone()), Owner::Provider(provider.clone()));
    let (amount, currency) = (top_up.amount, top_up.currency);
    // The first money of a provider in a currency opens its account.
    ledger::open(tx, &[(provider.clone(), currency)], now)?;
    let movement = Movement::between(&provider, &shop, amount, currency, TransferCode::TopUp, id.as_str());
    match ledger::post(tx, &[Posting::of(movement)])?.pop() {
        Some(Ok(posted)) => {
            store::resolve(tx, id, Resolution::Succeeded(&posted.transfer().id), now)?;
            Ok(())
        }
        // The provider has the money, and tells it again; whoever reads this log has to decide what is to be done.
        Some(Err(refusal)) => {
            log::error!("a top-up can't be credited: {}", refusal; shop.id = top_up.shop_id, top_up.id = id);
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
            start in prop::sample::select(vec![TopUpStatus::Created, TopUpStatus::Pending, TopUpStatus::Failed, TopUpStatus::Expired]),
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
        let event = |amount: i64, currency: &str| Word {
            kind: EventKind::Succeeded,
            amount: Amount::new(amount).unwrap(),
            currency: currency.parse().unwrap(),
            reason: None,
        };
        assert!(check(&top_up, &event(100, "RUB")).is_ok());
        assert_eq!(check(&top_up, &event(101, "RUB")).unwrap_err().slug(), "amount-mismatch");
        assert_eq!(check(&top_up, &event(100, "USD")).unwrap_err().slug(), "currency-mismatch");
        assert_eq!(check(&top_up, &event(101, "USD")).unwrap_err().slug(), "currency-mismatch");
    }
}
