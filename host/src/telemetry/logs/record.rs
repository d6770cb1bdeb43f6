//! One log record, and its form as a line of JSON.

use std::{
    borrow::Cow,
    io::{self, Write},
    sync::Arc,
};

use serde::{Deserialize, Serialize, Serializer, ser::SerializeMap};
use serde_json::ser::Formatter;

use crate::telemetry::{
    clock::{now_micros, rfc3339},
    trace::TraceId,
};

const MAXIMAL_MESSAGE: usize = 8 << 10;
const MAXIMAL_VALUE: usize = 2 << 10;
const MAXIMAL_NAME: usize = 64;
const MAXIMAL_FIELDS: usize = 32;

/// Fields whose names hold one of these never show their values.
const SECRET_NAMES: [&str; 9] =
    ["password", "passwd", "passphrase", "secret", "token", "authorization", "cookie", "api_key", "apikey"];

const MASK: &str = "[masked]";

/// The version of the Elastic Common Schema whose names the JSON form uses.
const ECS_VERSION: &str = "8.11";

/// How much a record matters.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every step.
    Trace,
    /// For whoever looks for a fault.
    Debug,
    /// What happens in the normal course of things.
    Info,
    /// Something is not as it should be.
    Warn,
    /// Something failed.
    Error,
}

impl Level {
    /// Its name, in lower case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// One log record. However it is made, its lengths are bounded, its field names are plain and its secrets are masked.
///
/// Its JSON form is one line: a line break or a quotation mark in any text is escaped, so no text can pass for another
/// record.
#[derive(Clone, Debug)]
pub struct Record {
    /// Microseconds since the Unix epoch.
    at: i64,
    level: Level,
    component: Arc<str>,
    version: Option<Arc<str>>,
    generation: Option<u64>,
    /// The module of the host that wrote it.
    logger: Option<&'static str>,
    request_id: Option<Arc<str>>,
    trace: Option<TraceId>,
    message: String,
    fields: Vec<(String, String)>,
    /// How many fields were given; those past the 32nd are not kept.
    given: usize,
}

impl Record {
    /// A record made now. A message longer than 8 KiB is cut, visibly.
    #[must_use]
    pub fn new(level: Level, component: impl Into<Arc<str>>, message: impl Into<String>) -> Self {
        Self {
            at: now_micros(),
            level,
            component: component.into(),
            version: None,
            generation: None,
            logger: None,
            request_id: None,
            trace: None,
            message: cut(message.into(), MAXIMAL_MESSAGE),
            fields: Vec::new(),
            given: 0,
        }
    }

    /// Of which version and generation of the component it is; the host itself has no generation.
    #[must_use]
    pub fn of_generation(mut self, version: impl Into<Arc<str>>, generation: impl Into<Option<u64>>) -> Self {
        self.version = Some(version.into());
        self.generation = generation.into();
        self
    }

    /// Which request it belongs to.
    #[must_use]
    pub fn of_request(mut self, request_id: Arc<str>, trace: TraceId) -> Self {
        self.request_id = Some(request_id);
        self.trace = Some(trace);
        self
    }

    pub(super) fn set_logger(&mut self, logger: &'static str) {
        self.logger = Some(logger);
    }

    pub(super) fn set_message(&mut self, message: String) {
        self.message = cut(message, MAXIMAL_MESSAGE);
    }

    pub(super) fn set_request_id(&mut self, request_id: &str) {
        self.request_id = Some(cut(request_id.to_owned(), 128).into());
    }

    pub(super) fn set_trace(&mut self, trace: Option<TraceId>) {
        self.trace = trace;
    }

    /// Adds a field. Its name becomes `[a-z0-9_.]`, at most 64 of them; a value longer than 2 KiB is cut, visibly; one
    /// whose name says that it is a secret is masked. A name that is there already gets the new value. Past the 32nd
    /// field they are only counted.
    pub fn add(&mut self, name: &str, value: String) {
        self.given += 1;
        // First of all: a component may give a million of them.
        if self.given > MAXIMAL_FIELDS {
            return;
        }
        let name = plain_name(name);
        let value = if says_secret(&name) { MASK.to_owned() } else { cut(value, MAXIMAL_VALUE) };
        if let Some(field) = self.fields.iter_mut().find(|(taken, _)| *taken == name) {
            field.1 = value;
        } else {
            self.fields.push((name, value));
        }
    }

