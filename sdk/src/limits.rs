//! How often something may be done, by key: an API key, an address, whatever the component chooses.
//!
//! A quota is a bucket that fills evenly. It is counted in the memory of one host, and asking costs less than a microsecond; each host
//! counts for itself, and a restart begins anew.
//!
//! ```no_run
//! use datamp_sdk::{limits::{self, Quota}, prelude::*};
//!
//! /// 200 at once, 100 a second in the long run.
//! const QUOTA: Quota = Quota::new(200, 2);
//!
//! fn search(request: &Request, ClientAddress(address): ClientAddress) -> Result<&'static str, Problem> {
//!     let decision = limits::take(&address, QUOTA, 1)?;
//!     request.add_to_answer("ratelimit-policy", QUOTA.field("default"));
//!     request.add_to_answer("ratelimit", decision.field("default"));
//!     if !decision.allowed {
//!         return Err(Problem::too_many_requests(decision.retry_after_seconds()));
//!     }
//!     Ok("found")
//! }
//! ```

use std::{fmt, time::Duration};

use crate::Problem;
use crate::bindings::datamp::limits::rates;

/// A bucket's size, and how long it takes to fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    limit: u32,
    period_seconds: u32,
}

/// What became of a wish to take something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether it was taken.
    pub allowed: bool,
    /// What is left.
    pub remaining: u32,
    /// Until the bucket is full again, if nothing else is taken.
    pub reset_after: Duration,
    /// Where it was not allowed: until it can be taken, if nothing else is. `None` where it never can, as it is more than the limit.
    pub retry_after: Option<Duration>,
}

/// A key, quota or cost that is out of its range: a mistake in the program, so 500 where it becomes a [`Problem`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateError(String);

impl Quota {
    /// A bucket of `limit` (1 to 1,000,000) that is filled within `period_seconds` (1 to 2,678,400, which are 31 days).
    pub const fn new(limit: u32, period_seconds: u32) -> Self {
        Self { limit, period_seconds }
    }

    /// What may be taken at once.
    pub const fn limit(self) -> u32 {
        self.limit
    }

    /// Seconds from an empty bucket to a full one.
    pub const fn period_seconds(self) -> u32 {
        self.period_seconds
    }

    /// The value of `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers) for a policy of this name: `"default";q=100;w=1`.
    pub fn field(self, policy: &str) -> String {
        item(policy, [("q", self.limit.into()), ("w", self.period_seconds.into())])
    }
}

impl Decision {
    /// The value of `RateLimit` (draft-ietf-httpapi-ratelimit-headers) for a policy of this name: `"default";r=50;t=1`. `t` is when the bucket is
    /// full again; where it was not allowed, when to ask again, as in `Retry-After`.
    pub fn field(&self, policy: &str) -> String {
        let after = if self.allowed { seconds(self.reset_after) } else { self.retry_after_seconds() };
        item(policy, [("r", self.remaining.into()), ("t", after)])
    }

    /// Whole seconds until it can be taken, for `Retry-After`; at least 1.
    pub fn retry_after_seconds(&self) -> u64 {
        seconds(self.retry_after.unwrap_or(self.reset_after)).max(1)
    }
}

/// A string with parameters that are integers (RFC 9651). By hand, as every answer of a limited API has two.
fn item(name: &str, parameters: [(&str, u64); 2]) -> String {
    let mut item = String::with_capacity(name.len() + 32);
    item.push('"');
    item.push_str(name);
    item.push('"');
    for (key, value) in parameters {
        item.push(';');
        item.push_str(key);
        item.push('=');
        item.push_str(itoa::Buffer::new().format(value));
    }
    item
}

/// Rounded up.
fn seconds(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

/// Takes `cost` (at least 1) from the bucket of a key (1 to 200 bytes), which begins full. Keys are the component's own.
///
/// 100,000 keys are kept whose bucket is not full; beyond that, those nearest to full are forgotten.
pub fn take(key: &str, quota: Quota, cost: u32) -> Result<Decision, RateError> {
    let Quota { limit, period_seconds } = quota;
    match rates::take(key, rates::Quota { limit, period_seconds }, cost) {
        Ok(decision) => Ok(Decision {
            allowed: decision.allowed,
            remaining: decision.remaining,
            reset_after: Duration::from_millis(decision.reset_after_ms),
            retry_after: decision.retry_after_ms.map(Duration::from_millis),
        }),
        Err(rates::RateError::Invalid(words)) => Err(RateError(words)),
    }
}

impl fmt::Display for RateError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for RateError {}

impl From<RateError> for Problem {
    fn from(error: RateError) -> Self {
        Self::internal(format_args!("limits: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_draft() {
        assert_eq!(Quota::new(100, 60).field("default"), "\"default\";q=100;w=60");
        let decision =
            Decision { allowed: true, remaining: 50, reset_after: Duration::from_millis(29_001), retry_after: None };
        assert_eq!(decision.field("default"), "\"default\";r=50;t=30");
        let refused =
            Decision { allowed: false, remaining: 0, retry_after: Some(Duration::from_millis(1)), ..decision };
        assert_eq!((refused.field("x").as_str(), refused.retry_after_seconds()), ("\"x\";r=0;t=1", 1));
        let never = Decision { retry_after: None, ..refused };
        assert_eq!(never.retry_after_seconds(), 30);
    }
}
