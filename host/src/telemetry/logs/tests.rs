//! The pipeline as a whole, and what no text can do to a record.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::{rounds::Rounds, telemetry::trace::TraceContext};

fn quiet(kept: usize) -> (Logs, LogGuard) {
    Logs::start(LogSettings { output: LogOutput::Nowhere, level: Level::Info, kept }).unwrap()
}

fn parsed(record: &Record) -> Value {
    let line = record.to_json();
    assert!(!line.contains(['\n', '\r']), "{line}");
    serde_json::from_str(&line).unwrap()
}

#[test]
fn a_record_has_the_names_of_the_common_schema() {
    let trace = TraceContext::generate();
    let mut record =
        Record::new(Level::Warn, "core", "paid").of_generation("1.2.3", 7).of_request("req-1".into(), trace.trace_id());
    record.add("tenant", "tenant_1".to_owned());
    record.add("event.outcome", "success".to_owned());
    let json = parsed(&record);
    let timestamp = json["@timestamp"].as_str().unwrap().to_owned();
    assert!(timestamp.ends_with('Z') && timestamp.len() == 27, "{timestamp}");
    let expected = serde_json::json!({
        "@timestamp": timestamp, "log.level": "warn", "message": "paid", "ecs.version": "8.11",
        "service.name": "core", "service.version": "1.2.3", "datamp.generation": 7,
        "http.request.id": "req-1", "trace.id": &*trace.trace_id_hex(),
        "labels.tenant": "tenant_1", "labels.event.outcome": "success",
    });
    assert_eq!(json, expected);
}

#[test]
fn secrets_are_masked_by_the_names_of_their_fields() {
    for name in [
        "password",
        "user.password",
        "Old-Password",
        "passwd",
        "client_secret",
        "access_token",
        "tokens",
        "Authorization",
        "http.request.headers.authorization",
        "cookie",
        "set-cookie",
        "api_key",
        "api-key",
        "x.api.key",
        "APIKEY",
        "X-Api-Key",
    ] {
        let mut record = Record::new(Level::Info, "core", "");
        record.add(name, "hunter2".to_owned());
        assert!(!record.to_json().contains("hunter2"), "{name}");
        assert!(record.to_json().contains("[masked]"), "{name}");
    }
    let mut record = Record::new(Level::Info, "core", "");
    record.add("tenant", "hunter2".to_owned());
    assert!(record.to_json().contains("hunter2"));
}

#[test]
fn what_is_too_long_is_cut_where_everybody_sees_it() {
    let mut record = Record::new(Level::Info, "core", "я".repeat(5000));
    assert_eq!(record.message().len(), 8 << 10);
    assert!(record.message().ends_with("… [cut from 10000 bytes]"));
    record.add("exact", "a".repeat(2048));
    record.add("long", "a".repeat(2049));
    for number in 0..40 {
        record.add(&format!("field_{number}"), String::new());
    }
    let fields: Vec<_> = record.fields().collect();
    assert_eq!(fields.len(), 32);
    assert_eq!(fields[0].1.len(), 2048);
    assert!(fields[0].1.ends_with('a') && fields[1].1.ends_with("… [cut from 2049 bytes]"));
    assert_eq!(fields[1].1.len(), 2048);
    assert_eq!(parsed(&record)["datamp.fields_cut"], 10);
}

#[test]
fn what_a_viewer_would_obey_is_escaped_and_nothing_is_lost() {
    let text = "a\n\r\u{1b}[2J\u{7f}\u{85}\u{9b}31m\u{2028}\u{2029}\u{202e}\u{2066}я\"\\";
    let mut record = Record::new(Level::Info, "core", text);
    record.add("field", text.to_owned());
    let line = record.to_json();
    assert!(
        line.chars().all(|c| !c.is_control() && !('\u{2028}'..='\u{202e}').contains(&c) && c != '\u{2066}'),
        "{line:?}"
    );
    let json = parsed(&record);
    assert_eq!((&json["message"], &json["labels.field"]), (&text.into(), &text.into()));
}

#[test]
fn a_name_twice_is_one_field() {
    let mut record = Record::new(Level::Info, "core", "");
    record.add("Tenant", "1".to_owned());
    record.add("tenant", "2".to_owned());
    record.add("", "3".to_owned());
    assert_eq!(record.fields().collect::<Vec<_>>(), [("tenant", "2"), ("_", "3")]);
}

proptest! {
    /// Whatever a component says, it makes one line with the host's own names untouched.
    #[test]
    fn no_text_forges_a_record(message: String, fields: Vec<(String, String)>) {
        let mut record = Record::new(Level::Info, "core", message.clone());
        for (name, value) in &fields {
            record.add(name, value.clone());
        }
        let json = parsed(&record);
        prop_assert_eq!(&json["service.name"], "core");
        prop_assert_eq!(&json["message"], &message);
        for name in json.as_object().unwrap().keys() {
            let own = ["@timestamp", "log.level", "message", "ecs.version", "service.name", "datamp.fields_cut"];
            prop_assert!(own.contains(&name.as_str()) || name.starts_with("labels."), "{}", name);
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_.@".contains(&b);
            prop_assert!(name.bytes().all(plain), "{}", name);
        }
    }

    #[test]
    fn no_field_that_says_secret_shows_its_value(
        before in "[a-z._-]{0,8}",
        after in "[A-Z0-9._-]{0,8}",
        which in 0..7_usize,
    ) {
        let word = ["password", "Secret", "TOKEN", "authorization", "Cookie", "api_key", "api-key"][which];
        let mut record = Record::new(Level::Info, "core", "");
        record.add(&format!("{before}{word}{after}"), "hunter2".to_owned());
        prop_assert!(!record.to_json().contains("hunter2"));
    }
}

