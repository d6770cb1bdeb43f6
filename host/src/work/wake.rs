//! A bell that is not missed: whoever listens hears of every ring since it listened last, as one.

use tokio::sync::watch;

pub(super) struct Wake(watch::Sender<u64>);

pub(super) struct Listener(watch::Receiver<u64>);

impl Default for Wake {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Wake {
    pub(super) fn wake(&self) {
        self.0.send_modify(|count| *count = count.wrapping_add(1));
    }

    pub(super) fn listen(&self) -> Listener {
        Listener(self.0.subscribe())
    }
}

impl Listener {
    /// Returns once it rang after the last call, or at once where it has. Cancelled, nothing is missed.
    pub(super) async fn rung(&mut self) {
        if self.0.changed().await.is_err() {
            // The queue is gone, and with it all that could ring.
            std::future::pending::<()>().await;
        }
    }

    /// What rang until now is known.
    pub(super) fn heard(&mut self) {
        self.0.mark_unchanged();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_ring_before_the_wait_is_heard_once() {
        let wake = Wake::default();
        let mut listener = wake.listen();
        wake.wake();
        wake.wake();
        listener.rung().await;
        assert!(tokio::time::timeout(Duration::from_millis(10), listener.rung()).await.is_err());
        wake.wake();
        listener.heard();
        assert!(tokio::time::timeout(Duration::from_millis(10), listener.rung()).await.is_err());
    }
}
