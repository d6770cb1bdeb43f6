//! What came of an attempt, and what follows from it.

use std::time::Duration;

use datamp_models::webhooks::WebhookDeadBecause;
use datamp_sdk::{Timestamp, http};

use crate::webhooks::retry;

/// The longest part of an answer's body that is kept, in bytes.
const LONGEST_BODY: usize = 1024;

/// The longest reason that is kept, in characters.
const LONGEST_ERROR: usize = 500;

/// An answer, as far as it matters.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// Its status.
    pub status: u16,
    /// Its `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// Its body.
    pub body: &'a [u8],
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// The answer's status, if there was an answer.
    pub status_code: Option<u16>,
    /// Why it failed, in words.
    pub error: Option<String>,
    /// The beginning of the answer's body.
    pub response_body: Option<String>,
    /// What that means.
    pub verdict: Verdict,
}

/// What an attempt's end means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was received: 2xx.
    Delivered,
    /// It was not.
    Failed {
        /// How long the endpoint asked to be left alone, with 429 or 503.
        retry_after: Option<Duration>,
    },
    /// The endpoint wants nothing any more: 410.
    Gone,
}

impl Finished {
    /// An attempt that was answered.
    pub fn answered(answer: Answer<'_>, now: Timestamp) -> Self {
        let (verdict, error) = match answer.status {
            200..=299 => (Verdict::Delivered, None),
            410 => (Verdict::Gone, Some("the endpoint answered 410: it wants no more".to_owned())),
            429 | 503 => {
                let retry_after = answer.retry_after.and_then(|value| retry::asked(value, now));
                (Verdict::Failed { retry_after }, Some(format!("the endpoint answered {}", answer.status)))
            }
            300..=399 => (
                Verdict::Failed { retry_after: None },
                Some(format!("the endpoint answered {}: redirects are not followed", answer.status)),
            ),
            _ => (Verdict::Failed { retry_after: None }, Some(format!("the endpoint answered {}", answer.status))),
        };
        Self { status_code: Some(answer.status), error, response_body: beginning(answer.body), verdict }
    }

    /// An attempt without an answer.
    pub fn unanswered(error: &http::Error) -> Self {
        let words = match error {
            http::Error::InvalidUrl(words) => format!("the URL can't be called: {words}"),
            http::Error::InvalidHeader(words) => format!("the request can't be sent: {words}"),
            http::Error::HostNotAllowed(host) => format!("{host} may not be called in this way"),
            http::Error::AddressNotAllowed(address) => format!("the host's address {address} is not public"),
            http::Error::Unresolved(name) => format!("{name} could not be resolved"),
            http::Error::Connection(words) => words.clone(),
            http::Error::Timeout => "no answer came in time".to_owned(),
            http::Error::TooLarge(limit) => format!("the answer is longer than {limit} bytes"),
        };
        let error = Some(words.chars().filter(|c| *c != '\0').take(LONGEST_ERROR).collect());
        Self { status_code: None, error, response_body: None, verdict: Verdict::Failed { retry_after: None } }
    }
}

/// The beginning of a body as text. PostgreSQL takes no NUL.
fn beginning(body: &[u8]) -> Option<String> {
    let cut = body.get(..LONGEST_BODY).unwrap_or(body);
    let mut text = String::from_utf8_lossy(cut).replace('\0', "");
    // What is no UTF-8 is longer once it is replaced.
    while text.len() > LONGEST_BODY {
        text.pop();
    }
    (!text.is_empty()).then_some(text)
}

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is done.
    Delivered,
    /// It is attempted again, then.
    Again(Timestamp),
    /// It is given up.
    Dead(WebhookDeadBecause),
}

