//! Every way in which a call of a component fails.

use std::{sync::Arc, time::Duration};

use wasmtime::Trap;

use super::InstanceState;
use crate::manifest::ByteSize;

/// Why a component gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// All instances are working and the queue is full.
    #[error("{component} is working at its limit and its queue is full")]
    Saturated {
        /// The component.
        component: Arc<str>,
    },
    /// It did not answer in time, whether it was computing, waiting, or still in the queue.
    #[error("{component} gave no answer within {}", in_words(*.limit))]
    Deadline {
        /// The component.
        component: Arc<str>,
        /// What its manifest allows.
        limit: Duration,
    },
    /// It needed more memory than its manifest allows.
    #[error("{component} needed more than its {limit} of memory")]
    Memory {
        /// The component.
        component: Arc<str>,
        /// What its manifest allows.
        limit: ByteSize,
    },
    /// It called itself too deeply.
    #[error("{component} overflowed its stack")]
    StackOverflow {
        /// The component.
        component: Arc<str>,
    },
    /// Any other trap: a panic of the guest, a division by zero, an access out of bounds.
    #[error("{component} failed: {reason}")]
    Trapped {
        /// The component.
        component: Arc<str>,
        /// wasmtime's name of the trap.
        reason: String,
    },
    /// No instance could be made.
    #[error("{component} could not be started: {reason}")]
    NotStarted {
        /// The component.
        component: Arc<str>,
        /// Why.
        reason: String,
    },
    /// What it answered is no HTTP response.
    #[error("{component} gave an answer that is no valid response: {reason}")]
    InvalidResponse {
        /// The component.
        component: Arc<str>,
        /// What is wrong with it.
        reason: String,
    },
    /// Its answer is longer than its manifest allows.
    #[error("{component} gave an answer of more than its {limit}")]
    ResponseTooLarge {
        /// The component.
        component: Arc<str>,
        /// What its manifest allows.
        limit: ByteSize,
    },
    /// It was ended because its draining took too long.
    #[error("{component} was replaced and did not finish in time")]
    Killed {
        /// The component.
        component: Arc<str>,
    },
    /// A component called an interface that no active component exports.
    #[error("{caller} called {interface}, which no active component provides")]
    NotProvided {
        /// The caller.
        caller: Arc<str>,
        /// The interface, with its version.
        interface: Arc<str>,
    },
    /// Components called each other in a circle.
    #[error("{caller} called {interface} of {component}, which is itself waiting for this call")]
    Cycle {
        /// The caller.
        caller: Arc<str>,
        /// The component that was called.
        component: Arc<str>,
        /// The interface.
        interface: Arc<str>,
    },
    /// Components called each other too deeply.
    #[error("{caller} called {interface} at a depth of more than {limit} components")]
    TooDeep {
        /// The caller.
        caller: Arc<str>,
        /// The interface.
        interface: Arc<str>,
        /// How deep calls may go.
        limit: usize,
    },
}

fn in_words(limit: Duration) -> String {
    if limit.subsec_millis() == 0 { format!("{} s", limit.as_secs()) } else { format!("{} ms", limit.as_millis()) }
}

/// What the epoch callback ends a guest with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Interrupted {
    #[error("the deadline has passed")]
    Deadline,
    #[error("the generation was ended")]
    Killed,
}

impl CallError {
    /// Names what ended an instance's call.
    pub(super) fn of(error: &wasmtime::Error, state: &InstanceState) -> Self {
        // A failed call to another component is that component's failure: pass it on as it is.
        if let Some(inner) = error.downcast_ref::<Self>() {
            return inner.clone();
        }
        let component = Arc::clone(&state.component.name);
        match error.downcast_ref::<Interrupted>() {
            Some(Interrupted::Deadline) => return Self::deadline(state),
            Some(Interrupted::Killed) => return Self::Killed { component },
            None => {}
        }
        if let Some(limit) = state.limits.exceeded() {
            return Self::Memory { component, limit };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Self::StackOverflow { component },
            Some(trap) => Self::Trapped { component, reason: trap.to_string() },
            None => Self::Trapped { component, reason: error.root_cause().to_string() },
        }
    }

    /// The deadline of an instance has passed.
    pub(super) fn deadline(state: &InstanceState) -> Self {
        Self::Deadline { component: Arc::clone(&state.component.name), limit: state.component.manifest.limits.deadline }
    }
}
