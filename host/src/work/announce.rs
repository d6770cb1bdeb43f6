//! Telling other hosts on the same PostgreSQL that work was added.
//!
//! Not by a NOTIFY in the transaction that adds it: PostgreSQL takes one lock of the whole cluster when such a transaction commits, so
//! that all that publish would commit one after the other. The host that committed it does its share at once anyway; others are told by
//! a statement of its own, at most ten times a second.

use std::time::Duration;

use tokio::time::sleep;

use super::Queue;

const CHANNEL: &str = "datamp_work";

/// The least time between two announcements.
const BETWEEN: Duration = Duration::from_millis(100);

/// How long to wait where the database fails.
const PAUSE: Duration = Duration::from_secs(1);

/// Announces what this host adds. Ends when it is dropped.
pub(super) async fn announce(queue: Queue) {
    let mut added = queue.0.added.listen();
    loop {
        added.rung().await;
        let told = sqlx::query("SELECT pg_notify($1, $2)")
            .bind(CHANNEL)
            .bind(&queue.0.host)
            .execute(queue.database().store().pool())
            .await;
        if let Err(error) = told {
            // They look by themselves before long.
            tracing::debug!("other hosts can't be told of new work: {error}");
        }
        sleep(BETWEEN).await;
    }
}

/// Rings this host's bell when another one announces something. Ends when it is dropped.
pub(super) async fn listen(queue: Queue) {
    loop {
        if let Err(error) = hear(&queue).await {
            tracing::warn!("announcements of other hosts can't be heard: {error}");
        }
        sleep(PAUSE).await;
        // Something may have been missed.
        queue.look();
    }
}

async fn hear(queue: &Queue) -> Result<(), sqlx::Error> {
    let Some(mut listener) = queue.database().listener().await? else { return Ok(()) };
    listener.listen(CHANNEL).await?;
    loop {
        match listener.try_recv().await? {
            Some(told) if told.payload() == queue.0.host => {}
            // Nothing: the connection was lost and is there again.
            Some(_) | None => queue.look(),
        }
    }
}
