//! One limit over all linear memories and tables of an instance.
//!
//! wasmtime asks about each growth by itself; a limit per memory would let two memories use twice of it (spin#3705).

use wasmtime::ResourceLimiter;

use crate::manifest::ByteSize;

/// Bytes that a table element is counted with: a pointer.
const TABLE_ELEMENT: usize = size_of::<usize>();

/// Counts what an instance has taken, against its manifest's limit.
#[derive(Debug)]
pub struct MemoryLimits {
    limit: ByteSize,
    used: usize,
    exceeded: bool,
}

impl MemoryLimits {
    /// Nothing taken yet.
    #[must_use]
    pub fn new(limit: ByteSize) -> Self {
        Self { limit, used: 0, exceeded: false }
    }

    /// The limit, if the instance was ever refused memory because of it.
    #[must_use]
    pub fn exceeded(&self) -> Option<ByteSize> {
        self.exceeded.then_some(self.limit)
    }

    /// The bytes taken now.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used
    }

    fn grow(&mut self, current: usize, desired: usize) -> bool {
        let used = self.used.saturating_add(desired.saturating_sub(current));
        let fits = used <= self.limit.0;
        if fits {
            self.used = used;
        } else {
            self.exceeded = true;
        }
        fits
    }
}

impl ResourceLimiter for MemoryLimits {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current, desired))
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(self.grow(current.saturating_mul(TABLE_ELEMENT), desired.saturating_mul(TABLE_ELEMENT)))
    }

    // The count of instances, memories and tables is bounded by the pool; their size is what this limit is about.
    fn instances(&self) -> usize {
        10_000
    }

    fn tables(&self) -> usize {
        10_000
    }

    fn memories(&self) -> usize {
        10_000
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_memories_and_a_table_share_one_limit() {
        let mut limits = MemoryLimits::new(ByteSize(1000));
        assert!(limits.memory_growing(0, 400, None).unwrap());
        assert!(limits.memory_growing(0, 400, None).unwrap());
        assert!(limits.table_growing(0, 25, None).unwrap());
        assert_eq!(limits.exceeded(), None);
        assert!(!limits.memory_growing(400, 401, None).unwrap());
        assert_eq!(limits.exceeded(), Some(ByteSize(1000)));
        assert_eq!(limits.used(), 1000);
    }

    #[test]
    fn a_growth_beyond_all_numbers_is_refused() {
        let mut limits = MemoryLimits::new(ByteSize(1000));
        assert!(!limits.table_growing(0, usize::MAX, None).unwrap());
        assert!(!limits.memory_growing(0, usize::MAX, None).unwrap());
    }
}
