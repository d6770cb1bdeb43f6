//! `component.toml`: what a component is, what it asks for, and within which limits it runs.
//!
//! The text travels inside the `.wasm` as the custom section [`SECTION`], so the file that is deployed describes itself.

mod deferred;
mod merge;
mod topic;
mod values;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    num::{NonZeroU32, NonZeroU64},
    time::Duration,
};

use serde::Deserialize;

use self::values::duration;
pub use self::{
    deferred::{CronText, JobNeeds, MessagingNeeds, Schedule},
    merge::Merge,
    topic::{TOPIC_FORM, TopicPattern, is_topic},
    values::{ByteSize, ComponentName, RoutePrefix},
};

/// The custom section of a component that holds its manifest, as UTF-8 TOML.
pub const SECTION: &str = "datamp:manifest";

/// The custom section that holds a component's migrations, as JSON.
pub const MIGRATIONS_SECTION: &str = "datamp:migrations";

/// The custom section that holds the OpenAPI 3.1 document of a component's HTTP API, as JSON.
pub const OPENAPI_SECTION: &str = "datamp:openapi";

/// Paths that the host itself answers on the public listener.
const HOST_PATHS: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// A component's manifest, parsed and checked.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Manifest {
    /// The component's name: `[a-z][a-z0-9-]*`, at most 40 characters.
    pub name: ComponentName,
    /// Its version, by Semantic Versioning.
    pub version: semver::Version,
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// The path prefixes that it serves, in whole segments: `/core` serves `/core` and `/core/…`, not `/cores`.
    #[serde(default)]
    pub routes: Vec<RoutePrefix>,
    /// The interfaces it uses beyond those that are free to all, as `package/interface` without a version.
    #[serde(default)]
    pub uses: BTreeSet<String>,
    /// What it may consume.
    #[serde(default)]
    pub limits: Limits,
    /// Its share of the database.
    #[serde(default)]
    pub database: DatabaseNeeds,
    /// The hosts it may call.
    #[serde(default)]
    pub http: HttpNeeds,
    /// The exported functions whose calls are merged.
    #[serde(default)]
    pub merge: Vec<Merge>,
    /// The events it publishes and is sent.
    #[serde(default)]
    pub messaging: MessagingNeeds,
    /// How its jobs are run.
    #[serde(default)]
    pub jobs: JobNeeds,
    /// What it does again and again, by the name of the job.
    #[serde(default)]
    pub schedules: BTreeMap<ComponentName, Schedule>,
    /// Its settings.
    #[serde(default)]
    pub config: BTreeMap<String, Setting>,
    /// Its secrets.
    #[serde(default)]
    pub secrets: BTreeMap<String, Secret>,
}

/// What a component may consume.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Limits {
    /// Bytes of all linear memories and tables of one instance together.
    pub memory: ByteSize,
    /// How long one request may take from its first byte in the component to its answer.
    #[serde(deserialize_with = "duration")]
    pub deadline: Duration,
    /// How many instances work at once.
    pub concurrency: NonZeroU32,
    /// How many requests wait for an instance before others are answered 503.
    pub queue: u32,
    /// How many requests one instance serves in its life. 1 is a fresh instance for each.
    pub reuse: NonZeroU64,
    /// The longest request body, in bytes; a longer one is answered 413.
    pub request_body: ByteSize,
    /// The longest response body, in bytes; a longer one becomes a 502.
    pub response_body: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory: ByteSize(64 << 20),
            deadline: Duration::from_secs(10),
            concurrency: NonZeroU32::new(64).unwrap_or(NonZeroU32::MIN),
            queue: 256,
            reuse: NonZeroU64::MIN,
            request_body: ByteSize(1 << 20),
            response_body: ByteSize(8 << 20),
        }
    }
}

/// A component's share of the database.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseNeeds {
    /// The size of the connection pool of its own, 1 to 100.
    pub connections: u32,
    /// The migration set that travels in it, if any.
    pub migrations: Option<ComponentName>,
    /// What it does with which table.
    pub tables: BTreeMap<String, BTreeSet<TableRight>>,
}

