//! The calls of the provider's component.

use datamp_sdk::{Problem, Request, environment, log};

use super::bindings::datamp::payments::provider as wit;
use super::{Failure, Notice, Provider, ProviderName, Started, State, ToStart, convert, problem};

/// The provider that is active.
///
/// # Errors
/// What it says of itself can't be taken: 502.
pub fn describe() -> Result<Provider, Problem> {
    convert::provider(wit::describe()).map_err(|fault| problem::invalid_answer("describe", &fault))
}

/// Begins one top-up, or tells what was begun when it was asked for before.
pub fn start(provider: &ProviderName, top_up: &ToStart<'_>) -> Result<Started, Failure> {
    let callback_url = format!("{}/core/v1/callbacks/{provider}", environment::describe().public_url);
    match wit::start(&[convert::top_up(top_up, callback_url)]).pop() {
        Some(answer) => answer.map_err(|error| failure("start", error)).and_then(convert::started),
        None => Err(Failure::Invalid("one top-up was to be begun, and none answered".to_owned())),
    }
}

/// Reads a callback.
///
/// # Errors
/// It is not the provider's (401), can't be understood (422), or could not be checked now (503).
pub fn callback(request: &Request) -> Result<Notice, Problem> {
    let raw = wit::CallbackRequest {
        method: request.method().as_str().to_owned(),
        query: request.query().map(str::to_owned),
        headers: request.headers().to_vec(),
        body: request.body().to_vec(),
        client_address: request.client_address().to_owned(),
    };
    convert::notice(wit::callback(&raw).map_err(problem::of_callback)?)
}

/// How top-ups stand at the provider, by its references, in their order; at most [`MAX_BATCH`](super::MAX_BATCH).
///
/// # Errors
/// It did not answer all of them.
pub fn status(references: &[String]) -> Result<Vec<Result<State, Failure>>, Failure> {
    let answers = wit::status(references);
    if answers.len() != references.len() {
        return Err(Failure::Invalid(format!("{} were asked about, and {} answered", references.len(), answers.len())));
    }
    let read = |answer: Result<wit::State, wit::ProviderError>| {
        answer.map_err(|error| failure("status", error)).and_then(convert::state)
    };
    Ok(answers.into_iter().map(read).collect())
}

fn failure(call: &str, error: wit::ProviderError) -> Failure {
    match error {
        wit::ProviderError::Refused(words) => Failure::Refused(convert::words(&words).unwrap_or_default()),
        wit::ProviderError::UnknownReference(_) => Failure::UnknownReference,
        wit::ProviderError::Unavailable(words) => {
            log::warn!("the payment provider can't do it now: {}", words; call = call);
            Failure::Unavailable
        }
        wit::ProviderError::Misconfigured(words) => {
            log::error!("the payment provider needs an operator: {}", words; call = call);
            Failure::Unavailable
        }
    }
}
