//! The interface `datamp:limits/rates` on an instance's state.

use super::bucket::Quota as Bucket;
use crate::{
    bindings::platform::datamp::limits::rates::{Decision, Host, Quota, RateError},
    engine::InstanceState,
};

/// The longest key, in bytes.
const LONGEST_KEY: usize = 200;

const MILLISECOND: u64 = 1_000_000;

impl Host for InstanceState {
    fn take(&mut self, key: String, quota: Quota, cost: u32) -> wasmtime::Result<Result<Decision, RateError>> {
        if key.is_empty() || key.len() > LONGEST_KEY {
            return Ok(Err(RateError::Invalid(format!("a key has 1 to {LONGEST_KEY} bytes, not {}", key.len()))));
        }
        if cost == 0 {
            return Ok(Err(RateError::Invalid("a cost is at least 1".to_owned())));
        }
        let bucket = match Bucket::new(quota.limit, quota.period_seconds) {
            Ok(bucket) => bucket,
            Err(problem) => return Ok(Err(RateError::Invalid(problem))),
        };
        let decision = self.component.capabilities.rates.take(&key, bucket, cost);
        Ok(Ok(Decision {
            allowed: decision.allowed,
            remaining: decision.remaining,
            reset_after_ms: decision.reset_after.div_ceil(MILLISECOND),
            retry_after_ms: decision.retry_after.map(|wait| wait.div_ceil(MILLISECOND)),
        }))
    }
}