impl Default for DatabaseNeeds {
    fn default() -> Self {
        Self { connections: 8, migrations: None, tables: BTreeMap::new() }
    }
}

/// What may be done with a table, in SQL's own words.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub enum TableRight {
    /// Read its rows.
    Select,
    /// Add rows.
    Insert,
    /// Change rows.
    Update,
    /// Remove rows.
    Delete,
}

impl fmt::Display for TableRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Select => "select",
            Self::Insert => "insert",
            Self::Update => "update",
            Self::Delete => "delete",
        })
    }
}

/// The hosts that a component may call.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpNeeds {
    /// Patterns: `api.example.com`, `*.example.com`, `api.example.com:8443`, each optionally after `http://`
    /// (`https://` otherwise). `https://*` is every public host.
    pub hosts: BTreeSet<String>,
}

/// One setting of a component.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setting {
    /// What it is, for the operator.
    pub description: String,
    /// Its value where the operator gave none.
    pub default: Option<String>,
}

/// One secret of a component.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// What it is, for the operator.
    pub description: String,
    /// Whether the host makes a random one where none was set.
    #[serde(default)]
    pub generate: bool,
    /// Whether `datamp up` shows it, once, when it was generated.
    #[serde(default)]
    pub announce: bool,
}

/// Why a manifest is refused.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The file holds no manifest.
    #[error(
        "the file holds no manifest: embed component.toml as the custom section {SECTION:?} (the SDK's service! does)"
    )]
    Missing,
    /// The section is not UTF-8.
    #[error("the manifest is not UTF-8 text")]
    NotText,
    /// The text is no valid manifest.
    #[error("the manifest can't be read: {0}")]
    Invalid(String),
    /// A value is outside its range.
    #[error("the manifest's {field} {problem}")]
    OutOfRange {
        /// The field at fault.
        field: &'static str,
        /// What it must be.
        problem: String,
    },
}

