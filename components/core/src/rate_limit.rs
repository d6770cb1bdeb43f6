//! How many requests an API key may make: `RateLimit` and `RateLimit-Policy` by draft-ietf-httpapi-ratelimit-headers.
//!
//! It is counted by the key's hash before the database is asked, so that a client that does not hold back costs it nothing.

use std::cell::Cell;

use datamp_sdk::config;
use datamp_sdk::limits::{self, Decision, Quota};
use datamp_sdk::{Problem, Request, log};

/// The name of the policy. There is one.
const POLICY: &str = "default";

/// What a key may do where the settings say nothing that can be used: 200 requests at once, 100 a second in the long run.
const DEFAULT: Quota = Quota::new(200, 2);

thread_local! {
    /// Settings can't change in the life of an instance.
    static QUOTA: Cell<Option<Quota>> = const { Cell::new(None) };
}

/// A request that was counted.
#[derive(Clone, Copy, Debug)]
#[must_use = "the client is to be told"]
pub struct Counted {
    quota: Quota,
    decision: Decision,
}

impl Counted {
    /// Tells the client where it stands, in the header of the answer, whatever that is.
    pub fn tell(self, request: &Request) {
        request.add_to_answer("ratelimit-policy", self.quota.field(POLICY));
        request.add_to_answer("ratelimit", self.decision.field(POLICY));
    }

    fn refusal(self) -> Problem {
        let (limit, period) = (self.quota.limit(), self.quota.period_seconds());
        let wait = self.decision.retry_after_seconds();
        Problem::new(429, "rate-limited", "Too many requests with this API key")
            .detail(format!(
                "A key may make {limit} requests at once, and that many within {period} s. Try again in {wait} s."
            ))
            .header("ratelimit-policy", self.quota.field(POLICY))
            .header("ratelimit", self.decision.field(POLICY))
            .header("retry-after", wait.to_string())
    }
}

/// Counts a request with the key of this hash, or refuses it: 429 `rate-limited`.
pub fn count(hash: &str) -> Result<Counted, Problem> {
    let quota = QUOTA.get().unwrap_or_else(|| {
        let quota = configured();
        QUOTA.set(Some(quota));
        quota
    });
    let counted = Counted { quota, decision: limits::take(hash, quota, 1)? };
    if counted.decision.allowed { Ok(counted) } else { Err(counted.refusal()) }
}

fn configured() -> Quota {
    let (limit, window) = (config::get("rate-limit"), config::get("rate-limit-window"));
    quota(limit.as_deref(), window.as_deref()).unwrap_or_else(|| {
        // An operator's mistake is no reason to answer nobody.
        log::error!("the settings rate-limit and rate-limit-window can't be used: whole numbers of requests (1 to 1000000) and \
            of seconds (1 to 86400)"; rate_limit = limit.unwrap_or_default(), window = window.unwrap_or_default());
        DEFAULT
    })
}

fn quota(limit: Option<&str>, window: Option<&str>) -> Option<Quota> {
    let within = |text: Option<&str>, most: u32| text?.trim().parse().ok().filter(|number| (1..=most).contains(number));
    Some(Quota::new(within(limit, 1_000_000)?, within(window, 86_400)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn settings_are_whole_numbers_in_range() {
        assert_eq!(quota(Some("200"), Some("2")), Some(DEFAULT));
        assert_eq!(quota(Some(" 1000000 "), Some("86400")), Some(Quota::new(1_000_000, 86_400)));
        for (limit, window) in [
            ("0", "1"),
            ("1", "0"),
            ("1000001", "1"),
            ("1", "86401"),
            ("-1", "1"),
            ("1.5", "1"),
            ("", "1"),
            ("many", "1"),
        ] {
            assert_eq!(quota(Some(limit), Some(window)), None, "{limit} in {window}");
        }
        assert_eq!(quota(None, Some("1")), None);
    }

    #[test]
    fn a_client_is_told_where_it_stands() {
        let decision = Decision {
            allowed: false,
            remaining: 0,
            reset_after: Duration::from_secs(2),
            retry_after: Some(Duration::from_millis(10)),
        };
        let mut router = datamp_sdk::Router::new();
        router.get("/refused", move || Err::<(), _>(Counted { quota: DEFAULT, decision }.refusal()));
        let allowed =
            Decision { allowed: true, remaining: 199, reset_after: Duration::from_millis(10), retry_after: None };
        router.get("/", move |request: &Request| Counted { quota: DEFAULT, decision: allowed }.tell(request));
        let answer = |path| router.handle(&Request::new(datamp_sdk::Method::Get, path));
        let refused = answer("/refused");
        assert_eq!(refused.status(), 429);
        for (name, value) in
            [("ratelimit-policy", "\"default\";q=200;w=2"), ("ratelimit", "\"default\";r=0;t=1"), ("retry-after", "1")]
        {
            assert_eq!(refused.header_value(name), Some(value));
        }
        assert!(refused.text().contains("200 requests at once, and that many within 2 s. Try again in 1 s."));
        assert_eq!(answer("/").header_value("ratelimit"), Some("\"default\";r=199;t=1"));
    }
}
