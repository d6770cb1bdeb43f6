//! Login roles of the host's making, and what the public may do in the database.

use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, Row as _,
    postgres::PgConnectOptions,
};

use super::{
    names::{Names, identifier, literal},
    scram,
};
use crate::store::Store;

/// Why a role can't be made or used.
#[derive(Debug, thiserror::Error)]
pub enum RoleError {
    /// The server is too old.
    #[error("PostgreSQL {0} is too old: version 14 or a newer one is needed")]
    TooOld(u32),
    /// The host's own role can't make others.
    #[error(
        "the role {0:?} may not make login roles for components: as a superuser, run ALTER ROLE \"{0}\" CREATEROLE"
    )]
    MayNotCreateRoles(String),
    /// The public has a right that would let components past their grants.
    #[error("everyone may {right}, and the role {user:?} can't take that back: as the owner, run {statement}")]
    Public {
        /// The host's role.
        user: String,
        /// What everyone may do.
        right: &'static str,
        /// What takes it back.
        statement: String,
    },
    /// A role of that name has more rights than the host gave it.
    #[error("the role {role:?} {problem}: the host makes it itself, drop it or take that back")]
    Unsafe {
        /// The role.
        role: String,
        /// What it has.
        problem: &'static str,
    },
    /// A schema of the set's name belongs to someone else.
    #[error("the schema {0:?} belongs to someone else: a migration set makes its own")]
    SchemaTaken(String),
    /// The server does not let the role log in.
    #[error(
        "PostgreSQL refuses the login of the role {role:?}, which the host made: {problem}; pg_hba.conf must let the roles \
         \"datamp_...\" log in to this database with a password (scram-sha-256) the way the host itself connects"
    )]
    Login {
        /// The role.
        role: String,
        /// The server's words.
        problem: String,
    },
    /// The database's words.
    #[error("the database roles can't be set up: {0}")]
    Database(#[from] sqlx::Error),
}

/// Runs statements of the host's own making.
pub(super) async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(sql))).await.map(drop)
}

/// Takes back what every role could do otherwise: make temporary tables, and (before PostgreSQL 15) tables in `public`. Under [`lock`].
pub(super) async fn close_to_the_public(connection: &mut PgConnection, names: &Names) -> Result<(), RoleError> {
    let database = format!("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC", identifier(&names.database));
    let rights = [
        ("make temporary tables", "has_database_privilege('public', current_database(), 'TEMPORARY')", database),
        (
            "make tables in the schema public",
            "EXISTS (SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = 'public' AND has_schema_privilege('public', n.oid, 'CREATE'))",
            "REVOKE CREATE ON SCHEMA public FROM PUBLIC".to_owned(),
        ),
    ];
    for (right, question, statement) in rights {
        let question = format!("SELECT {question}");
        if !ask(connection, &question).await? {
            continue;
        }
        // Whoever does not own it gets a warning or an error, and changes nothing.
        let revoked = run(connection, statement.clone()).await;
        if revoked.is_err() || ask(connection, &question).await? {
            return Err(RoleError::Public { user: names.user.clone(), right, statement });
        }
    }
    // A set's owner adds rows to this table, and only those of its own set: see the policies of the sets.
    let secured = "SELECT relrowsecurity FROM pg_catalog.pg_class WHERE oid = 'datamp.host_migration'::regclass";
    if !ask(connection, secured).await? {
        run(connection, "ALTER TABLE datamp.host_migration ENABLE ROW LEVEL SECURITY".to_owned()).await?;
    }
    Ok(())
}

async fn ask(connection: &mut PgConnection, question: &str) -> Result<bool, sqlx::Error> {
    sqlx::query(AssertSqlSafe(question)).fetch_one(connection).await?.try_get(0)
}

/// Makes others that change roles or grants wait until this transaction ends: PostgreSQL itself fails where two change one at
/// the same time.
pub(super) async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    run(
        connection,
        "SET LOCAL lock_timeout = '60s'; LOCK TABLE datamp.host_role IN SHARE ROW EXCLUSIVE MODE".to_owned(),
    )
    .await
}

/// Makes a login role where it is missing, and answers its password, the same for every host on this database. Under [`lock`].
pub(super) async fn ensure(connection: &mut PgConnection, names: &Names, role: &str) -> Result<String, RoleError> {
    let kept = sqlx::query("SELECT password FROM datamp.host_role WHERE name = $1")
        .bind(role)
        .fetch_optional(&mut *connection);
    let kept: Option<String> = kept.await?.map(|row| row.try_get(0)).transpose()?;
    let password = kept.clone().unwrap_or_else(|| hex::encode(rand::random::<[u8; 24]>()));
    if kept.is_none() {
        sqlx::query("INSERT INTO datamp.host_role (name, password, made_at) VALUES ($1, $2, $3)")
            .bind(role)
            .bind(&password)
            .bind(Store::now_micros())
            .execute(&mut *connection)
            .await?;
    }
    let found = sqlx::query(
        "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls, \
                EXISTS (SELECT 1 FROM pg_catalog.pg_auth_members m WHERE m.member = r.oid) \
         FROM pg_catalog.pg_roles r WHERE rolname = $1",
    )
    .bind(role)
    .fetch_optional(&mut *connection)
    .await?;
    match found {
        // All else that a role can have, it has not by default.
        None => run(connection, format!("CREATE ROLE {} LOGIN {}", identifier(role), secret(&password))).await?,
        Some(row) if row.try_get(0)? => {
            return Err(RoleError::Unsafe {
                role: role.to_owned(),
                problem: "has attributes that no component may have",
            });
        }
        Some(row) if row.try_get(1)? => {
            return Err(RoleError::Unsafe { role: role.to_owned(), problem: "is a member of another role" });
        }
        // Left by a database of the same name that is gone.
        Some(_) if kept.is_none() => set_password(connection, role, &password).await?,
        Some(_) => {}
    }
    let may_connect = sqlx::query("SELECT has_database_privilege($1, current_database(), 'CONNECT')").bind(role);
    if !may_connect.fetch_one(&mut *connection).await?.try_get::<bool, _>(0)? {
        let grant = format!("GRANT CONNECT ON DATABASE {} TO {}", identifier(&names.database), identifier(role));
        run(connection, grant).await?;
    }
    Ok(password)
}

/// The clause of a password that keeps the password itself to the host.
fn secret(password: &str) -> String {
    format!("PASSWORD {}", literal(&scram::verifier(password, rand::random())))
}

async fn set_password(connection: &mut PgConnection, role: &str, password: &str) -> Result<(), sqlx::Error> {
    run(connection, format!("ALTER ROLE {} LOGIN {}", identifier(role), secret(password))).await
}

/// Logs in once, to know now. A password that the server does not know (its roles may come from elsewhere, as after a restore) is
/// set again.
pub(super) async fn try_login(
    connection: &mut PgConnection,
    options: &PgConnectOptions,
    role: &str,
    password: &str,
) -> Result<(), RoleError> {
    let wrong_password =
        |error: &sqlx::Error| error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code == "28P01");
    let mut attempt = options.connect().await;
    if attempt.as_ref().is_err_and(wrong_password) {
        set_password(connection, role, password).await?;
        attempt = options.connect().await;
    }
    match attempt {
        Ok(own) => Ok(own.close().await?),
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|code| code.starts_with("28")) => {
            Err(RoleError::Login { role: role.to_owned(), problem: error.message().to_owned() })
        }
        Err(error) => Err(error.into()),
    }
}
