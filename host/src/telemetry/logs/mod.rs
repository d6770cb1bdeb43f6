//! Structured log records of components and of the host itself.
//!
//! One pipeline takes them all: a ring in memory that `datamp logs` reads, a broadcast for live tails, and a thread
//! that writes JSON lines in the field names of the Elastic Common Schema. Writing a record never waits: what the
//! thread can't keep up with is dropped and counted.

mod events;
mod kept;
mod record;
mod writer;

#[cfg(test)]
mod tests;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tokio::sync::broadcast;

pub use record::{Level, Record};
pub use writer::LogGuard;

use self::{kept::Kept, writer::Writer};
use super::trace::TraceId;

/// Where the JSON lines go.
#[derive(Clone, Debug, Default)]
pub enum LogOutput {
    /// The standard error stream.
    #[default]
    Stderr,
    /// A file, appended to.
    File(PathBuf),
    /// Nowhere: the records are kept in memory only.
    Nowhere,
}

/// What is logged, and where to.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// Where the JSON lines go.
    pub output: LogOutput,
    /// The lowest level of components' records that is kept.
    pub level: Level,
    /// How many records are kept in memory, at most; they also keep within 64 MiB.
    pub kept: usize,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { output: LogOutput::Stderr, level: Level::Info, kept: 20_000 }
    }
}

/// Which records are wanted. All that is set must fit.
#[derive(Clone, Debug, Default)]
pub struct LogFilter {
    /// The component that wrote it; `host` for the host itself.
    pub component: Option<String>,
    /// The lowest level.
    pub level: Option<Level>,
    /// The trace it belongs to.
    pub trace: Option<TraceId>,
}

impl LogFilter {
    /// Whether a record is wanted.
    #[must_use]
    pub fn fits(&self, record: &Record) -> bool {
        self.component.as_deref().is_none_or(|name| name == record.component())
            && self.level.is_none_or(|level| record.level() >= level)
            && self.trace.is_none_or(|trace| record.trace() == Some(trace))
    }
}

/// The pipeline. Cheap to clone.
#[derive(Clone)]
pub struct Logs(Arc<Inner>);

struct Inner {
    level: AtomicU8,
    kept: Kept,
    tail: broadcast::Sender<Arc<Record>>,
    writer: Writer,
}

/// How many records a live tail may be behind before it loses some.
const TAIL: usize = 1024;

impl Logs {
    /// Starts the pipeline and its writer thread. The guard writes out what is under way when it is dropped: keep it
    /// until the very end.
    ///
    /// # Errors
    /// The file can't be opened, or the thread can't be started.
    pub fn start(settings: LogSettings) -> io::Result<(Self, LogGuard)> {
        let (writer, guard) = Writer::start(settings.output)?;
        let inner = Inner {
            level: AtomicU8::new(settings.level as u8),
            kept: Kept::new(settings.kept),
            tail: broadcast::Sender::new(TAIL),
            writer,
        };
        Ok((Self(Arc::new(inner)), guard))
    }

    /// Whether components' records of this level are kept.
    #[must_use]
    pub fn enabled(&self, level: Level) -> bool {
        level as u8 >= self.0.level.load(Ordering::Relaxed)
    }

    /// Changes the lowest level of components' records that is kept.
    pub fn set_level(&self, level: Level) {
        self.0.level.store(level as u8, Ordering::Relaxed);
    }

    /// Takes a record. Never waits.
    pub fn write(&self, record: Record) {
        let record = Arc::new(record);
        self.0.writer.write(&record);
        self.0.kept.push(&record);
        // Nobody may be listening; that is no error.
        let _ = self.0.tail.send(record);
    }

    /// The newest records in memory that fit, the oldest of them first.
    #[must_use]
    pub fn recent(&self, filter: &LogFilter, limit: usize) -> Vec<Arc<Record>> {
        self.0.kept.newest(limit, |record| filter.fits(record))
    }

    /// Every record from now on. A receiver that falls behind by more than 1,024 is told how many it missed.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Record>> {
        self.0.tail.subscribe()
    }

    /// How many records were not written out because the output was too slow, since the start.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.writer.dropped()
    }
}
