//! The typed exports that the host itself calls: the HTTP handler, the subscriber, the job, the commands.

use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use super::InstanceState;
use crate::bindings::{
    job::{Runs, RunsIndices},
    operator::{Operated, OperatedIndices},
    platform::{Platform, PlatformIndices},
    subscriber::{Events, EventsIndices},
};

/// Which of them a component has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serves {
    /// `datamp:http/handler`.
    pub http: bool,
    /// `datamp:messaging/subscriber`.
    pub events: bool,
    /// `datamp:jobs/job`.
    pub jobs: bool,
    /// `datamp:operator/commands`.
    pub commands: bool,
}

/// Where they are in a component.
pub(super) struct TypedExports {
    http: Option<PlatformIndices>,
    events: Option<EventsIndices>,
    jobs: Option<RunsIndices>,
    commands: Option<OperatedIndices>,
}

/// Where they are in an instance.
pub(super) struct TypedInstance {
    pub(super) http: Option<Platform>,
    pub(super) events: Option<Events>,
    pub(super) jobs: Option<Runs>,
    pub(super) commands: Option<Operated>,
}

impl TypedExports {
    /// Finds them.
    ///
    /// # Errors
    /// When one's type isn't that of the contract.
    pub(super) fn find(pre: &InstancePre<InstanceState>, serves: Serves) -> wasmtime::Result<Self> {
        Ok(Self {
            http: serves.http.then(|| PlatformIndices::new(pre)).transpose()?,
            events: serves.events.then(|| EventsIndices::new(pre)).transpose()?,
            jobs: serves.jobs.then(|| RunsIndices::new(pre)).transpose()?,
            commands: serves.commands.then(|| OperatedIndices::new(pre)).transpose()?,
        })
    }

    /// Which there are.
    pub(super) const fn serves(&self) -> Serves {
        Serves {
            http: self.http.is_some(),
            events: self.events.is_some(),
            jobs: self.jobs.is_some(),
            commands: self.commands.is_some(),
        }
    }

    /// Those of an instance.
    pub(super) fn load(
        &self,
        store: &mut Store<InstanceState>,
        instance: &Instance,
    ) -> wasmtime::Result<TypedInstance> {
        Ok(TypedInstance {
            http: self.http.as_ref().map(|indices| indices.load(&mut *store, instance)).transpose()?,
            events: self.events.as_ref().map(|indices| indices.load(&mut *store, instance)).transpose()?,
            jobs: self.jobs.as_ref().map(|indices| indices.load(&mut *store, instance)).transpose()?,
            commands: self.commands.as_ref().map(|indices| indices.load(&mut *store, instance)).transpose()?,
        })
    }
}
