//! Posts transfers by the contract of the ledger, for benchmarks. Its twin is `bench/src/twin/transfers.rs`.

mod contract;

use datamp_models::id::encode;
use datamp_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::contract::transfers::{self, Action, Movement, Owner, Posting};

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.post("/bench-transfers/random", random);
    router.post("/bench-transfers/hot", hot);
}

/// Which transfers to make.
#[derive(Deserialize)]
struct Order {
    /// Chosen by the load, another one for each request: which accounts take part follows from it.
    number: String,
    /// How many shops there are: theirs are the ids of the numbers below.
    shops: u64,
    /// How many transfers.
    #[serde(default = "one")]
    count: u64,
}

fn one() -> u64 {
    1
}

#[derive(Serialize)]
struct Made {
    made: usize,
}

/// From any shop to any other.
fn random(Query(order): Query<Order>) -> Result<Json<Made>, Problem> {
    post(&order, |mixed| {
        let debit = mixed % order.shops;
        let credit = (debit + 1 + (mixed >> 32) % (order.shops - 1)) % order.shops;
        (shop(debit), shop(credit))
    })
}

/// From any shop to one account.
fn hot(Query(order): Query<Order>) -> Result<Json<Made>, Problem> {
    post(&order, |mixed| (shop(mixed % order.shops), Owner::System("revenue/advertising".to_owned())))
}

fn post(order: &Order, accounts: impl Fn(u64) -> (Owner, Owner)) -> Result<Json<Made>, Problem> {
    let number = u64::from_str_radix(&order.number, 16).map_err(|_| Problem::bad_request("number"))?;
    if order.shops < 2 {
        return Err(Problem::bad_request("shops"));
    }
    let chains: Vec<_> = (0..order.count)
        .map(|place| {
            let mixed = mix(number.wrapping_add(place));
            let (debit, credit) = accounts(mixed);
            let movement = Movement {
                debit,
                credit,
                currency: "RUB".to_owned(),
                amount: 1 + i64::from(mixed as u8),
                code: "payment".to_owned(),
                reference: "bench".to_owned(),
            };
            vec![Posting { id: datamp_sdk::id::new("tr"), action: Action::Transfer(movement) }]
        })
        .collect();
    let answers = transfers::post(&chains);
    match answers.iter().find_map(|answer| answer.as_ref().err()) {
        Some(failure) => Err(Problem::internal(format_args!("{failure:?}"))),
        None => Ok(Json(Made { made: answers.len() })),
    }
}

fn shop(number: u64) -> Owner {
    Owner::Shop(format!("shop_{}", encode(u128::from(number))))
}

/// Neighbours become strangers: the finaliser of SplitMix64.
fn mix(number: u64) -> u64 {
    let x = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
