//! Posts to core's ledger, and pays, what it is sent as JSON, by the contracts, and answers what they answer.

mod contract;

use datamp_sdk::prelude::*;

use crate::contract::{
    Account, Balance, CoreError, Failure, NewPayment, Outcome, Posted, Posting, ReadFailure, Transfer, payments,
    transfers,
};

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.post("/ledger-client/post", post);
    router.post("/ledger-client/balances", balances);
    router.post("/ledger-client/get", get);
    router.post("/ledger-client/pay", pay);
}

/// Each answer is `{"Ok": …}` or `{"Err": …}`.
type Answers<T, E> = Json<Vec<Result<T, E>>>;

fn post(Json(chains): Json<Vec<Vec<Posting>>>) -> Answers<Vec<Posted>, Failure> {
    Json(transfers::post(&chains))
}

fn balances(Json(accounts): Json<Vec<Account>>) -> Answers<Balance, ReadFailure> {
    Json(transfers::balances(&accounts))
}

fn get(Json(ids): Json<Vec<String>>) -> Answers<Transfer, ReadFailure> {
    Json(transfers::get(&ids))
}

fn pay(Json(new): Json<Vec<NewPayment>>) -> Answers<Outcome, CoreError> {
    Json(payments::pay(&new))
}
