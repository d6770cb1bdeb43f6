//! Short reads, run on the thread of the request.
//!
//! sqlx gives every connection a thread of its own, and a statement on it four trips between threads: on two cores they take
//! longer than what most statements are, a few rows by an index. So a reading statement is tried here first: on a connection of
//! rusqlite's, which works where it is called. It must not hold up the thread, on which other requests wait:
//!
//! - it is ended after some thousand steps ([`LOOKS`]), a fraction of a millisecond: steps and not time are counted, as a thread that
//!   has to wait for a processor is no reason;
//! - it may call only functions that take no longer than their arguments are long, on values of at most [`LONGEST_VALUE`].
//!
//! What is longer, or fails in whatever way, is run on a connection of sqlx's, which has the last word: a read can be done twice. A
//! statement that failed here [`TRIES`] times is not tried again by this generation.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use libsqlite3_sys as ffi;
use parking_lot::{Mutex, RwLock};
use rusqlite::{CachedStatement, Connection, OpenFlags, types::ValueRef};
use tokio::time::Instant;

use super::{
    authorizer::{Action, Guard, Policy, install_short},
    rights::{ComponentRights, Schema, SharedSchema},
    value,
};
use crate::capabilities::database::{
    answer::Answer,
    sql::{RowSet, Value},
    statement::is_remembered,
};

/// How often a read is looked at before it is ended: every 256 steps of SQLite's virtual machine, of which a row takes ten or twenty.
const LOOKS: u32 = 32;

/// The longest value that is worked with, in bytes.
pub(super) const LONGEST_VALUE: i32 = 64 << 10;

/// Connections that are kept. No more are in use at once than the host has threads.
const MOST_IDLE: usize = 64;

/// Statements that each connection keeps prepared.
const PREPARED: usize = 256;

/// How often a statement is tried: what its parameters find may be long once and short the next time.
const TRIES: u32 = 8;

/// Statements whose failures are counted, at most; when there are more, all are tried anew.
const MOST_COUNTED: usize = 1024;

/// Functions that take no longer than their arguments are long. Not `count`: of a whole table it is a single step.
const QUICK_FUNCTIONS: &[&str] = &[
    "->",
    "->>",
    "abs",
    "avg",
    "coalesce",
    "ifnull",
    "iif",
    "json_each",
    "json_extract",
    "length",
    "lower",
    "max",
    "min",
    "nullif",
    "round",
    "sum",
    "total",
    "upper",
];

/// The short reads of one generation of a component.
pub(super) struct ShortReads {
    path: PathBuf,
    rights: Arc<ComponentRights>,
    schema: SharedSchema,
    idle: Mutex<Vec<Reader>>,
    /// How often statements failed.
    failures: RwLock<HashMap<Arc<str>, u32>>,
}

struct Reader {
    connection: Connection,
    guard: Arc<Guard>,
    /// The schema that was there when it was made.
    made_for: Arc<Schema>,
}

/// The component's rights, less what may take long.
struct QuickRights(Arc<ComponentRights>);

impl Policy for QuickRights {
    fn judge(&self, action: &Action<'_>, statement: &str) -> Result<(), String> {
        let quick = |function: &str| QUICK_FUNCTIONS.iter().any(|known| known.eq_ignore_ascii_case(function));
        if action.code == ffi::SQLITE_FUNCTION && !action.second.is_some_and(quick) {
            return Err("a quick function".to_owned());
        }
        self.0.judge(action, statement)
    }
}

impl ShortReads {
    pub(super) fn new(path: PathBuf, rights: Arc<ComponentRights>, schema: SharedSchema) -> Self {
        Self { path, rights, schema, idle: Mutex::default(), failures: RwLock::default() }
    }

    /// The answer to a reading statement, where it was had quickly.
    pub(super) fn query(&self, statement: &Arc<str>, parameters: &[Value], deadline: Instant) -> Option<RowSet> {
        let has_failed = || self.failures.read().get(statement).is_some_and(|failures| *failures >= TRIES);
        if !is_remembered(statement) || has_failed() {
            return None;
        }
        let reader = self.reader()?;
        reader.guard.expect(Arc::clone(statement));
        reader.guard.set_deadline(deadline.into_std());
        reader.guard.set_looks(LOOKS);
        let answer = reader.query(statement, parameters);
        let mut idle = self.idle.lock();
        if idle.len() < MOST_IDLE {
            idle.push(reader);
        }
        drop(idle);
        if answer.is_none() {
            let mut failures = self.failures.write();
            if failures.len() == MOST_COUNTED {
                failures.clear();
            }
            *failures.entry(Arc::clone(statement)).or_default() += 1;
        }
        answer
    }