    /// When it was made; microseconds since the Unix epoch.
    #[must_use]
    pub fn at(&self) -> i64 {
        self.at
    }

    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// Who wrote it; `host` for the host itself.
    #[must_use]
    pub fn component(&self) -> &str {
        &self.component
    }

    /// What it says.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Its named values, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The trace it belongs to.
    #[must_use]
    pub fn trace(&self) -> Option<TraceId> {
        self.trace
    }

    /// The host's id of the request it belongs to.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// One line of JSON, without a line break at its end.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut line = Vec::with_capacity(512);
        let written = self.serialize(&mut serde_json::Serializer::with_formatter(&mut line, OneLine));
        written.ok().and_then(|()| String::from_utf8(line).ok()).unwrap_or_default()
    }

    /// The bytes that it takes in memory, roughly.
    pub(super) fn weight(&self) -> usize {
        let fields: usize =
            self.fields.iter().map(|(name, value)| name.len() + value.len() + 2 * size_of::<String>()).sum();
        size_of::<Self>() + self.message.len() + fields
    }
}

/// JSON that stays one line, and in order, whatever shows it: what JSON leaves as it is though a terminal or a viewer
/// obeys it is escaped too (line and paragraph separators, the control characters beyond ASCII, and changes of the
/// writing direction).
struct OneLine;

impl Formatter for OneLine {
    fn write_string_fragment<W: Write + ?Sized>(&mut self, out: &mut W, text: &str) -> io::Result<()> {
        let obeyed = |c: char| matches!(c, '\u{7f}'..='\u{9f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let mut rest = text;
        while let Some((before, c)) = rest.find(obeyed).and_then(|at| Some((at, rest.get(at..)?.chars().next()?))) {
            let (plain, after) = rest.split_at(before);
            write!(out, "{plain}\\u{:04x}", u32::from(c))?;
            rest = after.get(c.len_utf8()..).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }
}

impl Serialize for Record {
    /// The names of the Elastic Common Schema; what a component added stands under `labels.`, where it can't pass for a
    /// name of the host's.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("@timestamp", &rfc3339(self.at))?;
        map.serialize_entry("log.level", &self.level)?;
        map.serialize_entry("message", &self.message)?;
        map.serialize_entry("ecs.version", ECS_VERSION)?;
        map.serialize_entry("service.name", &*self.component)?;
        if let Some(version) = &self.version {
            map.serialize_entry("service.version", &**version)?;
        }
        if let Some(generation) = self.generation {
            map.serialize_entry("datamp.generation", &generation)?;
        }
        if let Some(logger) = self.logger {
            map.serialize_entry("log.logger", logger)?;
        }
        if let Some(id) = &self.request_id {
            map.serialize_entry("http.request.id", &**id)?;
        }
        if let Some(trace) = self.trace {
            map.serialize_entry("trace.id", &*trace.hex())?;
        }
        for (name, value) in &self.fields {
            map.serialize_entry(&["labels.", name].concat(), value)?;
        }
        if self.given > MAXIMAL_FIELDS {
            map.serialize_entry("datamp.fields_cut", &(self.given - MAXIMAL_FIELDS))?;
        }
        map.end()
    }
}

/// At most `limit` bytes of a text, and how many it had.
fn cut(mut text: String, limit: usize) -> String {
    if text.len() > limit {
        let note = format!("… [cut from {} bytes]", text.len());
        text.truncate(text.floor_char_boundary(limit.saturating_sub(note.len())));
        text.push_str(&note);
        text.shrink_to_fit();
    }
    text
}

fn plain_name(name: &str) -> String {
    let plain = |c: char| match c {
        'a'..='z' | '0'..='9' | '_' | '.' => c,
        'A'..='Z' => c.to_ascii_lowercase(),
        _ => '_',
    };
    let name: String = name.chars().take(MAXIMAL_NAME).map(plain).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

fn says_secret(name: &str) -> bool {
    let name = if name.contains('.') { Cow::Owned(name.replace('.', "_")) } else { Cow::Borrowed(name) };
    SECRET_NAMES.iter().any(|secret| name.contains(secret))
}
