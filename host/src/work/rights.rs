//! What active components publish, subscribe to and do on a schedule, as the database has to know it.
//!
//! As with the rights on tables, a swap first adds what the new version needs, and takes back what it no longer names once the old one has
//! drained: in between both versions run. Subscriptions and schedules end with the swap itself.

use sqlx::Row as _;

use super::{Queue, schedule};
use crate::{
    capabilities::database::OwnTransaction,
    manifest::{Manifest, TopicPattern},
};

/// One row of `host_topic`.
type Right<'a> = (&'static str, &'a str, i64);

fn rights(manifest: &Manifest, does_jobs: bool) -> Vec<Right<'_>> {
    fn of<'a>(
        direction: &'static str,
        topics: impl IntoIterator<Item = &'a TopicPattern>,
    ) -> impl Iterator<Item = Right<'a>> {
        topics.into_iter().map(move |pattern| (direction, pattern.topic.as_str(), i64::from(pattern.wildcard)))
    }
    let schedules = does_jobs.then_some(("schedule", "", 0));
    of("publish", &manifest.messaging.publishes)
        .chain(of("subscribe", &manifest.messaging.subscribes))
        .chain(schedules)
        .collect()
}

/// Adds what is not there yet.
async fn add(own: &mut OwnTransaction, component: &str, rights: Vec<Right<'_>>) -> Result<(), sqlx::Error> {
    for (direction, topic, wildcard) in rights {
        sqlx::query(
            "INSERT INTO host_topic (component, direction, topic, wildcard) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(component)
        .bind(direction)
        .bind(topic)
        .bind(wildcard)
        .execute(own.connection())
        .await?;
    }
    Ok(())
}

impl Queue {
    /// Lets a version publish and schedule that is about to become active. Its subscriptions and schedules wait: what they bring
    /// would still be the old one's to do, which may not know it.
    ///
    /// # Errors
    /// The database's words: nothing was added then.
    pub async fn allow(&self, manifest: &Manifest, does_jobs: bool) -> Result<(), sqlx::Error> {
        let mut own = self.database().begin_own().await?;
        let rights =
            rights(manifest, does_jobs).into_iter().filter(|(direction, ..)| *direction != "subscribe").collect();
        add(&mut own, manifest.name.as_str(), rights).await?;
        own.commit().await
    }

    /// Adds all that a version needs which is active. Its subscriptions begin now.
    ///
    /// # Errors
    /// The database's words: nothing was added then.
    pub async fn expand(&self, manifest: &Manifest, does_jobs: bool) -> Result<(), sqlx::Error> {
        let component = manifest.name.as_str();
        let mut own = self.database().begin_own().await?;
        add(&mut own, component, rights(manifest, does_jobs)).await?;
        let now = self.now(&mut own).await?;
        for (name, planned) in &manifest.schedules {
            // One that stays as it is keeps its next run: a swap neither loses nor repeats one.
            sqlx::query(
                "INSERT INTO host_schedule (component, name, cron, payload, next_at) VALUES ($1, $2, $3, $4, $5) \
                 ON CONFLICT (component, name) DO UPDATE SET cron = excluded.cron, payload = excluded.payload, \
                    next_at = CASE WHEN host_schedule.cron = excluded.cron THEN host_schedule.next_at ELSE excluded.next_at END",
            )
            .bind(component)
            .bind(name.as_str())
            .bind(planned.cron.as_str())
            .bind(&planned.payload)
            .bind(planned.cron.next_after(now).unwrap_or(schedule::NEVER))
            .execute(own.connection())
            .await?;
        }
        own.commit().await
    }

    /// Ends the subscriptions and schedules that the version which has just become active does not name.
    ///
    /// # Errors
    /// The database's words: nothing was ended then.
    pub async fn end(&self, manifest: &Manifest) -> Result<(), sqlx::Error> {
        let component = manifest.name.as_str();
        let mut own = self.database().begin_own().await?;
        take_back(&mut own, manifest, false, &["subscribe"]).await?;
        let rows = sqlx::query("SELECT name FROM host_schedule WHERE component = $1")
            .bind(component)
            .fetch_all(own.connection())
            .await?;
        for row in rows {
            let name: String = row.try_get(0)?;
            if !manifest.schedules.keys().any(|planned| planned.as_str() == name) {
                // A run of it that waits goes too; one that is under way comes to its end.
                for sql in [
                    "DELETE FROM host_work WHERE kind = 'job' AND component = $1 AND name = $2 AND key = '' AND dead_at IS NULL",
                    "DELETE FROM host_schedule WHERE component = $1 AND name = $2",
                ] {
                    sqlx::query(sql).bind(component).bind(&name).execute(own.connection()).await?;
                }
            }
        }
        own.commit().await
    }

    /// Takes back the rights to publish and to schedule that the active version does not name, once the one before it has drained: what
    /// that one still works on may use them.
    ///
    /// # Errors
    /// The database's words: nothing was taken back then.
    pub async fn revoke(&self, manifest: &Manifest, does_jobs: bool) -> Result<(), sqlx::Error> {
        let mut own = self.database().begin_own().await?;
        take_back(&mut own, manifest, does_jobs, &["publish", "schedule"]).await?;
        own.commit().await
    }
}

/// Removes the rows of these directions that a manifest does not name.
async fn take_back(
    own: &mut OwnTransaction,
    manifest: &Manifest,
    does_jobs: bool,
    directions: &[&str],
) -> Result<(), sqlx::Error> {
    let named = rights(manifest, does_jobs);
    let rows = sqlx::query("SELECT direction, topic, wildcard FROM host_topic WHERE component = $1")
        .bind(manifest.name.as_str())
        .fetch_all(own.connection())
        .await?;
    for row in rows {
        let (direction, topic, wildcard): (String, String, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let is_named = named.contains(&(direction.as_str(), topic.as_str(), wildcard));
        if is_named || !directions.contains(&direction.as_str()) {
            continue;
        }
        sqlx::query("DELETE FROM host_topic WHERE component = $1 AND direction = $2 AND topic = $3 AND wildcard = $4")
            .bind(manifest.name.as_str())
            .bind(direction)
            .bind(topic)
            .bind(wildcard)
            .execute(own.connection())
            .await?;
    }
    Ok(())
}
