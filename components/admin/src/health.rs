//! What the figures of a component mean.

/// How a component is doing, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Health {
    /// It serves.
    Healthy,
    /// One answer in a hundred or more fails.
    Degraded,
    /// One answer in twenty or more fails.
    Failing,
    /// No generation is active: its routes are answered by the host's refusal.
    Stopped,
}

impl Health {
    /// `requests` and `errors` (answers of 500 or more) since the generation began to serve.
    pub(crate) fn judge(active: bool, requests: u64, errors: u64) -> Self {
        match (active, requests, errors) {
            (false, _, _) => Self::Stopped,
            (true, _, 0) => Self::Healthy,
            (true, requests, errors) if errors.saturating_mul(20) >= requests => Self::Failing,
            (true, requests, errors) if errors.saturating_mul(100) >= requests => Self::Degraded,
            (true, _, _) => Self::Healthy,
        }
    }

    /// The key of its name.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::Healthy => "health.healthy",
            Self::Degraded => "health.degraded",
            Self::Failing => "health.failing",
            Self::Stopped => "health.stopped",
        }
    }

    /// The style it is shown in.
    pub(crate) fn tone(self) -> &'static str {
        match self {
            Self::Healthy => "good",
            Self::Degraded => "warn",
            Self::Failing | Self::Stopped => "bad",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_follows_the_share_of_errors() {
        assert_eq!(Health::judge(true, 0, 0), Health::Healthy);
        assert_eq!(Health::judge(true, 1000, 9), Health::Healthy);
        assert_eq!(Health::judge(true, 1000, 10), Health::Degraded);
        assert_eq!(Health::judge(true, 1000, 50), Health::Failing);
        assert_eq!(Health::judge(true, 1, 1), Health::Failing);
        assert_eq!(Health::judge(true, u64::MAX, u64::MAX), Health::Failing);
        assert_eq!(Health::judge(false, 0, 0), Health::Stopped);
    }
}
