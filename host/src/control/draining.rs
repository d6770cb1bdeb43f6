//! How many generations of each component finish what is under way.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

/// The counts, by the components' names.
#[derive(Debug, Default)]
pub(super) struct Draining(Mutex<HashMap<Arc<str>, usize>>);

impl Draining {
    /// One more begins to drain.
    pub(super) fn begin(&self, component: &Arc<str>) {
        *self.0.lock().entry(Arc::clone(component)).or_default() += 1;
    }

    /// One has drained. Whether it was the last one.
    pub(super) fn end(&self, component: &str) -> bool {
        let mut counts = self.0.lock();
        let Some(count) = counts.get_mut(component) else { return true };
        *count = count.saturating_sub(1);
        let is_last = *count == 0;
        if is_last {
            counts.remove(component);
        }
        is_last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_one_is_told_apart_for_each_component() {
        let (draining, one, two) = (Draining::default(), Arc::from("one"), Arc::from("two"));
        draining.begin(&one);
        draining.begin(&one);
        draining.begin(&two);
        assert!(!draining.end("one"));
        assert!(draining.end("two"));
        assert!(draining.end("one"));
        draining.begin(&one);
        assert!(draining.end("one"));
    }
}
