//! The callbacks that SQLite makes on a guarded connection. The only place of the host's database code with `unsafe` in it.
//!
//! Three callbacks are put on a connection right after it was opened, and stay for its life: the *authorizer* asks a
//! [`Policy`] about every access of every statement while it is prepared (and prepared again after the schema changed); the
//! *progress handler* ends a statement at the guard's deadline; the *busy handler* waits for another process's lock until then.
//!
//! All three are given a pointer to one `Guard`, and the connection itself owns a strong count of it: SQLite keeps that as
//! "client data" and calls its destructor once, when the connection is closed. The destructor takes the callbacks off before
//! it lets the guard go. So the pointer is valid in each callback, however long sqlx's worker thread outlives its handle. A
//! `Guard` is `Sync`, and callbacks only ever share it.

#![allow(unsafe_code, reason = "SQLite's callbacks have a C interface; the reasoning is above and at each use")]

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use libsqlite3_sys as ffi;
use parking_lot::Mutex;
use sqlx::SqliteConnection;

/// How many steps of SQLite's virtual machine pass between two looks at the clock: some ten to a hundred microseconds.
const STEPS_BETWEEN_LOOKS: c_int = 4096;

/// The same for short reads, whose looks are counted.
const STEPS_OF_SHORT_READS: c_int = 256;

/// The longest string, blob or row, in bytes, and with it the most that one cell of an answer can take.
const LONGEST_VALUE: c_int = 16 << 20;

/// The longest pattern of LIKE and GLOB, in bytes: they take its length times the text's, and can't be interrupted.
const LONGEST_PATTERN: c_int = 1000;

/// The name of the connection's client data.
const CLIENT_DATA: &CStr = c"datamp-guard";

/// What a statement is about to do, in SQLite's words: <https://www.sqlite.org/c3ref/c_alter_table.html>.
pub(super) struct Action<'a> {
    /// `SQLITE_READ`, `SQLITE_INSERT` ...
    pub(super) code: c_int,
    /// The first detail; a table's name for most.
    pub(super) first: Option<&'a str>,
    /// The second detail; a column's name for `SQLITE_READ` and `SQLITE_UPDATE`.
    pub(super) second: Option<&'a str>,
    /// The database: `main`, `temp`.
    pub(super) database: Option<&'a str>,
    /// The innermost view or trigger that does it.
    pub(super) within: Option<&'a str>,
}

/// Who says what a connection's statements may do.
pub(super) trait Policy: Send + Sync + 'static {
    /// Allows an action of a statement, or names the right that is missing.
    fn judge(&self, action: &Action<'_>, statement: &str) -> Result<(), String>;
}

/// What the callbacks of one connection share with the rest of the host.
pub(super) struct Guard {
    policy: Box<dyn Policy>,
    /// Nanoseconds since [`START`]; statements end then.
    deadline: AtomicU64,
    /// How often a statement is looked at before it ends; [`u32::MAX`] for no end.
    looks: AtomicU32,
    /// The statement that runs.
    statement: Mutex<Arc<str>>,
    /// The right that it missed.
    denied: Mutex<Option<String>>,
}

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

impl Guard {
    /// A guard with that policy and no deadline.
    pub(super) fn new(policy: impl Policy) -> Arc<Self> {
        Arc::new(Self {
            policy: Box::new(policy),
            deadline: AtomicU64::new(u64::MAX),
            looks: AtomicU32::new(u32::MAX),
            statement: Mutex::new(Arc::from("")),
            denied: Mutex::new(None),
        })
    }

    /// This statement is the next to run. Nothing else may run on the connection meanwhile.
    pub(super) fn expect(&self, statement: Arc<str>) {
        *self.statement.lock() = statement;
        *self.denied.lock() = None;
    }