impl Manifest {
    /// Parses and checks a manifest's text.
    ///
    /// # Errors
    /// Names the line or the field at fault.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let manifest: Self = toml::from_str(text).map_err(|e| ManifestError::Invalid(e.to_string()))?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), ManifestError> {
        let limits = &self.limits;
        let in_range = |field, ok, problem: &str| {
            if ok { Ok(()) } else { Err(ManifestError::OutOfRange { field, problem: problem.to_owned() }) }
        };
        in_range("limits.memory", (1 << 16..=1 << 32).contains(&limits.memory.0), "must be 64KiB to 4GiB")?;
        in_range(
            "limits.deadline",
            (Duration::from_millis(10)..=Duration::from_secs(300)).contains(&limits.deadline),
            "must be 10ms to 300s",
        )?;
        in_range("limits.concurrency", limits.concurrency.get() <= 1000, "must be 1 to 1000")?;
        in_range("limits.queue", limits.queue <= 100_000, "must be 0 to 100000")?;
        in_range("limits.request-body", limits.request_body.0 <= 256 << 20, "must be at most 256MiB")?;
        in_range("limits.response-body", limits.response_body.0 <= 256 << 20, "must be at most 256MiB")?;
        in_range("database.connections", (1..=100).contains(&self.database.connections), "must be 1 to 100")?;
        self.check_deferred()?;
        if let Some(route) = self.routes.iter().find(|route| HOST_PATHS.contains(&route.as_str())) {
            return Err(ManifestError::OutOfRange {
                field: "routes",
                problem: format!("names {}, which is the host's own", route.as_str()),
            });
        }
        for merge in &self.merge {
            merge.check().map_err(|problem| ManifestError::OutOfRange { field: "merge", problem })?;
        }
        let table = |name: &String| {
            name.len() <= 63
                && name.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
        };
        if let Some(name) = self.database.tables.keys().find(|name| !table(name) || name.starts_with("host_")) {
            return Err(ManifestError::OutOfRange {
                field: "database.tables",
                problem: format!(
                    "names {name:?}: a table's name is a-z, 0-9 and '_', and those of host_ are the host's own"
                ),
            });
        }
        let interface = |name: &String| {
            name.split_once(':')
                .and_then(|(_, rest)| rest.split_once('/'))
                .is_some_and(|(_, interface)| !interface.contains('@'))
        };
        if let Some(name) = self.uses.iter().find(|name| !interface(name)) {
            return Err(ManifestError::OutOfRange {
                field: "uses",
                problem: format!(
                    "names {name:?}: write package/interface without a version, as in \"datamp:mail/sender\""
                ),
            });
        }
        Ok(())
    }

    fn check_deferred(&self) -> Result<(), ManifestError> {
        let in_range = |field, ok, problem: &str| {
            if ok { Ok(()) } else { Err(ManifestError::OutOfRange { field, problem: problem.to_owned() }) }
        };
        let delay = Duration::from_millis(10)..=Duration::from_secs(3600);
        let (messaging, jobs) = (&self.messaging, &self.jobs);
        in_range("messaging.batch", messaging.batch.get() <= 100, "must be 1 to 100")?;
        in_range("messaging.concurrency", messaging.concurrency.get() <= 64, "must be 1 to 64")?;
        in_range("messaging.attempts", messaging.attempts.get() <= 100, "must be 1 to 100")?;
        in_range("messaging.retry-delay", delay.contains(&messaging.retry_delay), "must be 10ms to 3600s")?;
        in_range("jobs.concurrency", jobs.concurrency.get() <= 64, "must be 1 to 64")?;
        in_range("jobs.attempts", jobs.attempts.get() <= 100, "must be 1 to 100")?;
        in_range("jobs.retry-delay", delay.contains(&jobs.retry_delay), "must be 10ms to 3600s")?;
        let topics = messaging.publishes.len().max(messaging.subscribes.len());
        in_range("messaging", topics <= 100, "must name at most 100 topics each way")?;
        in_range("schedules", self.schedules.len() <= 100, "must be at most 100")?;
        let json = |text: &str| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() && text.len() <= 65_536;
        in_range(
            "schedules",
            self.schedules.values().all(|schedule| json(&schedule.payload)),
            "must each have a payload that is a JSON text of at most 64 KiB, or none",
        )
    }

    /// Everything that this component asks for beyond what is free to all, each as one line that an operator grants.
    #[must_use]
    pub fn asks(&self) -> BTreeSet<String> {
        let routes = self.routes.iter().map(|r| format!("route:{}", r.as_str()));
        let uses = self.uses.iter().map(|u| format!("uses:{u}"));
        let hosts = self.http.hosts.iter().map(|h| format!("host:{h}"));
        let secrets = self.secrets.keys().map(|s| format!("secret:{s}"));
        let migrations = self.database.migrations.iter().map(|m| format!("migrations:{m}"));
        let tables = self
            .database
            .tables
            .iter()
            .flat_map(|(table, rights)| rights.iter().map(move |right| format!("table:{table}:{right}")));
        let publishes = self.messaging.publishes.iter().map(|topic| format!("publish:{topic}"));
        let subscribes = self.messaging.subscribes.iter().map(|topic| format!("subscribe:{topic}"));
        // Without its time: a comma of it would part the asks of one grant.
        let schedules = self.schedules.keys().map(|name| format!("schedule:{name}"));
        let deferred = publishes.chain(subscribes).chain(schedules);
        routes.chain(deferred).chain(uses).chain(hosts).chain(secrets).chain(migrations).chain(tables).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minimal_manifest_gets_the_documented_defaults() {
        let manifest = Manifest::parse("name = 'a'\nversion = '1.2.3'").unwrap();
        assert_eq!(manifest.limits.reuse.get(), 1);
        assert_eq!(manifest.limits.memory, ByteSize(64 << 20));
        assert!(manifest.asks().is_empty());
    }

    #[test]
    fn everything_asked_for_is_one_line_each() {
        let manifest = Manifest::parse(
            "name = 'a'\nversion = '1.0.0'\nroutes = ['/a']\nuses = ['x:y/z']\n\
             [http]\nhosts = ['example.com']\n[secrets.s]\ndescription = ''\n\
             [database]\nmigrations = 'm'\n[database.tables]\nt = ['insert', 'select']\n\
             [messaging]\npublishes = ['a.b']\nsubscribes = ['c.*']\n[schedules.nightly]\ncron = '0 4 * * *'",
        )
        .unwrap();
        let asks: Vec<_> = manifest.asks().into_iter().collect();
        assert_eq!(
            asks,
            [
                "host:example.com",
                "migrations:m",
                "publish:a.b",
                "route:/a",
                "schedule:nightly",
                "secret:s",
                "subscribe:c.*",
                "table:t:insert",
                "table:t:select",
                "uses:x:y/z"
            ]
        );
    }

    #[test]
    fn bad_values_are_refused_by_name() {
        for (line, expected) in [
            ("routes = ['core']", "no route"),
            ("routes = ['/a/']", "no route"),
            ("routes = ['/a/../b']", "no route"),
            ("routes = ['/metrics']", "host's own"),
            ("uses = ['datamp:mail/sender@1.0.0']", "without a version"),
            ("unknown = 1", "unknown field"),
            ("[limits]\nmemory = '1KiB'", "64KiB to 4GiB"),
            ("[limits]\nmemory = '64MB'", "no size"),
            ("[limits]\nmemory = '99999999999999999999GiB'", "no size"),
            ("[limits]\ndeadline = '1h'", "no duration"),
            ("[limits]\nconcurrency = 0", "zero"),
            ("[limits]\nreuse = 0", "zero"),
            ("[database.tables]\nhost_key = ['select']", "host's own"),
            ("[database.tables]\nt = ['truncate']", "unknown variant"),
            ("[database]\nconnections = 0", "1 to 100"),
            ("[[merge]]\nfunction = 'a:b/c@1.0.0#d'", "without a version"),
            ("[[merge]]\nfunction = 'a:b/c'", "package/interface#function"),
            ("[[merge]]\nfunction = 'a:b/c#d'\nmost = 0", "1 to 10000"),
            ("[[merge]]\nfunction = 'a:b/c#d'\nwait = '1s'", "at most 100ms"),
            ("[[merge]]\nfunction = 'a:b/c#d'\nparallel = 65", "1 to 64"),
            ("[[merge]]\nfunction = 'a:b/c#d'\nqueue = 10", "at least most"),
            ("[messaging]\npublishes = ['A']", "no topic"),
            ("[messaging]\nsubscribes = ['a.*.b']", "no topic"),
            ("[messaging]\nbatch = 101", "1 to 100"),
            ("[messaging]\nattempts = 0", "zero"),
            ("[messaging]\nretry-delay = '1ms'", "10ms to 3600s"),
            ("[jobs]\nconcurrency = 65", "1 to 64"),
            ("[schedules.nightly]\ncron = '61 * * * *'", "no cron pattern"),
            ("[schedules.nightly]\ncron = '0 0 30 2 *'", "never"),
            ("[schedules.nightly]\ncron = '0 4 * * *'\npayload = '{'", "JSON"),
            ("[schedules.Nightly]\ncron = '0 4 * * *'", "no name"),
        ] {
            let error = Manifest::parse(&format!("name = 'a'\nversion = '1.0.0'\n{line}")).unwrap_err().to_string();
            assert!(error.contains(expected), "{line}: {error}");
        }
        assert!(Manifest::parse("name = 'Core'\nversion = '1.0.0'").is_err());
        assert!(Manifest::parse("name = 'core'\nversion = '1'").is_err());
    }
}
