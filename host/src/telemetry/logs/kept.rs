//! The newest records, in memory.

use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;

use super::record::Record;

/// The bytes that all records may take together: components choose how long theirs are.
const MAXIMAL_BYTES: usize = 64 << 20;

/// A queue of the newest records, bounded in number and bytes.
pub(super) struct Kept {
    records: Mutex<Records>,
    limit: usize,
}

#[derive(Default)]
struct Records {
    /// The oldest first.
    queue: VecDeque<Arc<Record>>,
    /// The sum of the weights of what is in the queue.
    bytes: usize,
}

impl Kept {
    pub(super) fn new(limit: usize) -> Self {
        Self { records: Mutex::default(), limit }
    }

    pub(super) fn push(&self, record: &Arc<Record>) {
        let mut outgoing = Vec::new();
        let mut records = self.records.lock();
        records.bytes += record.weight();
        records.queue.push_back(Arc::clone(record));
        while records.queue.len() > self.limit || records.bytes > MAXIMAL_BYTES {
            let Some(oldest) = records.queue.pop_front() else { break };
            records.bytes -= oldest.weight();
            outgoing.push(oldest);
        }
        drop(records);
        // Freed here, after others may go on.
        drop(outgoing);
    }

    /// The newest records that fit, the oldest of them first.
    pub(super) fn newest(&self, limit: usize, fits: impl Fn(&Record) -> bool) -> Vec<Arc<Record>> {
        let records = self.records.lock();
        let mut newest: Vec<_> =
            records.queue.iter().rev().filter(|record| fits(record)).take(limit).map(Arc::clone).collect();
        drop(records);
        newest.reverse();
        newest
    }
}
