//! Deferred work: calls of components' exports that wait in the database until they are due.
//!
//! Events on their way to subscribers (`datamp:messaging`) and runs of jobs (`datamp:jobs`) are rows of one table, `host_work`.
//! A row is *claimed* for a lease, its component's export is called, and the outcome is *settled*: done (the row is gone), to be tried again
//! later, or dead (the row stays, as a dead letter). Hosts on one database claim from one table: `FOR UPDATE SKIP LOCKED` keeps them from
//! waiting for each other, and a claim's lease, longer than any call, lets another one take over from a host that died. A claim is told
//! apart by a token, so that whoever comes too late settles nothing that is no longer its own.
//!
//! What is true is in the database alone. Workers are woken when something was added (in this process at once, in others through
//! NOTIFY), know when the next row is due, and look again every [`POLL`] in case of a message that was lost.

mod announce;
mod claim;
mod dispatcher;
mod figures;
mod host_id;
mod letters;
mod retry;
mod rights;
mod run;
mod schedule;
mod settle;
mod wake;
mod worker;

#[cfg(test)]
mod tests;

pub use self::{
    dispatcher::Dispatcher,
    figures::WorkMetrics,
    letters::{Letter, LetterFilter, LetterState, ScheduleRow},
};

use std::{path::Path, sync::Arc, time::Duration};

use self::wake::Wake;
use crate::capabilities::database::{Database, now};

/// How often a worker looks, at the least.
const POLL: Duration = Duration::from_secs(5);

/// What kind of work.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// An event, for one of its subscribers.
    Event,
    /// A run of a job.
    Job,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Event, Self::Job];

    /// Its word in the database and in figures.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Job => "job",
        }
    }
}

/// The work that waits in a database, as one host sees it. Cheap to clone.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    database: Database,
    /// Claims bear it.
    host: String,
    /// Something may be due.
    due: Wake,
    /// This host added something: others are to be told.
    added: Wake,
}

impl Queue {
    /// The work in a database. `data_dir` is the host's own folder, where it keeps its name.
    ///
    /// # Errors
    /// When that name can't be read or written.
    pub fn open(database: Database, data_dir: &Path) -> std::io::Result<Self> {
        let host = host_id::load(data_dir)?;
        Ok(Self(Arc::new(Inner { database, host, due: Wake::default(), added: Wake::default() })))
    }

    /// Tells that work was added and committed.
    pub fn added(&self) {
        self.0.due.wake();
        self.0.added.wake();
    }

    /// Tells this host's workers to look again: another generation is active, say.
    pub fn look(&self) {
        self.0.due.wake();
    }

    fn database(&self) -> &Database {
        &self.0.database
    }

    /// A statement whose `{now}` is the database's clock.
    fn sql(&self, text: &str) -> sqlx::AssertSqlSafe<String> {
        let skip = match self.database().dialect() {
            crate::capabilities::database::sql::Dialect::Sqlite => "",
            crate::capabilities::database::sql::Dialect::Postgresql => "FOR UPDATE SKIP LOCKED",
        };
        sqlx::AssertSqlSafe(text.replace("{now}", now(self.database().dialect())).replace("{skip}", skip))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
