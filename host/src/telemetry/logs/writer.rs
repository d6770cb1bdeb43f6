//! The thread that writes records out as lines of JSON.

use std::{
    fs::OpenOptions,
    io::{self, BufWriter, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc::{self, Receiver, SyncSender, TryRecvError},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    LogOutput,
    record::{Level, Record},
};

/// How many records may wait to be written, and their bytes together.
const MAXIMAL_QUEUE: usize = 8192;
const MAXIMAL_BYTES: usize = 32 << 20;

/// How long the end of the process waits for the last records.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The queue before the thread.
pub(super) struct Writer {
    queue: Option<SyncSender<Arc<Record>>>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// The weights of the records in the queue.
    waiting: AtomicUsize,
    /// Records that were taken and not yet written out.
    unwritten: AtomicUsize,
    dropped: AtomicU64,
}

/// Writes out what is under way when it is dropped.
#[must_use = "the last records are written when the guard is dropped"]
pub struct LogGuard {
    shared: Arc<Shared>,
    pub(super) patience: Duration,
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        let deadline = Instant::now() + self.patience;
        while self.shared.unwritten.load(Ordering::Acquire) > 0 && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Writer {
    pub(super) fn start(output: LogOutput) -> io::Result<(Self, LogGuard)> {
        let shared = Arc::new(Shared::default());
        let out: Option<Box<dyn Write + Send>> = match output {
            LogOutput::Stderr => Some(Box::new(io::stderr())),
            LogOutput::File(path) => Some(Box::new(OpenOptions::new().create(true).append(true).open(path)?)),
            LogOutput::Nowhere => None,
        };
        let queue = out.map(|out| Self::spawn(out, Arc::clone(&shared))).transpose()?;
        Ok((Self { queue, shared: Arc::clone(&shared) }, LogGuard { shared, patience: LAST_WORDS }))
    }

    fn spawn(out: Box<dyn Write + Send>, shared: Arc<Shared>) -> io::Result<SyncSender<Arc<Record>>> {
        let (sender, receiver) = mpsc::sync_channel(MAXIMAL_QUEUE);
        thread::Builder::new().name("logs".to_owned()).spawn(move || run(&receiver, BufWriter::new(out), &shared))?;
        Ok(sender)
    }

    /// Queues a record, or drops and counts it.
    pub(super) fn write(&self, record: &Arc<Record>) {
        let Some(queue) = &self.queue else { return };
        let (shared, weight) = (&self.shared, record.weight());
        let fits = shared.waiting.fetch_add(weight, Ordering::Relaxed) + weight <= MAXIMAL_BYTES;
        shared.unwritten.fetch_add(1, Ordering::Relaxed);
        if !fits || queue.try_send(Arc::clone(record)).is_err() {
            shared.waiting.fetch_sub(weight, Ordering::Relaxed);
            shared.unwritten.fetch_sub(1, Ordering::Release);
            shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

/// Writes records until every sender is gone. The output is flushed whenever the queue is empty. An error of the output
/// can be told nowhere; what it cost is counted as dropped.
fn run(queue: &Receiver<Arc<Record>>, mut out: BufWriter<Box<dyn Write + Send>>, shared: &Shared) {
    let mut told = 0;
    let mut buffered = 0;
    loop {
        let next = match queue.try_recv() {
            Ok(record) => Some(record),
            Err(TryRecvError::Disconnected) => None,
            Err(TryRecvError::Empty) => {
                let dropped = shared.dropped.load(Ordering::Relaxed);
                if dropped > told {
                    let mut record =
                        Record::new(Level::Warn, "host", "log records were dropped: the output is too slow");
                    record.add("dropped", (dropped - told).to_string());
                    let _ = writeln!(out, "{}", record.to_json());
                    told = dropped;
                }
                let _ = out.flush();
                shared.unwritten.fetch_sub(std::mem::take(&mut buffered), Ordering::Release);
                queue.recv().ok()
            }
        };
        let Some(record) = next else { break };
        shared.waiting.fetch_sub(record.weight(), Ordering::Relaxed);
        buffered += 1;
        if writeln!(out, "{}", record.to_json()).is_err() {
            shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
    let _ = out.flush();
    shared.unwritten.fetch_sub(buffered, Ordering::Release);
}