#[test]
fn the_newest_records_are_kept_and_found() {
    let (logs, _guard) = quiet(100);
    let trace = TraceContext::generate().trace_id();
    for number in 0..150 {
        let component = if number % 2 == 0 { "core" } else { "gate" };
        let level = if number % 10 == 0 { Level::Error } else { Level::Info };
        let mut record = Record::new(level, component, number.to_string());
        if number == 120 {
            record = record.of_request("r".into(), trace);
        }
        logs.write(record);
    }
    let found = |filter: LogFilter, limit| -> Vec<String> {
        logs.recent(&filter, limit).iter().map(|record| record.message().to_owned()).collect()
    };
    assert_eq!(found(LogFilter::default(), 1000).len(), 100);
    assert_eq!(found(LogFilter::default(), 2), ["148", "149"]);
    let core = LogFilter { component: Some("core".to_owned()), ..LogFilter::default() };
    assert_eq!(found(core, 2), ["146", "148"]);
    let errors = LogFilter { level: Some(Level::Warn), ..LogFilter::default() };
    assert_eq!(found(errors, 9), ["50", "60", "70", "80", "90", "100", "110", "120", "130", "140"][1..]);
    let traced = LogFilter { trace: Some(trace), ..LogFilter::default() };
    assert_eq!(found(traced, 9), ["120"]);
}

#[test]
fn long_records_do_not_fill_the_memory() {
    let (logs, _guard) = quiet(20_000);
    for _ in 0..20_000 {
        logs.write(Record::new(Level::Info, "core", "a".repeat(8 << 10)));
    }
    let kept = logs.recent(&LogFilter::default(), usize::MAX).len();
    assert!((6000..8192).contains(&kept), "{kept} of 8 KiB in 64 MiB");
}

#[tokio::test]
async fn a_live_tail_sees_what_comes() {
    let (logs, _guard) = quiet(10);
    logs.write(Record::new(Level::Info, "core", "before"));
    let mut tail = logs.subscribe();
    logs.write(Record::new(Level::Info, "core", "after"));
    assert_eq!(tail.recv().await.unwrap().message(), "after");
}

#[test]
fn records_reach_the_file_in_order_before_the_process_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("host.log");
    let output = LogOutput::File(path.clone());
    let (logs, mut guard) = Logs::start(LogSettings { output, level: Level::Info, kept: 10 }).unwrap();
    guard.patience = Duration::from_secs(60);
    for number in 0..5000 {
        logs.write(Record::new(Level::Info, "core", format!("line\n{number}")));
    }
    drop(guard);
    let text = std::fs::read_to_string(path).unwrap();
    let messages: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["message"].as_str().unwrap().to_owned())
        .collect();
    let expected: Vec<_> = (0..5000).map(|number| format!("line\n{number}")).collect();
    assert_eq!(messages, expected);
    assert_eq!(logs.dropped(), 0);
}

#[test]
fn an_output_that_stands_still_costs_records_and_no_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    // Somebody holds the pipe open and reads nothing.
    let reader = std::fs::OpenOptions::new().read(true).write(true).open(&path).unwrap();
    let rounds = Rounds::begin();
    loop {
        let output = LogOutput::File(path.clone());
        let (logs, mut guard) = Logs::start(LogSettings { output, level: Level::Info, kept: 10 }).unwrap();
        assert_eq!(guard.patience, Duration::from_secs(1));
        guard.patience = Duration::from_millis(10);
        let start = Instant::now();
        for number in 0..50_000 {
            logs.write(Record::new(Level::Info, "core", number.to_string()));
        }
        let wrote = rounds.quick(start.elapsed(), Duration::from_secs(2));
        assert!(logs.dropped() > 10_000, "{}", logs.dropped());
        assert_eq!(logs.recent(&LogFilter::default(), 1)[0].message(), "49999");
        let start = Instant::now();
        drop(guard);
        // The end does not wait for ever.
        if rounds.quick(start.elapsed(), Duration::from_secs(3)) && wrote {
            break;
        }
    }
    drop(reader);
}

#[test]
fn the_level_of_components_can_be_changed() {
    let (logs, _guard) = quiet(10);
    assert!(logs.enabled(Level::Info) && !logs.enabled(Level::Debug));
    logs.set_level(Level::Trace);
    assert!(logs.enabled(Level::Trace));
}

#[test]
fn the_hosts_own_events_take_the_same_form() {
    use tracing_subscriber::prelude::*;

    let (logs, _guard) = quiet(10);
    let trace = TraceContext::generate();
    tracing::subscriber::with_default(tracing_subscriber::registry().with(logs.layer()), || {
        let error = std::io::Error::other("no\nroom");
        tracing::error!(
            request_id = "req-1",
            trace_id = &*trace.trace_id_hex(),
            component = "core",
            attempts = 3,
            token = "hunter2",
            %error,
            "it failed"
        );
    });
    let records = logs.recent(&LogFilter { component: Some("host".to_owned()), ..LogFilter::default() }, 9);
    let json = parsed(&records[0]);
    assert_eq!(json["message"], "it failed");
    assert_eq!(json["log.level"], "error");
    assert_eq!(json["http.request.id"], "req-1");
    assert_eq!(json["trace.id"], *trace.trace_id_hex());
    assert_eq!(json["labels.component"], "core");
    assert_eq!(json["labels.attempts"], "3");
    assert_eq!(json["labels.error"], "no\nroom");
    assert_eq!(json["labels.token"], "[masked]");
    assert_eq!(json["service.version"], env!("CARGO_PKG_VERSION"));
    assert!(json["log.logger"].as_str().unwrap().contains("telemetry::logs::tests"));
}
