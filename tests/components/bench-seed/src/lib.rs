//! Makes a shop with an API key by core's contract, for benchmarks.

mod contract;

use datamp_sdk::prelude::*;
use serde::{Deserialize, Serialize};

use crate::contract::{NewApiKey, NewShop, api_keys, shops};

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.post("/bench-seed/shops", create_shop);
}

/// A new shop, and a key to its balance.
#[derive(Serialize)]
struct Seed {
    shop: String,
    api_key: String,
}

#[derive(Deserialize)]
struct Asked {
    /// Roubles, where nothing is said.
    currency: Option<String>,
}

fn create_shop(Query(Asked { currency }): Query<Asked>) -> Result<Json<Seed>, Problem> {
    let shop = datamp_sdk::id::new("shop");
    let currency = currency.unwrap_or_else(|| "RUB".to_owned());
    let new = NewShop { id: shop.clone(), name: "A shop".to_owned(), currency };
    first(shops::create(&[new]))?;
    let key = first(api_keys::create(&[NewApiKey { shop: shop.clone(), name: "A key".to_owned() }]))?;
    Ok(Json(Seed { shop, api_key: key.secret }))
}

/// The one answer to a list of one.
fn first<T, E: std::fmt::Debug>(answers: Vec<Result<T, E>>) -> Result<T, Problem> {
    match answers.into_iter().next() {
        Some(Ok(answer)) => Ok(answer),
        other => Err(Problem::internal(format!("core answered {:?}", other.map(|answer| answer.err())))),
    }
}
