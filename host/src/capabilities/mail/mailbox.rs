//! The local mailbox: where mail goes while no SMTP server is configured, so that a developer can read the code that
//! was sent.

use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::AnyPool;

use super::message::{Checked, Message};
use crate::{capabilities::crypto::random, telemetry::clock::now_micros};

/// How many messages are kept.
const KEPT: i64 = 10_000;

/// After how many new messages the oldest are removed; as many more than [`KEPT`] may be there meanwhile.
const PRUNE_EVERY: u64 = 64;

/// A message in the mailbox.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its id, `mail_…`.
    pub id: String,
    /// The component that sent it.
    pub component: String,
    /// Microseconds since the Unix epoch.
    pub sent_at: i64,
    /// The message.
    pub message: Message,
}

/// The messages that were sent while there was no SMTP server.
pub struct Mailbox {
    pool: AnyPool,
    kept: AtomicU64,
}

impl Mailbox {
    pub(super) fn new(pool: AnyPool) -> Self {
        Self { pool, kept: AtomicU64::new(0) }
    }

    pub(super) async fn keep(&self, component: &str, Checked { message, .. }: Checked) -> Result<String, sqlx::Error> {
        let id = random::type_id("mail");
        sqlx::query(
            "INSERT INTO host_mail (id, component, recipient, subject, body_text, body_html, sent_at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&id)
        .bind(component)
        .bind(message.to.to_ascii_lowercase())
        .bind(message.subject)
        .bind(message.text)
        .bind(message.html)
        .bind(now_micros())
        .execute(&self.pool)
        .await?;
        if self.kept.fetch_add(1, Ordering::Relaxed).is_multiple_of(PRUNE_EVERY) {
            self.prune().await?;
        }
        Ok(id)
    }

    /// Removes all but the newest messages. Ids sort by time.
    async fn prune(&self) -> Result<(), sqlx::Error> {
        sqlx::query("DELETE FROM host_mail WHERE id <= (SELECT id FROM host_mail ORDER BY id DESC LIMIT 1 OFFSET $1)")
            .bind(KEPT)
            .execute(&self.pool)
            .await
            .map(drop)
    }

    /// The newest messages, to one address if it is given, the newest first; `limit` is at most 200.
    ///
    /// # Errors
    /// The store does not answer.
    pub async fn recent(&self, to: Option<&str>, limit: u32) -> Result<Vec<Mail>, sqlx::Error> {
        type Row = (String, String, i64, String, String, String, Option<String>);
        const COLUMNS: &str = "SELECT id, component, sent_at, recipient, subject, body_text, body_html FROM host_mail";
        let limit = i64::from(limit.min(200));
        let rows: Vec<Row> = match to {
            Some(to) => {
                let sql = format!("{COLUMNS} WHERE recipient = $1 ORDER BY id DESC LIMIT $2");
                sqlx::query_as(sqlx::AssertSqlSafe(sql))
                    .bind(to.to_ascii_lowercase())
                    .bind(limit)
                    .fetch_all(&self.pool)
                    .await?
            }
            None => {
                let sql = format!("{COLUMNS} ORDER BY id DESC LIMIT $1");
                sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(limit).fetch_all(&self.pool).await?
            }
        };
        let mail = |(id, component, sent_at, to, subject, text, html)| Mail {
            id,
            component,
            sent_at,
            message: Message { to, subject, text, html },
        };
        Ok(rows.into_iter().map(mail).collect())
    }
}
