//! `[[merge]]`: an exported function whose calls are made together.

use std::time::Duration;

use serde::Deserialize;

use super::values::duration;

/// A function that takes a list and answers a list, and is called once for all that call it at the same time.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// `package/interface#function`, without a version.
    pub function: String,
    /// The most elements of one call, 1 to 10000. A caller's own list is never divided.
    #[serde(default = "most")]
    pub most: usize,
    /// How long a call waits for more elements, 0 to 100 ms. By default not at all: it takes what queued while another was under way.
    #[serde(default, deserialize_with = "duration")]
    pub wait: Duration,
    /// How many calls may be under way at once, 1 to 64.
    #[serde(default = "parallel")]
    pub parallel: usize,
    /// The most elements that wait for a call, `most` to 100000; beyond it callers fail, as with a full queue of requests.
    #[serde(default = "queue")]
    pub queue: usize,
}

const fn most() -> usize {
    1000
}

const fn parallel() -> usize {
    1
}

const fn queue() -> usize {
    10_000
}

impl Merge {
    /// `package/interface`.
    #[must_use]
    pub fn interface(&self) -> &str {
        self.function.split_once('#').map_or("", |(interface, _)| interface)
    }

    /// The function's name.
    #[must_use]
    pub fn function(&self) -> &str {
        self.function.split_once('#').map_or("", |(_, function)| function)
    }

    /// What is out of its range.
    pub(super) fn check(&self) -> Result<(), String> {
        let name = &self.function;
        let well_formed = self.interface().split_once(':').is_some_and(|(_, rest)| rest.contains('/'));
        if !well_formed || self.function().is_empty() || name.contains('@') {
            return Err(format!(
                "names {name:?}: write package/interface#function without a version, as in \"my:package/interface#function\""
            ));
        }
        let in_range = |ok: bool, problem: &str| if ok { Ok(()) } else { Err(format!("of {name}: {problem}")) };
        in_range((1..=10_000).contains(&self.most), "most must be 1 to 10000")?;
        in_range(self.wait <= Duration::from_millis(100), "wait must be at most 100ms")?;
        in_range((1..=64).contains(&self.parallel), "parallel must be 1 to 64")?;
        in_range((self.most..=100_000).contains(&self.queue), "queue must be at least most, and at most 100000")
    }
}
