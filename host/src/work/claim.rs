//! Claiming what is due.

use std::time::Duration;

use sqlx::{Row as _, any::AnyRow};
use uuid::Uuid;

use super::{Kind, Queue, micros};

/// One claimed piece of work.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub(super) id: String,
    /// The topic, or the job's name.
    pub(super) name: String,
    /// The event's id, or the job's key.
    pub(super) key: String,
    pub(super) origin: String,
    pub(super) payload: String,
    pub(super) trace: String,
    pub(super) created_at: i64,
    pub(super) scheduled_for: i64,
    /// This one included.
    pub(super) attempts: u32,
    /// The token of the claim.
    pub(super) claim: String,
}

/// What is the first to come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Next {
    /// How long until it is due; nothing where it is.
    pub(super) wait: Duration,
    /// Whether it was attempted before.
    pub(super) again: bool,
}

impl Queue {
    /// What is the first to come of a component's work, if there is any. Reads only.
    pub(super) async fn next(&self, kind: Kind, component: &str) -> Result<Option<Next>, sqlx::Error> {
        let sql = self.sql(
            "SELECT due_at - {now}, attempts FROM host_work WHERE kind = $1 AND component = $2 AND dead_at IS NULL \
             ORDER BY due_at LIMIT 1",
        );
        let row =
            sqlx::query(sql).bind(kind.as_str()).bind(component).fetch_optional(self.database().store().pool()).await?;
        row.map(|row| {
            let wait = Duration::from_micros(u64::try_from(row.try_get::<i64, _>(0)?).unwrap_or(0));
            Ok(Next { wait, again: row.try_get::<i64, _>(1)? > 0 })
        })
        .transpose()
    }

    /// Claims what is due: new work, at most `limit` pieces, or else one piece that was attempted before. The claim is this host's
    /// alone for the length of the lease.
    pub(super) async fn claim(
        &self,
        kind: Kind,
        component: &str,
        again: bool,
        limit: u32,
        lease: Duration,
    ) -> Result<Vec<Item>, sqlx::Error> {
        let (attempts, limit) = if again { ("attempts > 0", 1) } else { ("attempts = 0", limit) };
        // The rows are chosen once, and then changed: a plan that chose them again would lock others.
        let sql = self.sql(&format!(
            "WITH chosen AS MATERIALIZED (SELECT id FROM host_work WHERE kind = $1 AND component = $2 AND dead_at IS NULL \
                AND due_at <= {{now}} AND {attempts} ORDER BY due_at LIMIT $3 {{skip}}) \
             UPDATE host_work SET attempts = attempts + 1, due_at = {{now}} + $4, claim = $5, holder = $6 \
             WHERE id IN (SELECT id FROM chosen) \
             RETURNING id, name, key, origin, payload, trace, created_at, scheduled_for, attempts, claim"
        ));
        let mut own = self.database().begin_own().await?;
        let rows = sqlx::query(sql)
            .bind(kind.as_str())
            .bind(component)
            .bind(i64::from(limit))
            .bind(micros(lease))
            .bind(Uuid::new_v4().to_string())
            .bind(&self.0.host)
            .fetch_all(own.connection())
            .await?;
        let mut items = rows.iter().map(item).collect::<Result<Vec<_>, _>>()?;
        own.commit().await?;
        items.sort_by(|a, b| (a.scheduled_for, &a.id).cmp(&(b.scheduled_for, &b.id)));
        Ok(items)
    }

    /// Lets go of what this host claimed before it ended. Called at its start, before it claims anything.
    pub(super) async fn release_own(&self) -> Result<u64, sqlx::Error> {
        let sql = self.sql(
            "UPDATE host_work SET due_at = {now}, claim = NULL, holder = NULL WHERE holder = $1 AND dead_at IS NULL",
        );
        let mut own = self.database().begin_own().await?;
        let released = sqlx::query(sql).bind(&self.0.host).execute(own.connection()).await?.rows_affected();
        own.commit().await?;
        Ok(released)
    }
}

fn item(row: &AnyRow) -> Result<Item, sqlx::Error> {
    Ok(Item {
        id: row.try_get(0)?,
        name: row.try_get(1)?,
        key: row.try_get(2)?,
        origin: row.try_get(3)?,
        payload: row.try_get(4)?,
        trace: row.try_get(5)?,
        created_at: row.try_get(6)?,
        scheduled_for: row.try_get(7)?,
        attempts: u32::try_from(row.try_get::<i64, _>(8)?).unwrap_or(u32::MAX),
        claim: row.try_get(9)?,
    })
}
