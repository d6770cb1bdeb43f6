//! Creating a shop, in two databases' worth of steps that a crash may come between.
//!
//! 1. This service chooses the shop's id and writes down what was asked, with a membership in state `creating`.
//! 2. Core creates the shop; asked again with the same id and values, it answers the shop that is there.
//! 3. This service marks the membership `active` and keeps its answer for who asks again.
//!
//! Whatever is interrupted after step 1 is finished by the next request with the same `Idempotency-Key`, or by the
//! user's next look at their shops. A request that core refuses for its values leaves nothing, and the key free.

use datamp_models::Currency;
use datamp_models::core::ShopId;
use datamp_models::gate::Role;
use datamp_sdk::{Problem, Timestamp, database, id, log};

use super::{Shop, store};
use crate::contract::core::{self, NewShop, Refusal};

/// How many shops a user may own.
pub const MOST_SHOPS: i64 = 50;

/// A shop that a user asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// Who asks.
    pub user: &'a str,
    /// What stands for this request, and each retry of it.
    pub idempotency_key: &'a str,
    /// What people will call the shop.
    pub name: &'a str,
    /// The currency of its first account.
    pub currency: Currency,
}

/// An answer that is the same each time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The shop's id.
    pub shop: String,
    /// The body, JSON.
    pub body: String,
    /// Whether it was given before.
    pub replayed: bool,
}

/// What is known of a request.
#[derive(Debug, PartialEq, Eq)]
enum Decision<'a> {
    /// Go on with step 2.
    GoOn,
    /// It was answered before.
    Replay(&'a str),
    /// The key stands for another request.
    KeyReused,
}

fn decide<'a>(stored: &'a store::Creation, wanted: &Wanted<'_>) -> Decision<'a> {
    if stored.name != wanted.name || stored.currency != wanted.currency.code() {
        return Decision::KeyReused;
    }
    match &stored.answer {
        Some(answer) => Decision::Replay(answer),
        None => Decision::GoOn,
    }
}

/// Creates a shop, once for each key.
pub fn create(wanted: &Wanted<'_>) -> Result<Answer, Problem> {
    let creation = begin(wanted)?;
    match decide(&creation, wanted) {
        Decision::KeyReused => {
            Err(Problem::new(422, "idempotency-key-reused", "The idempotency key stands for another request")
                .detail("This key was sent before with another request. Take a new key for a new operation."))
        }
        Decision::Replay(body) => Ok(Answer { shop: creation.shop_id.clone(), body: body.to_owned(), replayed: true }),
        Decision::GoOn => {
            let new = NewShop { id: &creation.shop_id, name: &creation.name, currency: &creation.currency };
            let shop = match core::create_shops(&[new]).pop() {
                Some(Ok(shop)) => shop,
                Some(Err(refusal)) => return Err(refused(&creation, refusal)),
                None => return Err(Refusal::Unavailable("answered nothing".to_owned()).into()),
            };
            finish(&creation, shop)
        }
    }
}

/// Step 1, or what was written down by an earlier request.
fn begin(wanted: &Wanted<'_>) -> Result<store::Creation, Problem> {
    let shop = id::new(ShopId::PREFIX);
    database::transaction(|tx| {
        let now = Timestamp::now();
        let creation = store::Creation {
            shop_id: shop.clone(),
            user_id: wanted.user.to_owned(),
            name: wanted.name.to_owned(),
            currency: wanted.currency.code().to_owned(),
            answer: None,
        };
        if store::begin(tx, &creation, wanted.idempotency_key, now)? {
            if store::owned(tx, wanted.user)? >= MOST_SHOPS {
                return Err(Problem::conflict(format!("At most {MOST_SHOPS} shops can be owned by one user.")));
            }
            store::add_member(tx, &creation.shop_id, wanted.user, Role::Owner, now)?;
            return Ok(creation);
        }
        Ok(store::find(tx, wanted.user, wanted.idempotency_key)?)
    })
}

/// Step 3.
fn finish(creation: &store::Creation, shop: core::Shop) -> Result<Answer, Problem> {
    let shop = Shop::of(shop, Role::Owner)?;
    let body = serde_json::to_string(&shop).map_err(Problem::internal)?;
    // Of two that finish at once, the first one's answer is everybody's.
    let body = database::transaction(|tx| store::finish(tx, &creation.shop_id, &creation.user_id, &body))?;
    Ok(Answer { shop: shop.id, body, replayed: false })
}

fn refused(creation: &store::Creation, refusal: Refusal) -> Problem {
    if matches!(refusal, Refusal::Invalid(..)) {
        let forgotten = database::transaction(|tx| store::forget(tx, &creation.shop_id, &creation.user_id));
        if let Err(error) = forgotten {
            log::error!("a refused shop was not forgotten: {}", error; shop.id = creation.shop_id);
        }
    }
    refusal.into()
}

/// Finishes what was interrupted. What core can't do now is left for later.
pub(super) fn finish_interrupted(user: &str) -> Result<(), Problem> {
    let creations = store::interrupted(user)?;
    if creations.is_empty() {
        return Ok(());
    }
    let new: Vec<NewShop<'_>> = creations
        .iter()
        .map(|creation| NewShop { id: &creation.shop_id, name: &creation.name, currency: &creation.currency })
        .collect();
    for (creation, answer) in creations.iter().zip(core::create_shops(&new)) {
        match answer {
            Ok(shop) => {
                finish(creation, shop)?;
                log::info!("an interrupted creation was finished"; shop.id = creation.shop_id);
            }
            Err(refusal) => {
                let problem = refused(creation, refusal);
                log::warn!("an interrupted creation: {}", problem; shop.id = creation.shop_id);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(answer: Option<&str>) -> store::Creation {
        store::Creation {
            shop_id: "shop_x".to_owned(),
            user_id: "user_x".to_owned(),
            name: "Лавка".to_owned(),
            currency: "RUB".to_owned(),
            answer: answer.map(str::to_owned),
        }
    }

    fn wanted<'a>(name: &'a str, currency: &str) -> Wanted<'a> {
        Wanted { user: "user_x", idempotency_key: "k", name, currency: currency.parse().unwrap() }
    }

    #[test]
    fn an_interrupted_request_goes_on() {
        assert_eq!(decide(&stored(None), &wanted("Лавка", "RUB")), Decision::GoOn);
    }

    #[test]
    fn an_answered_request_is_answered_the_same() {
        assert_eq!(decide(&stored(Some("{}")), &wanted("Лавка", "RUB")), Decision::Replay("{}"));
    }

    #[test]
    fn a_key_stands_for_one_request() {
        for answer in [None, Some("{}")] {
            assert_eq!(decide(&stored(answer), &wanted("Лавка", "USD")), Decision::KeyReused);
            assert_eq!(decide(&stored(answer), &wanted("Лавочка", "RUB")), Decision::KeyReused);
        }
    }
}
