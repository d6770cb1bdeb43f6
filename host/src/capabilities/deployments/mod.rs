//! `datamp:deployments`: the control plane, for a component that operators work with.
//!
//! Privileged: a manifest has to name its interfaces under `uses`, and whoever deploys has to grant that.

mod commands;
mod work;

use std::{
    sync::{Arc, OnceLock, Weak},
    time::Duration,
};

use tokio::time::{Instant, timeout};
use wasmtime::component::{HasSelf, Linker};

use crate::{
    bindings::platform::datamp::deployments::{
        commands as wit_commands, control,
        types::{ControlError as WitError, Figures, Generation, Health, State as WitState},
        work as wit_work,
    },
    control::{Change, ComponentStatus, Control, ControlError, GenerationRecord, State},
    engine::InstanceState,
};

/// The longest name or reason that goes into the history, in characters.
const TEXT: usize = 500;

/// What a caller is left, at most, to say that its time ran out; of less than ten times that, it is left a tenth.
const LEFT: Duration = Duration::from_millis(500);

/// Where the capability finds the control plane, which is made after the capabilities.
#[derive(Clone, Default)]
pub struct ControlHandle(Arc<OnceLock<Weak<Control>>>);

impl ControlHandle {
    /// Says where it is. Only the first time counts.
    pub fn set(&self, control: &Arc<Control>) {
        let _ = self.0.set(Arc::downgrade(control));
    }

    fn get(&self) -> Result<Arc<Control>, WitError> {
        let control = self.0.get().and_then(Weak::upgrade);
        control.ok_or_else(|| WitError::Unavailable("the control plane is not running".to_owned()))
    }
}

/// Puts the capability into a linker.
///
/// # Errors
/// When it is there already.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    control::add_to_linker::<InstanceState, HasSelf<InstanceState>>(linker, |state| state)?;
    wit_commands::add_to_linker::<InstanceState, HasSelf<InstanceState>>(linker, |state| state)?;
    wit_work::add_to_linker::<InstanceState, HasSelf<InstanceState>>(linker, |state| state)
}

impl crate::bindings::platform::datamp::deployments::types::Host for InstanceState {}

impl control::Host for InstanceState {
    async fn components(&mut self) -> wasmtime::Result<Result<Vec<Health>, WitError>> {
        self.with_control(async |control| {
            Ok(control.status().await?.components.into_iter().map(Health::from).collect())
        })
        .await
    }

    async fn history(&mut self, component: String) -> wasmtime::Result<Result<Vec<Generation>, WitError>> {
        self.with_control(async |control| {
            Ok(control.history(&component).await?.into_iter().map(Generation::from).collect())
        })
        .await
    }

    async fn activate(
        &mut self,
        component: String,
        number: u64,
        by: String,
        reason: String,
    ) -> wasmtime::Result<Result<Generation, WitError>> {
        let change = match change(by, reason) {
            Ok(change) => change,
            Err(error) => return Ok(Err(error)),
        };
        self.with_control(async |control| Ok(control.activate(component, number, change).await?.into())).await
    }

    async fn rollback(
        &mut self,
        component: String,
        by: String,
        reason: String,
    ) -> wasmtime::Result<Result<Generation, WitError>> {
        let change = match change(by, reason) {
            Ok(change) => change,
            Err(error) => return Ok(Err(error)),
        };
        self.with_control(async |control| Ok(control.rollback(component, change).await?.into())).await
    }
}

impl InstanceState {
    async fn with_control<T: Send + 'static>(
        &mut self,
        work: impl AsyncFnOnce(&Arc<Control>) -> Result<T, ControlError>,
    ) -> wasmtime::Result<Result<T, WitError>> {
        Ok(match self.in_time(work).await {
            Ok(result) => result.map_err(WitError::from),
            Err(error) => Err(error),
        })
    }

    /// What comes of work with the control plane, unless there is none or it takes longer than the caller has, who is left the time to say so.
    async fn in_time<T: Send + 'static>(&mut self, work: impl AsyncFnOnce(&Arc<Control>) -> T) -> Result<T, WitError> {
        let control = self.component.capabilities.platform.control.get()?;
        let late = |_| WitError::Unavailable("the control plane did not answer in time".to_owned());
        let whole = self.call.deadline.saturating_duration_since(Instant::now());
        timeout(whole - LEFT.min(whole / 10), work(&control)).await.map_err(late)
    }
}

fn change(by: String, reason: String) -> Result<Change, WitError> {
    if by.trim().is_empty() || reason.trim().is_empty() {
        return Err(WitError::Refused("a change needs a name and a reason for the history".to_owned()));
    }
    if by.chars().count() > TEXT || reason.chars().count() > TEXT {
        return Err(WitError::Refused(format!("a name or a reason has at most {TEXT} characters")));
    }
    Ok(Change { by, reason, may_break_clients: false })
}

impl From<ControlError> for WitError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::UnknownComponent(component) => Self::UnknownComponent(component),
            ControlError::UnknownGeneration { number, .. } => Self::UnknownGeneration(number),
            ControlError::Store(_) | ControlError::Internal(_) => {
                tracing::error!("{error}");
                Self::Unavailable("the host could not do this; its log has more".to_owned())
            }
            other => Self::Refused(other.to_string()),
        }
    }
}

impl From<GenerationRecord> for Generation {
    fn from(record: GenerationRecord) -> Self {
        Self {
            component: record.component,
            number: record.number,
            version: record.version,
            state: match record.state {
                State::Admitted => WitState::Admitted,
                State::Active => WitState::Active,
                State::Draining => WitState::Draining,
                State::Retired => WitState::Retired,
                State::Rejected => WitState::Rejected,
                State::Failed => WitState::Failed,
            },
            sha256: record.sha256,
            size: record.size,
            reason: record.reason,
            deployed_by: record.deployed_by,
            deployed_at: record.deployed_at,
            activated_at: record.activated_at,
        }
    }
}

impl From<ComponentStatus> for Health {
    fn from(status: ComponentStatus) -> Self {
        let figures = status.figures;
        Self {
            component: status.component,
            active: status.active.filter(|_| status.broken.is_none()).map(Generation::from),
            figures: Figures {
                requests: figures.requests,
                errors: figures.errors,
                in_flight: status.in_flight,
                p50: figures.p50,
                p99: figures.p99,
            },
            routes: status.routes,
        }
    }
}