    /// Statements end then.
    pub(super) fn set_deadline(&self, deadline: Instant) {
        let since = deadline.saturating_duration_since(*START).as_nanos();
        self.deadline.store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The next statement ends after [`STEPS_OF_SHORT_READS`] times that many steps, and waits for nobody.
    pub(super) fn set_looks(&self, looks: u32) {
        self.looks.store(looks, Ordering::Relaxed);
    }

    /// Counts a look, and tells whether it was the last.
    fn was_last_look(&self) -> bool {
        match self.looks.load(Ordering::Relaxed) {
            u32::MAX => false,
            0 => true,
            // Only the thread that runs the statement counts.
            left => {
                self.looks.store(left - 1, Ordering::Relaxed);
                false
            }
        }
    }

    /// Whatever runs ends now.
    pub(super) fn interrupt(&self) {
        self.deadline.store(0, Ordering::Relaxed);
    }

    /// What the statement was denied, if it was; once.
    pub(super) fn take_denied(&self) -> Option<String> {
        self.denied.lock().take()
    }

    /// How long until the deadline.
    fn remaining(&self) -> Duration {
        let now = u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(self.deadline.load(Ordering::Relaxed).saturating_sub(now))
    }
}

/// Puts a guard on a connection for the rest of its life, and switches off what no guarded connection needs.
///
/// # Errors
/// Where SQLite refuses: the connection must not be used then.
pub(super) async fn install(connection: &mut SqliteConnection, guard: &Arc<Guard>) -> Result<(), sqlx::Error> {
    let mut handle = connection.lock_handle().await?;
    let limits = Limits { steps: STEPS_BETWEEN_LOOKS, value: LONGEST_VALUE };
    // SAFETY: the handle is locked, so that nothing else uses the connection meanwhile.
    let installed = unsafe { install_on(handle.as_raw_handle().as_ptr(), guard, limits) };
    if installed == ffi::SQLITE_OK {
        Ok(())
    } else {
        Err(sqlx::Error::Protocol(format!("SQLite refused the guard of a connection (code {installed})")))
    }
}

/// The same for a connection that runs short reads.
///
/// # Errors
/// Where SQLite refuses: the connection must not be used then.
pub(super) fn install_short(connection: &rusqlite::Connection, guard: &Arc<Guard>) -> rusqlite::Result<()> {
    let limits = Limits { steps: STEPS_OF_SHORT_READS, value: super::short_reads::LONGEST_VALUE };
    // SAFETY: a connection of rusqlite's is used by one thread at a time, and this one has it.
    match unsafe { install_on(connection.handle(), guard, limits) } {
        ffi::SQLITE_OK => Ok(()),
        refused => Err(rusqlite::Error::SqliteFailure(ffi::Error::new(refused), None)),
    }
}

/// What differs between connections.
struct Limits {
    /// Steps between two looks at the clock.
    steps: c_int,
    /// The longest value, in bytes.
    value: c_int,
}

/// # Safety
/// `database` is an open connection, and nothing else uses it meanwhile.
unsafe fn install_on(database: *mut ffi::sqlite3, guard: &Arc<Guard>, limits: Limits) -> c_int {
    let pointer = Arc::as_ptr(guard).cast_mut().cast::<c_void>();
    let attachment = Box::into_raw(Box::new(Attachment { database, guard: Arc::clone(guard) }));
    // SAFETY: by this function's contract nothing else uses the connection. The attachment goes to the client data,
    // whose destructor frees it (also where `sqlite3_set_clientdata` fails: it calls the destructor then). It holds the strong
    // count that keeps `pointer` valid. The callbacks have the types that SQLite declares, and the options the arguments that
    // it documents.
    unsafe {
        let mut code = ffi::sqlite3_set_clientdata(database, CLIENT_DATA.as_ptr(), attachment.cast(), Some(detach));
        if code != ffi::SQLITE_OK {
            return code;
        }
        for (option, value) in [
            // No writing to the schema by UPDATE, no corrupting of it.
            (ffi::SQLITE_DBCONFIG_DEFENSIVE, 1),
            // Nothing of the schema may call functions with side effects.
            (ffi::SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
            (ffi::SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0),
        ] {
            code = ffi::sqlite3_db_config(database, option, c_int::from(value), std::ptr::null_mut::<c_int>());
            if code != ffi::SQLITE_OK {
                return code;
            }
        }
        ffi::sqlite3_limit(database, ffi::SQLITE_LIMIT_ATTACHED, 0);
        ffi::sqlite3_limit(database, ffi::SQLITE_LIMIT_LENGTH, limits.value);
        ffi::sqlite3_limit(database, ffi::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, LONGEST_PATTERN);
        ffi::sqlite3_busy_handler(database, Some(wait), pointer);
        ffi::sqlite3_progress_handler(database, limits.steps, Some(look), pointer);
        ffi::sqlite3_set_authorizer(database, Some(authorize), pointer)
    }
}

/// A connection's share of its guard.
struct Attachment {
    database: *mut ffi::sqlite3,
    guard: Arc<Guard>,
}

/// Takes the callbacks off a connection that is being closed, and lets its guard go.
unsafe extern "C" fn detach(attachment: *mut c_void) {
    // SAFETY: `attachment` came from `Box::into_raw` in `install_on`, and SQLite calls this once for it, while the connection is
    // still a valid one. No statement runs on it then: the three calls only clear fields of it.
    unsafe {
        let attachment = Box::from_raw(attachment.cast::<Attachment>());
        ffi::sqlite3_set_authorizer(attachment.database, None, std::ptr::null_mut());
        ffi::sqlite3_progress_handler(attachment.database, 0, None, std::ptr::null_mut());
        ffi::sqlite3_busy_handler(attachment.database, None, std::ptr::null_mut());
        drop(attachment.guard);
    }
}

/// # Safety
/// `pointer` is the one of `install_on`, and its attachment was not detached yet.
unsafe fn guard<'a>(pointer: *mut c_void) -> &'a Guard {
    // SAFETY: by this function's contract the attachment still holds a strong count.
    unsafe { &*pointer.cast_const().cast::<Guard>() }
}

/// # Safety
/// `text` is NULL or a C string that outlives `'a`.
unsafe fn text<'a>(text: *const c_char) -> Result<Option<&'a str>, ()> {
    if text.is_null() {
        return Ok(None);
    }
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(text) }.to_str().map(Some).map_err(|_| ())
}

unsafe extern "C" fn authorize(
    pointer: *mut c_void,
    code: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    within: *const c_char,
) -> c_int {
    // A panic must not cross into C; none is expected, and it denies.
    let allowed = catch_unwind(AssertUnwindSafe(|| {
        // SAFETY: SQLite passes the pointer of `install_on`, and strings that live through this call.
        let (guard, first, second, database, within) =
            unsafe { (guard(pointer), text(first), text(second), text(database), text(within)) };
        // A name that is not UTF-8 is nothing that was granted.
        let (Ok(first), Ok(second), Ok(database), Ok(within)) = (first, second, database, within) else { return false };
        let judged = guard.policy.judge(&Action { code, first, second, database, within }, &guard.statement.lock());
        match judged {
            Ok(()) => true,
            Err(missing) => {
                *guard.denied.lock() = Some(missing);
                false
            }
        }
    }));
    if allowed.unwrap_or(false) { ffi::SQLITE_OK } else { ffi::SQLITE_DENY }
}

/// The progress handler: other than 0 ends the statement with `SQLITE_INTERRUPT`.
unsafe extern "C" fn look(pointer: *mut c_void) -> c_int {
    // SAFETY: SQLite passes the pointer of `install_on`.
    let guard = unsafe { guard(pointer) };
    c_int::from(guard.was_last_look() || guard.remaining().is_zero())
}

/// The busy handler: 0 gives up with `SQLITE_BUSY`. The longer it took already, the less often it tries.
unsafe extern "C" fn wait(pointer: *mut c_void, tries: c_int) -> c_int {
    // SAFETY: SQLite passes the pointer of `install_on`.
    let guard = unsafe { guard(pointer) };
    let remaining = guard.remaining();
    if remaining.is_zero() || guard.looks.load(Ordering::Relaxed) != u32::MAX {
        return 0;
    }
    let pause = Duration::from_micros(200) * u32::try_from(tries.clamp(1, 50)).unwrap_or(1);
    std::thread::sleep(pause.min(remaining));
    1
}
