//! Posts to core's ledger what it is sent as JSON, by the contract, and answers what the contract answers.

mod contract;

use datamp_sdk::prelude::*;

use crate::contract::{Account, Balance, Failure, Posted, Posting, ReadFailure, Transfer, transfers};

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.post("/ledger-client/post", post);
    router.post("/ledger-client/balances", balances);
    router.post("/ledger-client/get", get);
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
