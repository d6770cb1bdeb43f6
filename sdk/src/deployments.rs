//! The control plane. Privileged: for a component that operators work with.

use crate::Problem;
pub use crate::bindings::datamp::deployments::control::{activate, components, history, rollback};
pub use crate::bindings::datamp::deployments::types::{ControlError, Figures, Generation, Health, State};

/// The commands of other components.
pub mod commands {
    pub use crate::bindings::datamp::deployments::commands::{
        Command, CommandError, Outcome, Parameter, Progress, Step, advance, describe,
    };
}

/// Events and jobs of all components, and their schedules.
pub mod work {
    pub use crate::bindings::datamp::deployments::work::{
        Filter, Kind, Letter, LetterState, Schedule, Which, letters, replay, schedules,
    };
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::UnknownComponent(name) => Self::not_found(format!("There is no component {name}.")),
            ControlError::UnknownGeneration(number) => Self::not_found(format!("There is no generation {number}.")),
            ControlError::Refused(words) => Self::conflict(words),
            ControlError::Unavailable(words) => {
                crate::log::warn!("deployments: {}", words);
                Self::unavailable("The control plane can't be reached right now. Try again.")
            }
        }
    }
}
