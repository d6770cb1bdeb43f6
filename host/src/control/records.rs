//! The rows that deployments leave in the host's own tables.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sqlx::{Row, any::AnyRow};

use super::ControlError;
use crate::{
    store::Store,
    telemetry::clock::{now_micros as now, rfc3339},
};

/// Where a generation stands in its life.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Checked and kept, not yet active.
    Admitted,
    /// Serving.
    Active,
    /// Finishing what it had begun.
    Draining,
    /// Was active, and can be again.
    Retired,
    /// Refused, for the reason given.
    Rejected,
    /// It did not start, for the reason given.
    Failed,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::Active => "active",
            Self::Draining => "draining",
            Self::Retired => "retired",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::Admitted, Self::Active, Self::Draining, Self::Retired, Self::Rejected, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// One deployed file of a component, as it is remembered.
#[derive(Clone, Debug, serde::Deserialize, serde::Serialize)]
pub struct GenerationRecord {
    /// The component.
    pub component: String,
    /// Counted up from 1 for each component.
    pub number: u64,
    /// The version of its manifest.
    pub version: String,
    /// Where it stands.
    pub state: State,
    /// SHA-256 of its file, in hex.
    pub sha256: String,
    /// The file's size in bytes.
    pub size: u64,
    /// Why it is in its state.
    pub reason: Option<String>,
    /// Who deployed it.
    pub deployed_by: String,
    /// RFC 3339, UTC.
    pub deployed_at: String,
    /// When it was last made the active one.
    pub activated_at: Option<String>,
}

/// The host's tables of deployments.
#[derive(Clone)]
pub struct Records {
    store: Store,
}

const COLUMNS: &str = "component, number, version, state, sha256, size, reason, deployed_by, deployed_at, activated_at";

/// A new row of a generation.
pub(super) struct NewGeneration<'a> {
    pub(super) component: &'a str,
    pub(super) version: &'a str,
    pub(super) sha256: &'a str,
    pub(super) size: usize,
    pub(super) state: State,
    pub(super) reason: Option<&'a str>,
    pub(super) by: &'a str,
}

impl Records {
    /// Over the host's own store.
    #[must_use]
    pub fn new(store: Store) -> Self {
        Self { store }
    }

    pub(super) async fn insert(&self, new: &NewGeneration<'_>) -> Result<u64, ControlError> {
        let row = sqlx::query(
            "INSERT INTO host_generation \
             (component, number, version, sha256, size, state, reason, deployed_by, deployed_at) \
             SELECT $1, COALESCE(MAX(number), 0) + 1, $2, $3, $4, $5, $6, $7, $8 FROM host_generation \
             WHERE component = $1 RETURNING number",
        )
        .bind(new.component)
        .bind(new.version)
        .bind(new.sha256)
        .bind(signed(new.size))
        .bind(new.state.as_str())
        .bind(new.reason)
        .bind(new.by)
        .bind(now())
        .fetch_one(self.store.pool())
        .await?;
        Ok(row.try_get::<i64, _>("number")?.unsigned_abs())
    }