impl Verdict {
    /// What becomes of a delivery after its attempt `number` since it was made or replayed. `share` is from 0 to 1, by chance.
    pub fn next(self, number: i64, now: Timestamp, share: f64) -> Next {
        match self {
            Self::Delivered => Next::Delivered,
            Self::Gone => Next::Dead(WebhookDeadBecause::Gone),
            Self::Failed { retry_after } => match retry::delay(number, share) {
                Some(delay) => Next::Again(now + delay.max(retry_after.unwrap_or_default())),
                None => Next::Dead(WebhookDeadBecause::AttemptsExhausted),
            },
        }
    }

    /// How long the endpoint is left alone, with so many failures that follow each other, this one included.
    pub fn pause(self, failures: i64) -> Option<Duration> {
        match self {
            Self::Delivered => None,
            Self::Gone => Some(retry::pause(failures)),
            Self::Failed { retry_after } => Some(retry::pause(failures).max(retry_after.unwrap_or_default())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_000);

    fn answered(status: u16, retry_after: Option<&str>) -> Finished {
        Finished::answered(Answer { status, retry_after, body: b"\0ok" }, NOW)
    }

    #[test]
    fn only_2xx_is_success() {
        for status in [200, 201, 202, 204, 299] {
            let finished = answered(status, None);
            assert_eq!((finished.verdict, finished.error), (Verdict::Delivered, None), "{status}");
            assert_eq!((finished.status_code, finished.response_body.as_deref()), (Some(status), Some("ok")));
        }
        for status in [100, 300, 301, 302, 304, 307, 400, 401, 404, 409, 429, 500, 502, 503, 599] {
            let finished = answered(status, None);
            assert_eq!(finished.verdict, Verdict::Failed { retry_after: None }, "{status}");
            assert!(finished.error.unwrap().contains(&status.to_string()));
        }
        assert!(answered(302, None).error.unwrap().contains("redirects are not followed"));
        assert_eq!(answered(410, None).verdict, Verdict::Gone);
    }

    #[test]
    fn who_is_busy_may_say_for_how_long_and_nobody_else() {
        let asked = |status| answered(status, Some("90")).verdict;
        let busy = Verdict::Failed { retry_after: Some(Duration::from_secs(90)) };
        assert_eq!((asked(429), asked(503)), (busy, busy));
        assert_eq!(asked(500), Verdict::Failed { retry_after: None });
        assert_eq!(busy.next(1, NOW, 0.5), Next::Again(NOW + Duration::from_secs(90)));
        assert_eq!(busy.next(2, NOW, 0.5), Next::Again(NOW + Duration::from_secs(300)), "its own delay is longer");
        assert_eq!(busy.pause(1), Some(Duration::from_secs(90)));
    }

    #[test]
    fn ten_failures_are_the_end() {
        let failed = Verdict::Failed { retry_after: None };
        for number in 1..retry::ATTEMPTS {
            assert!(matches!(failed.next(number, NOW, 0.5), Next::Again(at) if at > NOW), "{number}");
        }
        let dead = Next::Dead(WebhookDeadBecause::AttemptsExhausted);
        assert_eq!(failed.next(retry::ATTEMPTS, NOW, 0.5), dead);
        assert_eq!(Verdict::Gone.next(1, NOW, 0.5), Next::Dead(WebhookDeadBecause::Gone));
        assert_eq!(Verdict::Delivered.next(retry::ATTEMPTS, NOW, 0.5), Next::Delivered);
    }

    #[test]
    fn without_an_answer_it_failed_and_says_why() {
        let finished = Finished::unanswered(&http::Error::AddressNotAllowed("10.0.0.1".to_owned()));
        assert_eq!(finished.verdict, Verdict::Failed { retry_after: None });
        assert_eq!(finished.error.as_deref(), Some("the host's address 10.0.0.1 is not public"));
        assert_eq!(Finished::unanswered(&http::Error::Timeout).status_code, None);
    }

    proptest! {
        #[test]
        fn what_is_kept_of_a_body_is_bounded_text(body in prop::collection::vec(any::<u8>(), 0..3000)) {
            let kept = beginning(&body).unwrap_or_default();
            prop_assert!(kept.len() <= LONGEST_BODY && !kept.contains('\0'));
        }
    }
}
