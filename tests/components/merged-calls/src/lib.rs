//! Calls a function of its own that is merged: see `tests/tests/merge.rs`.

mod contract;

use datamp_sdk::prelude::*;
use serde::Serialize;

datamp_sdk::service!("component.toml", routes);

fn routes(router: &mut Router) {
    router.get("/merged-calls/{number}", double);
}

#[derive(Serialize)]
struct Doubled {
    number: u32,
    elements: u32,
}

/// Doubles one number. 13 is refused, 666 panics, 7 calls the function from within.
fn double(Path(number): Path<u32>) -> Result<Json<Doubled>, Problem> {
    let mut answers = contract::double(&[number]).into_iter();
    match (answers.next(), answers.next()) {
        (Some(Ok(doubled)), None) => Ok(Json(Doubled { number: doubled.number, elements: doubled.elements })),
        (Some(Err(refusal)), None) => Err(Problem::new(422, "refused", "The number is refused").detail(refusal)),
        _ => Err(Problem::internal("one element was asked, and another number answered")),
    }
}