    pub(super) async fn keep_artifact(&self, sha256: &str, bytes: &[u8]) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO host_artifact (sha256, size, content, created_at) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (sha256) DO NOTHING",
        )
        .bind(sha256)
        .bind(signed(bytes.len()))
        .bind(STANDARD.encode(bytes))
        .bind(now())
        .execute(self.store.pool())
        .await?;
        Ok(())
    }

    pub(super) async fn artifact(&self, sha256: &str) -> Result<Vec<u8>, ControlError> {
        let row = sqlx::query("SELECT content FROM host_artifact WHERE sha256 = $1")
            .bind(sha256)
            .fetch_optional(self.store.pool())
            .await?
            .ok_or_else(|| ControlError::Internal(format!("the file {sha256} is not kept")))?;
        STANDARD
            .decode(row.try_get::<String, _>("content")?)
            .map_err(|_| ControlError::Internal(format!("the kept file {sha256} is damaged")))
    }

    /// Makes one generation the active one, in one transaction.
    pub(super) async fn activate(
        &self,
        component: &str,
        number: u64,
        by: &str,
        reason: &str,
    ) -> Result<(), ControlError> {
        let mut transaction = self.store.begin().await?;
        sqlx::query("UPDATE host_generation SET state = 'draining' WHERE component = $1 AND state = 'active'")
            .bind(component)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "UPDATE host_generation SET state = 'active', activated_at = $3, reason = $4 \
             WHERE component = $1 AND number = $2",
        )
        .bind(component)
        .bind(number.cast_signed())
        .bind(now())
        .bind(reason)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO host_activation (component, number, activated_at, activated_by, reason) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(component)
        .bind(number.cast_signed())
        .bind(now())
        .bind(by)
        .bind(reason)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn set_state(
        &self,
        component: &str,
        number: u64,
        state: State,
        reason: Option<&str>,
    ) -> Result<(), ControlError> {
        sqlx::query(
            "UPDATE host_generation SET state = $3, reason = COALESCE($4, reason) WHERE component = $1 AND number = $2",
        )
        .bind(component)
        .bind(number.cast_signed())
        .bind(state.as_str())
        .bind(reason)
        .execute(self.store.pool())
        .await?;
        Ok(())
    }

    /// A generation has drained. One that was made the active one again in the meantime stays it.
    pub(super) async fn retire(&self, component: &str, number: u64, note: Option<&str>) -> Result<(), ControlError> {
        sqlx::query(
            "UPDATE host_generation SET state = 'retired', reason = COALESCE($3, reason) \
             WHERE component = $1 AND number = $2 AND state = 'draining'",
        )
        .bind(component)
        .bind(number.cast_signed())
        .bind(note)
        .execute(self.store.pool())
        .await?;
        Ok(())
    }

    /// After a restart nothing drains any more.
    pub(super) async fn retire_draining(&self) -> Result<(), ControlError> {
        sqlx::query("UPDATE host_generation SET state = 'retired' WHERE state = 'draining'")
            .execute(self.store.pool())
            .await?;
        Ok(())
    }

    /// The active generation of each component, the one that was activated last first.
    pub(super) async fn active(&self) -> Result<Vec<GenerationRecord>, ControlError> {
        let sql = format!("SELECT {COLUMNS} FROM host_generation WHERE state = 'active' ORDER BY activated_at DESC");
        self.generations(sqlx::query(sqlx::AssertSqlSafe(sql))).await
    }

    pub(super) async fn history(&self, component: &str) -> Result<Vec<GenerationRecord>, ControlError> {
        let sql = format!("SELECT {COLUMNS} FROM host_generation WHERE component = $1 ORDER BY number DESC LIMIT 100");
        self.generations(sqlx::query(sqlx::AssertSqlSafe(sql)).bind(component.to_owned())).await
    }

    pub(super) async fn generation(
        &self,
        component: &str,
        number: u64,
    ) -> Result<Option<GenerationRecord>, ControlError> {
        let sql = format!("SELECT {COLUMNS} FROM host_generation WHERE component = $1 AND number = $2");
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(component.to_owned()).bind(number.cast_signed());
        Ok(self.generations(query).await?.pop())
    }

    /// Every component that was ever deployed.
    pub(super) async fn components(&self) -> Result<Vec<String>, ControlError> {
        let rows = sqlx::query("SELECT DISTINCT component FROM host_generation ORDER BY component")
            .fetch_all(self.store.pool())
            .await?;
        rows.iter().map(|row| Ok(row.try_get("component")?)).collect()
    }

    /// The newest generation below a number that was once active.
    pub(super) async fn previous(&self, component: &str, below: u64) -> Result<Option<GenerationRecord>, ControlError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM host_generation WHERE component = $1 AND number < $2 \
             AND activated_at IS NOT NULL AND state IN ('retired', 'draining') ORDER BY number DESC LIMIT 1"
        );
        let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(component.to_owned()).bind(below.cast_signed());
        Ok(self.generations(query).await?.pop())
    }

    pub(super) async fn grants(&self, component: &str) -> Result<Vec<String>, ControlError> {
        let rows = sqlx::query("SELECT ask FROM host_grant WHERE component = $1 ORDER BY ask")
            .bind(component)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter().map(|row| Ok(row.try_get("ask")?)).collect()
    }

    pub(super) async fn grant(&self, component: &str, asks: &[String], by: &str) -> Result<(), ControlError> {
        let mut transaction = self.store.begin().await?;
        for ask in asks {
            sqlx::query(
                "INSERT INTO host_grant (component, ask, granted_by, granted_at) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (component, ask) DO NOTHING",
            )
            .bind(component)
            .bind(ask)
            .bind(by)
            .bind(now())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    pub(super) async fn settings(&self, component: &str) -> Result<Vec<(String, String)>, ControlError> {
        let rows = sqlx::query("SELECT name, value FROM host_setting WHERE component = $1")
            .bind(component)
            .fetch_all(self.store.pool())
            .await?;
        rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("value")?))).collect()
    }

    pub(super) async fn set_setting(&self, component: &str, name: &str, value: &str) -> Result<(), ControlError> {
        sqlx::query(
            "INSERT INTO host_setting (component, name, value) VALUES ($1, $2, $3) \
             ON CONFLICT (component, name) DO UPDATE SET value = excluded.value",
        )
        .bind(component)
        .bind(name)
        .bind(value)
        .execute(self.store.pool())
        .await?;
        Ok(())
    }

    pub(super) async fn remove_setting(&self, component: &str, name: &str) -> Result<(), ControlError> {
        sqlx::query("DELETE FROM host_setting WHERE component = $1 AND name = $2")
            .bind(component)
            .bind(name)
            .execute(self.store.pool())
            .await?;
        Ok(())
    }

    async fn generations(
        &self,
        query: sqlx::query::Query<'_, sqlx::Any, sqlx::any::AnyArguments>,
    ) -> Result<Vec<GenerationRecord>, ControlError> {
        query.fetch_all(self.store.pool()).await?.iter().map(record).collect()
    }
}

