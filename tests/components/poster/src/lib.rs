//! Hands what it is asked to the contract of the ledger, and answers what that answers, in JSON: see `tests/tests/ledger.rs`.

mod contract;

use datamp_sdk::prelude::*;

use crate::contract::transfers::{self, Account, Balance, Failure, Posted, Posting, ReadFailure, Transfer};

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.post("/poster/post", post);
    router.post("/poster/balances", balances);
    router.post("/poster/get", get);
}

fn post(Json(chains): Json<Vec<Vec<Posting>>>) -> Json<Vec<Result<Vec<Posted>, Failure>>> {
    Json(transfers::post(&chains))
}

fn balances(Json(accounts): Json<Vec<Account>>) -> Json<Vec<Result<Balance, ReadFailure>>> {
    Json(transfers::balances(&accounts))
}

fn get(Json(ids): Json<Vec<String>>) -> Json<Vec<Result<Transfer, ReadFailure>>> {
    Json(transfers::get(&ids))
}
