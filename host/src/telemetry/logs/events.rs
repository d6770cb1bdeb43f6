//! The host's own `tracing` events, in the form of every other record.

use std::fmt;

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{EnvFilter, Layer, layer::Context, prelude::*, util::TryInitError};

use super::{Level, Logs, Record};
use crate::telemetry::trace::TraceId;

/// The name that the host writes its own records under.
const HOST: &str = "host";

impl Logs {
    /// Makes this pipeline the process's subscriber of `tracing` events. `directives` are those of
    /// [`EnvFilter`], such as `info` or `info,datamp_host=debug`; malformed ones are left out.
    ///
    /// # Errors
    /// The process has a subscriber already.
    pub fn install(&self, directives: &str) -> Result<(), TryInitError> {
        tracing_subscriber::registry().with(EnvFilter::new(directives)).with(Events(self.clone())).try_init()
    }

    /// The layer that [`install`](Self::install) installs, for a subscriber of one's own.
    pub fn layer<S: Subscriber>(&self) -> impl Layer<S> + use<S> {
        Events(self.clone())
    }
}

struct Events(Logs);

impl<S: Subscriber> Layer<S> for Events {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let metadata = event.metadata();
        let level = match *metadata.level() {
            tracing::Level::TRACE => Level::Trace,
            tracing::Level::DEBUG => Level::Debug,
            tracing::Level::INFO => Level::Info,
            tracing::Level::WARN => Level::Warn,
            tracing::Level::ERROR => Level::Error,
        };
        let mut record = Record::new(level, HOST, String::new()).of_generation(env!("CARGO_PKG_VERSION"), None);
        record.set_logger(metadata.target());
        event.record(&mut Fields(&mut record));
        self.0.write(record);
    }
}

/// Puts an event's fields where they belong in a record.
struct Fields<'a>(&'a mut Record);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.0.set_message(value.to_owned()),
            "request_id" => self.0.set_request_id(value),
            "trace_id" => self.0.set_trace(TraceId::parse(value)),
            name => self.0.add(name, value.to_owned()),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
