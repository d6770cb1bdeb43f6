//! What the host itself writes on a component's behalf, within that component's transaction or by itself: the work that
//! `datamp:messaging` and `datamp:jobs` defer.
//!
//! A component's transaction is a component's connection, which has no right to the host's tables. On PostgreSQL it calls a
//! function that runs with the host's rights and sees for itself who calls; on SQLite the guard knows the host's own
//! statements by a text that no component can guess.

use super::sql::{Dialect, Value};

/// One of the host's own statements.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HostCall {
    /// Adds events: ids, topics, payloads (texts each), the traceparent.
    Publish,
    /// Adds or replaces jobs: ids, names, keys (texts each), times (integers), payloads (texts), the traceparent.
    Schedule,
    /// Removes jobs: names, keys (texts each).
    Cancel,
}

impl HostCall {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Publish, Self::Schedule, Self::Cancel];

    /// On SQLite, with the component in front of the other parameters.
    pub(crate) const fn on_sqlite(self) -> &'static str {
        match self {
            Self::Publish => {
                "INSERT INTO host_work (id, kind, component, name, key, origin, payload, trace, created_at, scheduled_for, due_at, attempts) \
                 SELECT i.value || '/' || s.component, 'event', s.component, t.value, i.value, $1, p.value, $5, n.at, n.at, n.at, 0 \
                 FROM (SELECT CAST(unixepoch('subsec') * 1000000 AS INTEGER) AS at) n, json_each($2) i \
                 JOIN json_each($3) t ON t.key = i.key JOIN json_each($4) p ON p.key = i.key \
                 JOIN host_topic s ON s.direction = 'subscribe' AND ((s.wildcard = 0 AND s.topic = t.value) \
                    OR (s.wildcard = 1 AND substr(t.value, 1, length(s.topic) + 1) = s.topic || '.')) \
                 WHERE true ON CONFLICT DO NOTHING"
            }
            Self::Schedule => {
                "INSERT INTO host_work (id, kind, component, name, key, origin, payload, trace, created_at, scheduled_for, due_at, attempts) \
                 SELECT i.value, 'job', $1, n.value, k.value, $1, p.value, $7, CAST(unixepoch('subsec') * 1000000 AS INTEGER), r.value, r.value, 0 \
                 FROM json_each($2) i JOIN json_each($3) n ON n.key = i.key JOIN json_each($4) k ON k.key = i.key \
                 JOIN json_each($5) r ON r.key = i.key JOIN json_each($6) p ON p.key = i.key \
                 WHERE true ON CONFLICT (kind, component, name, key) WHERE dead_at IS NULL DO UPDATE SET \
                    payload = excluded.payload, trace = excluded.trace, created_at = excluded.created_at, \
                    scheduled_for = excluded.scheduled_for, due_at = excluded.due_at, \
                    attempts = 0, claim = NULL, holder = NULL, last_error = NULL"
            }
            Self::Cancel => {
                "DELETE FROM host_work WHERE kind = 'job' AND component = $1 AND dead_at IS NULL AND (name, key) IN \
                    (SELECT n.value, k.value FROM json_each($2) n JOIN json_each($3) k ON k.key = n.key)"
            }
        }
    }

    /// On PostgreSQL, as the component: the function sees who calls.
    pub(super) const fn as_component(self) -> &'static str {
        match self {
            Self::Publish => "SELECT datamp_calls.publish($1, $2, $3, $4)",
            Self::Schedule => "SELECT datamp_calls.schedule($1, $2, $3, $4, $5, $6)",
            Self::Cancel => "SELECT datamp_calls.cancel($1, $2)",
        }
    }

    /// On PostgreSQL, as the host for a component, which is in front of the other parameters.
    pub(super) const fn as_host(self) -> &'static str {
        match self {
            Self::Publish => "SELECT datamp.publish_as($1, $2, $3, $4, $5)",
            Self::Schedule => "SELECT datamp.schedule_as($1, $2, $3, $4, $5, $6, $7)",
            Self::Cancel => "SELECT datamp.cancel_as($1, $2, $3)",
        }
    }
}

/// The parameters with the component in front.
pub(super) fn of_component(component: &str, parameters: Vec<Value>) -> Vec<Value> {
    let mut all = Vec::with_capacity(parameters.len() + 1);
    all.push(Value::Text(component.to_owned()));
    all.extend(parameters);
    all
}

/// The database's clock, in microseconds since the Unix epoch, as SQL. Of several hosts, each has another one of its own.
#[must_use]
pub const fn now(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Sqlite => "CAST(unixepoch('subsec') * 1000000 AS INTEGER)",
        Dialect::Postgresql => "datamp.now_micros()",
    }
}
