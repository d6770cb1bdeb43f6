//! Applying a set's migrations on PostgreSQL: the set's own role runs them, in its own schema.
//!
//! A migration and the note that it was applied are one transaction, so both are the set's role's; a policy lets it note down
//! migrations of its own set and no other. Meanwhile the host holds the row of the set, so that others wait.

use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _};

use super::{
    PostgresDatabase, RoleError,
    names::{identifier, literal},
    roles::{self, run},
};
use crate::{
    capabilities::database::{
        migrations::{Migration, MigrationError, MigrationSet},
        sql::Dialect,
        statement,
    },
    store::Store,
};

impl PostgresDatabase {
    /// Applies what is missing.
    pub(in super::super) async fn migrate(&self, set: &MigrationSet) -> Result<Vec<u32>, MigrationError> {
        let mut host = self.connect().await?;
        let role = self.names.owner(set.name.as_str());
        let password = self.prepare(&mut host, set.name.as_str(), &role).await?;
        let options = self
            .login(&role, &password, &format!("migrations of {}", set.name), &[set.name.as_str().to_owned()])
            // Whoever uses a table that is to change, is done with it before long; and must not wait for long behind this.
            .options([("lock_timeout", "20s")]);
        roles::try_login(&mut host, &options, &role, &password).await?;

        let mut turn = host.begin().await?;
        run(&mut turn, "SET LOCAL lock_timeout = '120s'".to_owned()).await?;
        sqlx::query("SELECT name FROM datamp.host_migration_set WHERE name = $1 FOR UPDATE")
            .bind(set.name.as_str())
            .execute(&mut *turn)
            .await
            .map_err(|error| match error.as_database_error().and_then(|e| e.code()) {
                Some(code) if code == "55P03" => MigrationError::Locked(set.name.as_str().to_owned()),
                _ => error.into(),
            })?;
        // In a statement of its own: the waiting one kept its old view.
        let rows = sqlx::query("SELECT number, checksum FROM datamp.host_migration WHERE set_name = $1")
            .bind(set.name.as_str())
            .fetch_all(&mut *turn)
            .await?;
        let applied =
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<Result<_, sqlx::Error>>()?;
        let rows = sqlx::query("SELECT name FROM datamp.host_migration_set").fetch_all(&mut *turn).await?;
        let sets = rows.iter().map(|row| row.try_get(0)).collect::<Result<Vec<String>, _>>()?;

        let mut own = options.connect().await?;
        let mut numbers = Vec::new();
        for migration in set.missing(Dialect::Postgresql, &applied)? {
            apply(&mut own, set, migration, &sets).await?;
            numbers.push(migration.number);
        }
        own.close().await?;
        turn.commit().await?;
        host.close().await?;
        Ok(numbers)
    }

    /// The set's role, its schema, and its right to note down its migrations.
    async fn prepare(&self, host: &mut PgConnection, set: &str, role: &str) -> Result<String, RoleError> {
        let mut transaction = host.begin().await?;
        roles::lock(&mut transaction).await?;
        let password = roles::ensure(&mut transaction, &self.names, role).await?;
        let (owner, schema) = (identifier(role), identifier(set));
        if !self.names.superuser {
            // To grant on the set's tables, the host must be one with their owner.
            let member = sqlx::query("SELECT pg_has_role(current_user, $1, 'USAGE')")
                .bind(role)
                .fetch_one(&mut *transaction)
                .await?;
            if !member.try_get::<bool, _>(0)? {
                run(&mut transaction, format!("GRANT {owner} TO CURRENT_USER")).await?;
            }
        }
        run(&mut transaction, format!("CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}")).await?;
        let owned = sqlx::query("SELECT nspowner = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1) FROM pg_catalog.pg_namespace WHERE nspname = $2")
            .bind(role)
            .bind(set)
            .fetch_one(&mut *transaction)
            .await?;
        if !owned.try_get::<bool, _>(0)? {
            return Err(RoleError::SchemaTaken(set.to_owned()));
        }
        run(
            &mut transaction,
            format!("GRANT USAGE ON SCHEMA datamp TO {owner}; GRANT INSERT ON TABLE datamp.host_migration TO {owner}"),
        )
        .await?;
        let policy = sqlx::query(
            "SELECT 1 FROM pg_catalog.pg_policy WHERE polname = $1 AND polrelid = 'datamp.host_migration'::regclass",
        );
        if policy.bind(role).fetch_optional(&mut *transaction).await?.is_none() {
            let own = format!("set_name = {}", literal(set));
            run(
                &mut transaction,
                format!("CREATE POLICY {owner} ON datamp.host_migration FOR INSERT TO {owner} WITH CHECK ({own})"),
            )
            .await?;
        }
        transaction.commit().await?;
        Ok(password)
    }
}

/// Runs one migration and notes it down.
async fn apply(
    own: &mut PgConnection,
    set: &MigrationSet,
    migration: &Migration,
    sets: &[String],
) -> Result<(), MigrationError> {
    let sql = migration.sql(Dialect::Postgresql);
    if let Some(word) = statement::transaction_control(sql) {
        return Err(set.failed(migration, format!("it holds a {word}; each migration is one transaction already")));
    }
    let failed = |error: sqlx::Error| set.failed(migration, error);
    let mut transaction = own.begin().await.map_err(failed)?;
    let before = transaction_number(&mut transaction).await.map_err(failed)?;
    transaction.execute(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))).await.map_err(failed)?;
    if transaction_number(&mut transaction).await.map_err(failed)? != before {
        return Err(set.failed(migration, "it ended its transaction: what it did before that has taken effect"));
    }
    // One namespace for all sets, as on SQLite: a manifest names a table without its set.
    let taken = sqlx::query(
        "SELECT c.relname::text FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE n.nspname = $1 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND (c.relname LIKE 'host\\_%' OR EXISTS ( \
            SELECT 1 FROM pg_catalog.pg_class o JOIN pg_catalog.pg_namespace p ON p.oid = o.relnamespace \
            WHERE o.relname = c.relname AND p.nspname = ANY ($2) AND p.nspname <> $1 AND o.relkind IN ('r', 'p', 'v', 'm', 'f')))",
    )
    .bind(set.name.as_str())
    .bind(sets)
    .fetch_optional(&mut *transaction)
    .await
    .map_err(failed)?;
    if let Some(row) = taken {
        let table: String = row.try_get(0).map_err(failed)?;
        return Err(set.failed(migration, format!("the name {table:?} is taken by another set, or is the host's")));
    }
    sqlx::query(
        "INSERT INTO datamp.host_migration (set_name, number, name, checksum, applied_at) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(set.name.as_str())
    .bind(i64::from(migration.number))
    .bind(&migration.name)
    .bind(migration.checksum(Dialect::Postgresql))
    .bind(Store::now_micros())
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// Which transaction this is.
async fn transaction_number(connection: &mut PgConnection) -> Result<String, sqlx::Error> {
    sqlx::query("SELECT pg_catalog.pg_current_xact_id()::text").fetch_one(connection).await?.try_get(0)
}
