//! What those who call core hear of its provider.

use datamp_sdk::{Problem, log};

use super::bindings::datamp::payments::provider::CallbackError;
use super::{Failure, Limits, ProviderName};

/// A top-up was not begun.
pub(crate) fn of_start(failure: Failure) -> Problem {
    match failure {
        Failure::Refused(words) => refused(&words),
        Failure::Unavailable => unavailable(),
        Failure::UnknownReference => invalid_answer("start", "an unknown reference, and none was asked about"),
        Failure::Invalid(fault) => invalid_answer("start", &fault),
    }
}

/// The provider says no.
fn refused(words: &str) -> Problem {
    let detail = if words.is_empty() { "It did not say why." } else { words };
    Problem::new(422, "top-up-refused", "The payment provider refused the top-up").detail(detail)
}

fn unavailable() -> Problem {
    Problem::new(503, "provider-unavailable", "The payment provider can't do it now")
        .detail("The top-up is written down and was not begun. Ask again, with the same Idempotency-Key: it goes on.")
        .header("retry-after", "5")
}

/// What the provider's component answered can't be used; the fault goes to the log.
pub(crate) fn invalid_answer(call: &str, fault: &str) -> Problem {
    log::error!("the payment provider's answer can't be used: {}", fault; call = call);
    Problem::new(502, "provider-answer-invalid", "The payment provider's answer can't be used")
        .detail("Its component answered what the contract does not allow. The log says what.")
}

/// The top-up was begun, or is a callback's, of a provider that is not the active one.
pub(crate) fn other_provider(status: u16, asked: &str, active: &ProviderName) -> Problem {
    Problem::new(status, "provider-not-active", "The payment provider is not active")
        .detail(format!("{asked} is not active, {active} is. Nothing is lost: try again when it is."))
        .header("retry-after", "300")
}

/// The provider does not take the currency.
pub(crate) fn currency_not_taken(currency: &str, provider: &ProviderName) -> Problem {
    Problem::new(422, "currency-not-taken", "The payment provider does not take the currency")
        .detail(format!("Top up in a currency that {provider} takes."))
        .field("currency", format!("{provider} takes no {currency}"))
}

/// The provider takes less, or more.
pub(crate) fn amount_not_taken(limits: &Limits, provider: &ProviderName) -> Problem {
    let Limits { currency, least, most } = limits;
    Problem::new(422, "amount-not-taken", "The payment provider does not take the amount")
        .detail(format!("{provider} takes {least} to {most} minor units of {currency} at a time."))
        .field("amount", format!("{provider} takes {least} to {most} minor units of {currency}"))
}

/// A callback that is not believed.
pub(super) fn of_callback(error: CallbackError) -> Problem {
    let not_believed = |slug: &'static str, words: String| {
        Problem::new(401, slug, "The callback's signature does not hold")
            .detail(words)
            .header("www-authenticate", "Signature")
    };
    match error {
        CallbackError::BadSignature(words) => not_believed("invalid-signature", words),
        CallbackError::ExpiredSignature(words) => not_believed("expired-signature", words),
        CallbackError::Malformed(words) => invalid_event(words),
        CallbackError::Unavailable(words) => {
            log::warn!("a callback could not be checked: {}", words);
            Problem::unavailable("The callback could not be checked now. Send it again.")
        }
        CallbackError::Misconfigured(words) => {
            log::error!("callbacks can't be checked before an operator acts: {}", words);
            Problem::unavailable("The callback could not be checked now. Send it again.")
        }
    }
}

/// An event that can't be understood.
pub(super) fn invalid_event(words: impl Into<String>) -> Problem {
    Problem::new(422, "invalid-event", "The event can't be understood").detail(words)
}