    fn reader(&self) -> Option<Reader> {
        let schema = self.schema.load();
        loop {
            let idle = self.idle.lock().pop();
            match idle {
                Some(reader) if Arc::ptr_eq(&schema, &reader.made_for) => return Some(reader),
                // One that was made before a migration is closed.
                Some(_) => {}
                None => break,
            }
        }
        let made_for = Arc::clone(&schema);
        match Reader::open(&self.path, Arc::clone(&self.rights), made_for) {
            Ok(reader) => Some(reader),
            Err(error) => {
                tracing::warn!("a connection for short reads can't be opened: {error}");
                None
            }
        }
    }
}

impl Reader {
    fn open(path: &std::path::Path, rights: Arc<ComponentRights>, made_for: Arc<Schema>) -> rusqlite::Result<Self> {
        // Reading takes a write to the file's shared memory, so it is not opened for reading alone.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -8192")?;
        // Reads the schema, which the first statement would otherwise do in its time.
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        connection.set_prepared_statement_cache_capacity(PREPARED);
        let guard = Guard::new(QuickRights(rights));
        install_short(&connection, &guard)?;
        Ok(Self { connection, guard, made_for })
    }

    /// `None` for whatever is better asked of sqlx.
    fn query(&self, statement: &str, parameters: &[Value]) -> Option<RowSet> {
        let mut prepared = self.connection.prepare_cached(statement).ok()?;
        bind(&mut prepared, parameters)?;
        let booleans: Vec<bool> =
            prepared.columns().iter().map(|column| column.decl_type().is_some_and(value::is_boolean)).collect();
        let mut answer = Answer::new();
        answer.name(prepared.column_names().into_iter().map(str::to_owned));
        let mut rows = prepared.raw_query();
        while let Some(row) = rows.next().ok()? {
            let mut values = Vec::with_capacity(booleans.len());
            for (index, boolean) in booleans.iter().enumerate() {
                values.push(decode(row.get_ref(index).ok()?, *boolean)?);
            }
            answer.push(values).ok()?;
        }
        Some(answer.finish())
    }
}

/// SQLite counts parameters by where they first stand; `$2` is the second all the same.
fn bind(statement: &mut CachedStatement<'_>, parameters: &[Value]) -> Option<()> {
    for place in 1..=statement.parameter_count() {
        let number: usize = statement.parameter_name(place)?.strip_prefix('$')?.parse().ok()?;
        let bound = match parameters.get(number.checked_sub(1)?)? {
            Value::Null => statement.raw_bind_parameter(place, None::<i64>),
            Value::Boolean(value) => statement.raw_bind_parameter(place, value),
            Value::Integer(value) => statement.raw_bind_parameter(place, value),
            Value::Real(value) if value.is_nan() => return None,
            Value::Real(value) => statement.raw_bind_parameter(place, value),
            Value::Text(value) => statement.raw_bind_parameter(place, value),
            Value::Blob(value) => statement.raw_bind_parameter(place, value),
            Value::Integers(values) => statement.raw_bind_parameter(place, value::json(values)),
            Value::Texts(values) => statement.raw_bind_parameter(place, value::json(values)),
        };
        bound.ok()?;
    }
    Some(())
}

