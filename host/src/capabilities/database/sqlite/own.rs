//! The host's own statements on a component's connections, which the guard lets through.

use std::sync::Arc;

use crate::capabilities::database::HostCall;

/// Each bears a random number of this process in a comment. A component neither sees nor guesses it, so it can't run one of them,
/// not even one that the connection has prepared already.
pub(super) struct OwnStatements {
    texts: [Arc<str>; HostCall::ALL.len()],
}

impl OwnStatements {
    /// With a number of their own.
    pub(super) fn new() -> Arc<Self> {
        let secret = hex::encode(rand::random::<[u8; 16]>());
        Arc::new(Self { texts: HostCall::ALL.map(|call| format!("{} /* {secret} */", call.on_sqlite()).into()) })
    }

    /// The text of one.
    pub(super) fn text(&self, call: HostCall) -> Arc<str> {
        let [publish, schedule, cancel] = &self.texts;
        Arc::clone(match call {
            HostCall::Publish => publish,
            HostCall::Schedule => schedule,
            HostCall::Cancel => cancel,
        })
    }

    /// Whether a statement is one of them.
    pub(super) fn are(&self, statement: &str) -> bool {
        self.texts.iter().any(|text| **text == *statement)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_without_the_secret_is_not_the_hosts() {
        let (own, other) = (OwnStatements::new(), OwnStatements::new());
        for call in HostCall::ALL {
            assert!(own.are(&own.text(call)));
            assert!(!own.are(call.on_sqlite()) && !own.are(&other.text(call)));
        }
    }
}
