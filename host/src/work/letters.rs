//! What operators see of deferred work: what waits, what is dead, what is scheduled; and replaying dead letters.

use sqlx::{Row as _, any::AnyRow};

use super::{Kind, Queue};
use crate::telemetry::clock::rfc3339;

/// Where a piece of work stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LetterState {
    /// It waits for its time, or to be tried again.
    Waiting,
    /// A host has claimed it.
    Working,
    /// A dead letter.
    Dead,
}

/// One piece of work, without its payload unless that was asked for.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct Letter {
    /// Its id, by which it is replayed.
    pub id: String,
    /// Whose export is called.
    pub component: String,
    /// The topic, or the job's name.
    pub name: String,
    /// The event's id; the job's key, empty for a schedule's run.
    pub key: String,
    /// Who published or scheduled it.
    pub origin: String,
    /// Where it stands.
    pub state: LetterState,
    /// When it was published or scheduled.
    pub created_at: String,
    /// When it was to be done.
    pub scheduled_for: String,
    /// When it is tried next; of one that is worked on, when another host would take over.
    pub due_at: String,
    /// How often it was attempted.
    pub attempts: u32,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it became a dead letter.
    pub dead_at: Option<String>,
    /// What it carries, a JSON text.
    pub payload: String,
}

/// Which pieces of work.
#[derive(Clone, Debug, Default, serde::Deserialize)]
pub struct LetterFilter {
    /// Of this component.
    pub component: Option<String>,
    /// Of this topic, or this job's name.
    pub name: Option<String>,
    /// Dead letters, or those that live. All where nothing is said.
    pub dead: Option<bool>,
    /// At most this many, 1 to 1000; 100 where nothing is said.
    pub limit: Option<u32>,
    /// After the one with this id: the last one of the page before.
    pub after: Option<String>,
    /// Without what they carry, which may be much.
    #[serde(skip)]
    pub without_payload: bool,
}

/// A schedule of an active component.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct ScheduleRow {
    /// The component.
    pub component: String,
    /// The job's name.
    pub name: String,
    /// When it is run, in UTC.
    pub cron: String,
    /// The next time; nothing where there is none.
    pub next_at: Option<String>,
}

impl Queue {
    /// Lists work of a kind by its id, which begins with the time it was deferred at.
    ///
    /// # Errors
    /// The database's words.
    pub async fn letters(&self, kind: Kind, filter: &LetterFilter) -> Result<Vec<Letter>, sqlx::Error> {
        let dead = match filter.dead {
            None => "",
            Some(true) => "AND dead_at IS NOT NULL",
            Some(false) => "AND dead_at IS NULL",
        };
        let payload = if filter.without_payload { "CAST('' AS TEXT)" } else { "payload" };
        let sql = self.sql(&format!(
            "SELECT id, component, name, key, origin, claim, created_at, scheduled_for, due_at, attempts, last_error, dead_at, {payload} \
             FROM host_work WHERE kind = $1 AND ($2 = '' OR component = $2) AND ($3 = '' OR name = $3) AND id > $4 {dead} \
             ORDER BY id LIMIT $5"
        ));
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let rows = sqlx::query(sql)
            .bind(kind.as_str())
            .bind(text(&filter.component))
            .bind(text(&filter.name))
            .bind(text(&filter.after))
            .bind(i64::from(filter.limit.unwrap_or(100).clamp(1, 1000)))
            .fetch_all(self.database().store().pool())
            .await?;
        rows.iter().map(letter).collect()
    }

    /// Gives dead letters their life again, at once and with all their attempts: those of a component (and of a name, if one is given),
    /// or one by its id. Answers how many; one in whose place there is another one by now stays dead.
    ///
    /// # Errors
    /// The database's words.
    pub async fn replay(&self, kind: Kind, component: &str, name: &str, id: &str) -> Result<u64, sqlx::Error> {
        let sql = self.sql(
            "UPDATE host_work SET dead_at = NULL, attempts = 0, due_at = {now} WHERE kind = $1 AND dead_at IS NOT NULL \
             AND ($2 = '' OR component = $2) AND ($3 = '' OR name = $3) AND ($4 = '' OR id = $4) \
             AND NOT EXISTS (SELECT 1 FROM host_work o WHERE o.kind = host_work.kind AND o.component = host_work.component \
                AND o.name = host_work.name AND o.key = host_work.key AND o.id <> host_work.id \
                AND (o.dead_at IS NULL OR o.id > host_work.id))",
        );
        let mut own = self.database().begin_own().await?;
        let query = sqlx::query(sql).bind(kind.as_str()).bind(component).bind(name).bind(id);
        let replayed = query.execute(own.connection()).await?.rows_affected();
        own.commit().await?;
        self.added();
        Ok(replayed)
    }

    /// The schedules of all components.
    ///
    /// # Errors
    /// The database's words.
    pub async fn schedules(&self) -> Result<Vec<ScheduleRow>, sqlx::Error> {
        let rows = sqlx::query("SELECT component, name, cron, next_at FROM host_schedule ORDER BY component, name")
            .fetch_all(self.database().store().pool())
            .await?;
        rows.iter()
            .map(|row| {
                let next_at: i64 = row.try_get(3)?;
                Ok(ScheduleRow {
                    component: row.try_get(0)?,
                    name: row.try_get(1)?,
                    cron: row.try_get(2)?,
                    next_at: (next_at != super::schedule::NEVER).then(|| rfc3339(next_at)),
                })
            })
            .collect()
    }
}

fn letter(row: &AnyRow) -> Result<Letter, sqlx::Error> {
    let dead_at: Option<i64> = row.try_get(11)?;
    let claimed = row.try_get::<Option<String>, _>(5)?.is_some();
    Ok(Letter {
        id: row.try_get(0)?,
        component: row.try_get(1)?,
        name: row.try_get(2)?,
        key: row.try_get(3)?,
        origin: row.try_get(4)?,
        state: match (dead_at, claimed) {
            (Some(_), _) => LetterState::Dead,
            (None, true) => LetterState::Working,
            (None, false) => LetterState::Waiting,
        },
        created_at: rfc3339(row.try_get(6)?),
        scheduled_for: rfc3339(row.try_get(7)?),
        due_at: rfc3339(row.try_get(8)?),
        attempts: u32::try_from(row.try_get::<i64, _>(9)?).unwrap_or(u32::MAX),
        last_error: row.try_get(10)?,
        dead_at: dead_at.map(rfc3339),
        payload: row.try_get(12)?,
    })
}
