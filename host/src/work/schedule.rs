//! From schedules to runs.
//!
//! A schedule whose time has come becomes one run, of its latest occurrence, and its next time is moved beyond now, in one
//! transaction that only one host can make: the others find the time moved. While a run of it is there (under way, or waiting to be
//! tried again) it rests.

use std::time::Duration;

use sqlx::Row as _;
use uuid::Uuid;

use super::{Queue, micros};
use crate::{capabilities::database::OwnTransaction, manifest::CronText, telemetry::trace::TraceContext};

/// The next time of a schedule that has none.
pub(super) const NEVER: i64 = i64::MAX;

struct Due {
    name: String,
    cron: String,
    payload: String,
    next_at: i64,
}

impl Queue {
    /// The database's clock.
    pub(super) async fn now(&self, own: &mut OwnTransaction) -> Result<i64, sqlx::Error> {
        sqlx::query(self.sql("SELECT {now}")).fetch_one(own.connection()).await?.try_get(0)
    }

    /// Makes runs of the schedules of a component whose time has come, and answers how long until the next one's.
    pub(super) async fn tick(&self, component: &str) -> Result<Option<Duration>, sqlx::Error> {
        let sql = self.sql(
            "SELECT s.name, s.cron, s.payload, s.next_at, s.next_at - {now} FROM host_schedule s WHERE s.component = $1 AND NOT EXISTS \
                (SELECT 1 FROM host_work w WHERE w.kind = 'job' AND w.component = s.component AND w.name = s.name \
                    AND w.key = '' AND w.dead_at IS NULL)",
        );
        let rows = sqlx::query(sql).bind(component).fetch_all(self.database().store().pool()).await?;
        let mut soonest = None;
        for row in rows {
            let due = Due {
                name: row.try_get(0)?,
                cron: row.try_get(1)?,
                payload: row.try_get(2)?,
                next_at: row.try_get(3)?,
            };
            let wait: i64 = row.try_get(4)?;
            if wait <= 0 {
                // Until it is done, it is no longer waited for.
                self.occur(component, &due).await?;
            } else if due.next_at != NEVER {
                let wait = Duration::from_micros(wait.unsigned_abs());
                soonest = Some(soonest.map_or(wait, |soonest: Duration| soonest.min(wait)));
            }
        }
        Ok(soonest)
    }

    async fn occur(&self, component: &str, due: &Due) -> Result<(), sqlx::Error> {
        let Ok(cron) = CronText::parse(&due.cron) else {
            tracing::error!("{component}'s schedule {} can't be read: {:?}", due.name, due.cron);
            return Ok(());
        };
        let mut own = self.database().begin_own().await?;
        let now = self.now(&mut own).await?;
        let moved =
            sqlx::query("UPDATE host_schedule SET next_at = $4 WHERE component = $1 AND name = $2 AND next_at = $3")
                .bind(component)
                .bind(&due.name)
                .bind(due.next_at)
                .bind(cron.next_after(now).unwrap_or(NEVER))
                .execute(own.connection())
                .await?;
        if moved.rows_affected() == 0 {
            return Ok(());
        }
        let occurrence = cron.last_until(now).unwrap_or(due.next_at).max(due.next_at);
        sqlx::query(
            "INSERT INTO host_work (id, kind, component, name, key, origin, payload, trace, created_at, scheduled_for, due_at, attempts) \
             VALUES ($1, 'job', $2, $3, '', $2, $4, $5, $6, $7, $6, 0) ON CONFLICT DO NOTHING",
        )
        .bind(Uuid::now_v7().to_string())
        .bind(component)
        .bind(&due.name)
        .bind(&due.payload)
        .bind(TraceContext::generate().traceparent().to_string())
        .bind(now)
        .bind(occurrence)
        .execute(own.connection())
        .await?;
        own.commit().await?;
        if now - occurrence > micros(Duration::from_secs(60)) {
            tracing::info!("{component}'s schedule {} missed its time and is run late", due.name);
        }
        Ok(())
    }
}
