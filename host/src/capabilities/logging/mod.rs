//! `datamp:logging`: a component's records go straight into the host's pipeline.

use std::sync::Arc;

use wasmtime::component::{HasSelf, Linker};

use crate::{
    bindings::platform::datamp::logging::log::{self, Level as WitLevel},
    engine::InstanceState,
    telemetry::logs::{Level, Record},
};

/// Links `datamp:logging`.
///
/// # Errors
/// The linker has the interface already.
pub fn add_to_linker(linker: &mut Linker<InstanceState>) -> wasmtime::Result<()> {
    log::add_to_linker::<_, HasSelf<InstanceState>>(linker, |state| state)
}

impl From<WitLevel> for Level {
    fn from(level: WitLevel) -> Self {
        match level {
            WitLevel::Trace => Self::Trace,
            WitLevel::Debug => Self::Debug,
            WitLevel::Info => Self::Info,
            WitLevel::Warn => Self::Warn,
            WitLevel::Error => Self::Error,
        }
    }
}

impl log::Host for InstanceState {
    fn write(&mut self, level: WitLevel, message: String, fields: Vec<(String, String)>) -> wasmtime::Result<()> {
        let component = &self.component;
        let logs = &component.capabilities.platform.logs;
        let level = level.into();
        if logs.enabled(level) {
            let mut record = Record::new(level, Arc::clone(&component.name), message)
                .of_generation(component.manifest.version.to_string(), component.generation)
                .of_request(Arc::clone(&self.call.request_id), self.call.trace.trace_id());
            for (name, value) in fields {
                record.add(&name, value);
            }
            logs.write(record);
        }
        Ok(())
    }

    fn enabled(&mut self, level: WitLevel) -> wasmtime::Result<bool> {
        Ok(self.component.capabilities.platform.logs.enabled(level.into()))
    }
}