fn record(row: &AnyRow) -> Result<GenerationRecord, ControlError> {
    let state: String = row.try_get("state")?;
    Ok(GenerationRecord {
        component: row.try_get("component")?,
        number: row.try_get::<i64, _>("number")?.unsigned_abs(),
        version: row.try_get("version")?,
        state: State::parse(&state)
            .ok_or_else(|| ControlError::Internal(format!("a generation's state is {state:?}")))?,
        sha256: row.try_get("sha256")?,
        size: row.try_get::<i64, _>("size")?.unsigned_abs(),
        reason: row.try_get("reason")?,
        deployed_by: row.try_get("deployed_by")?,
        deployed_at: rfc3339(row.try_get("deployed_at")?),
        activated_at: row.try_get::<Option<i64>, _>("activated_at")?.map(rfc3339),
    })
}

fn signed(size: usize) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn of_two_generations_that_took_turns_the_one_that_drained_is_retired_and_the_active_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = format!("sqlite:{}", folder.path().join("store.db").display());
        for url in [sqlite, datamp_test_postgres::Cluster::shared().database()] {
            let records = Records::new(Store::open(&url).await.unwrap());
            records.keep_artifact("hash", b"file").await.unwrap();
            for version in ["1.0.0", "2.0.0"] {
                let (component, sha256, by) = ("a", "hash", "test");
                let new =
                    NewGeneration { component, version, sha256, size: 4, state: State::Admitted, reason: None, by };
                records.insert(&new).await.unwrap();
            }
            // The first is brought back before it has drained.
            for number in [1, 2, 1] {
                records.activate("a", number, "test", "").await.unwrap();
            }
            for number in [1, 2] {
                records.retire("a", number, None).await.unwrap();
            }
            let states: Vec<_> = records.history("a").await.unwrap().into_iter().map(|g| (g.number, g.state)).collect();
            assert_eq!(states, [(2, State::Retired), (1, State::Active)]);
        }
    }
}