/// As [`value::row`] reads a value.
fn decode(value: ValueRef<'_>, boolean: bool) -> Option<Value> {
    Some(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => value::integer(number, boolean),
        ValueRef::Real(number) => Value::Real(number),
        ValueRef::Text(bytes) => Value::Text(str::from_utf8(bytes).ok()?.to_owned()),
        ValueRef::Blob(bytes) => Value::Blob(bytes.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use arc_swap::ArcSwap;

    use super::{super::own::OwnStatements, *};
    use crate::manifest::DatabaseNeeds;

    /// A file with `item` (1000 rows) and `secret`, and short reads that were granted `item`.
    fn world() -> (tempfile::TempDir, ShortReads) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.sqlite");
        let connection = Connection::open(&path).unwrap();
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE secret (id INTEGER); \
                 CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, done BOOLEAN); \
                 WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000) \
                 INSERT INTO item SELECT x, 'item ' || x, x % 2 FROM n",
            )
            .unwrap();
        let needs: DatabaseNeeds = toml::from_str("tables = { item = ['select', 'insert'] }").unwrap();
        let names = HashSet::from(["item".to_owned(), "secret".to_owned()]);
        let schema = Arc::new(ArcSwap::from_pointee(Schema { names, ..Schema::default() }));
        let rights = Arc::new(ComponentRights::new(&needs, Arc::clone(&schema), OwnStatements::new()));
        (folder, ShortReads::new(path, rights, schema))
    }

    fn ask(reads: &ShortReads, statement: &str, parameters: &[Value]) -> Option<RowSet> {
        reads.query(&statement.into(), parameters, Instant::now() + std::time::Duration::from_secs(10))
    }

    #[test]
    fn a_row_by_an_index_is_read_with_parameters_by_their_numbers() {
        let (_folder, reads) = world();
        let parameters = [Value::Text("item 7".to_owned()), Value::Integer(7)];
        let answer =
            ask(&reads, "SELECT id, done, name, NULL AS none FROM item WHERE id = $2 AND name = $1", &parameters);
        let answer = answer.unwrap();
        assert_eq!(answer.columns, ["id", "done", "name", "none"]);
        let row = format!("{:?}", answer.rows);
        assert_eq!(row, r#"[[Value::Integer(7), Value::Boolean(true), Value::Text("item 7"), Value::Null]]"#);
        let none = ask(&reads, "SELECT id FROM item WHERE id = $1", &[Value::Integer(0)]).unwrap();
        assert!(none.rows.is_empty() && none.columns == ["id"]);
        let listed = "SELECT sum(id) AS s FROM item WHERE id IN (SELECT value FROM json_each($1))";
        let listed = ask(&reads, listed, &[Value::Integers(vec![1, 2, 1000])]).unwrap();
        assert_eq!(format!("{:?}", listed.rows), "[[Value::Integer(1003)]]");
    }

    #[test]
    fn what_is_long_is_left_to_others_and_in_the_end_not_tried() {
        let (_folder, reads) = world();
        let long = "SELECT a.id FROM item AS a, item AS b WHERE a.id + b.id = 0";
        for _ in 0..TRIES + 2 {
            assert!(ask(&reads, long, &[]).is_none());
        }
        assert_eq!(reads.failures.read().get(long), Some(&TRIES));
        // The connection is as good as before.
        assert!(ask(&reads, "SELECT id FROM item WHERE id = 1", &[]).is_some());
        assert_eq!(reads.idle.lock().len(), 1);
    }

    #[test]
    fn functions_that_may_take_long_are_left_to_others() {
        let (_folder, reads) = world();
        for statement in [
            "SELECT count(*) FROM item",
            "SELECT instr(name, 'x') FROM item WHERE id = 1",
            "SELECT id FROM item WHERE id = 1 AND name LIKE '%a%b%c%'",
            "SELECT length(zeroblob(1000000))",
        ] {
            assert!(ask(&reads, statement, &[]).is_none(), "{statement}");
        }
    }

    #[test]
    fn what_was_not_granted_is_not_read_and_nothing_is_written() {
        let (_folder, reads) = world();
        for statement in [
            "SELECT id FROM secret",
            "SELECT name FROM sqlite_schema",
            "INSERT INTO item (id) VALUES (2000)",
            "PRAGMA query_only = OFF",
            "SELECT id FROM item WHERE",
        ] {
            assert!(ask(&reads, statement, &[]).is_none(), "{statement}");
        }
        let there = ask(&reads, "SELECT id FROM item WHERE id = 2000", &[]).unwrap();
        assert!(there.rows.is_empty());
    }

    #[test]
    fn a_migration_is_seen() {
        let (folder, reads) = world();
        let all = "SELECT * FROM item WHERE id = 1";
        assert_eq!(ask(&reads, all, &[]).unwrap().columns.len(), 3);
        let connection = Connection::open(folder.path().join("test.sqlite")).unwrap();
        connection.execute_batch("ALTER TABLE item ADD COLUMN price INTEGER").unwrap();
        let names = HashSet::from(["item".to_owned()]);
        reads.schema.store(Arc::new(Schema { version: 2, names, ..Schema::default() }));
        assert_eq!(ask(&reads, all, &[]).unwrap().columns, ["id", "name", "done", "price"]);
    }
}
