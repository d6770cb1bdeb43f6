//! PostgreSQL: a login role for each component, and a schema with an owner for each migration set.
//!
//! - `datamp` is the schema of the host's own tables: no other role may use it, but for a set's owner to note down its migrations.
//! - Each migration set has a schema of its name, owned by a role of its own, and everything that its migrations make is in there.
//!   A function that an extension's migration makes can so never be called by another component by accident: its schema is
//!   not on that one's search path.
//! - Each component logs in with a role of its own, which owns nothing, is a member of nothing, and has GRANTs for the tables of its
//!   manifest. Its search path is the schemas of these tables. A `SET ROLE` to a component's role from a stronger one could be
//!   undone by the component's own SQL; a login can't.
//!
//! A statement that is cut short at its deadline leaves a closed connection; the server notices within
//! [`CLIENT_CHECK`] and ends what it ran for it.

mod calls;
mod component;
mod connection;
mod errors;
mod grants;
mod migrations;
mod names;
mod roles;
mod scram;
mod value;

use std::str::FromStr as _;

use sqlx::{
    ConnectOptions as _, Connection as _, PgConnection, Row as _,
    postgres::{PgConnectOptions, PgListener, PgPoolOptions},
};

pub(super) use self::component::{PostgresComponent, PostgresTransaction};
pub use self::roles::RoleError;
use self::{connection::PostgresConnector, names::Names};
use super::{
    OpenError,
    host_call::{HostCall, of_component},
    pool::Pool,
    sql::{Error, RowSet, Value},
    statement::Shape,
};
use crate::{manifest::DatabaseNeeds, store::POSTGRES_SCHEMA};

/// The oldest version that knows `client_connection_check_interval`.
const OLDEST_VERSION: u32 = 140_000;

/// How often the server looks whether the client of a running statement is still there.
const CLIENT_CHECK: &str = "100ms";

/// No call lasts longer (the manifest allows 300 s at most): a net under the host's own deadlines.
const LONGEST_STATEMENT: &str = "310s";

/// Connections for what the host writes on behalf of components outside of their transactions.
const OWN_CONNECTIONS: usize = 4;

/// The database as the host uses it for components.
pub(super) struct PostgresDatabase {
    /// The host's own login.
    options: PgConnectOptions,
    names: Names,
    /// The host's own connections for what it writes on behalf of components.
    own: PostgresComponent,
}

impl PostgresDatabase {
    /// A database whose host tables are up to date.
    pub(super) async fn new(url: &str) -> Result<Self, super::ConnectError> {
        let options = PgConnectOptions::from_str(url)?.application_name("datamp").disable_statement_logging();
        let mut connection = options.connect().await?;
        let version = connection.server_version_num().unwrap_or(0);
        if version < OLDEST_VERSION {
            return Err(RoleError::TooOld(version / 10_000).into());
        }
        let row = sqlx::query(
            "SELECT current_user::text, current_database()::text, rolsuper, rolcreaterole \
             FROM pg_catalog.pg_roles WHERE rolname = current_user",
        )
        .fetch_one(&mut connection)
        .await?;
        let (user, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let (superuser, creates_roles): (bool, bool) = (row.try_get(2)?, row.try_get(3)?);
        if !superuser && !creates_roles {
            return Err(RoleError::MayNotCreateRoles(user).into());
        }
        let names = Names { user, superuser, database: name };
        // Hosts may start at the same time, and take back the same rights.
        let mut transaction = connection.begin().await?;
        roles::lock(&mut transaction).await?;
        roles::close_to_the_public(&mut transaction, &names).await?;
        calls::define(&mut transaction).await?;
        transaction.commit().await?;
        connection.close().await?;
        let own =
            PostgresComponent { pool: Pool::new(PostgresConnector { options: options.clone() }, OWN_CONNECTIONS) };
        Ok(Self { options, names, own })
    }

    /// A connection of the host's own, to its own tables.
    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        self.options.clone().options([("search_path", POSTGRES_SCHEMA)]).connect().await
    }

    /// How a role of the host's making logs in.
    fn login(&self, role: &str, password: &str, purpose: &str, schemas: &[String]) -> PgConnectOptions {
        // Without blanks: the server splits its options at them.
        let path = schemas.iter().map(|schema| names::identifier(schema)).collect::<Vec<_>>().join(",");
        self.options
            .clone()
            .username(role)
            .password(password)
            .application_name(&format!("datamp {purpose}"))
            .options([("search_path", path.as_str()), ("client_connection_check_interval", CLIENT_CHECK)])
    }

    /// A component's own connections.
    pub(super) async fn open(&self, component: &str, needs: &DatabaseNeeds) -> Result<PostgresComponent, OpenError> {
        let role = self.names.component(component);
        let mut connection = self.connect().await?;
        let tables = grants::find(&mut connection, needs).await?;
        let schemas = grants::schemas(&tables);
        let password = {
            let mut transaction = connection.begin().await?;
            roles::lock(&mut transaction).await?;
            let password = roles::ensure(&mut transaction, &self.names, &role).await?;
            grants::expand(&mut transaction, &role, &tables).await?;
            calls::allow(&mut transaction, &role, component).await?;
            transaction.commit().await?;
            password
        };
        let options = self
            .login(&role, &password, component, &schemas)
            .options([
                ("statement_timeout", LONGEST_STATEMENT),
                ("idle_in_transaction_session_timeout", LONGEST_STATEMENT),
            ])
            .statement_cache_capacity(256);
        roles::try_login(&mut connection, &options, &role, &password).await?;
        connection.close().await?;
        let size = usize::try_from(needs.connections).unwrap_or(1).max(1);
        let pool = Pool::new(PostgresConnector { options }, size);
        // The first request finds a connection.
        drop(pool.lease().await.map_err(|error| OpenError::Refused(error.to_string()))?);
        Ok(PostgresComponent { pool })
    }

    /// A connection that hears of notifications.
    pub(super) async fn listener(&self) -> Result<PgListener, sqlx::Error> {
        let pool = PgPoolOptions::new().max_connections(1).max_lifetime(None).idle_timeout(None);
        let mut listener = PgListener::connect_with(&pool.connect_lazy_with(self.options.clone())).await?;
        listener.ignore_pool_close_event(true);
        Ok(listener)
    }

    /// Writes on behalf of a component, outside of its transactions.
    pub(super) async fn call(&self, call: HostCall, component: &str, parameters: Vec<Value>) -> Result<u64, Error> {
        let shape = Shape { changes_rows: true, may_write: true };
        let answer = self.own.query(shape, call.as_host().into(), of_component(component, parameters)).await?;
        Ok(number(&answer))
    }

    /// Takes back what the manifest does not name.
    pub(super) async fn settle(&self, component: &str, needs: &DatabaseNeeds) -> Result<(), OpenError> {
        let role = self.names.component(component);
        let mut connection = self.connect().await?;
        let tables = grants::find(&mut connection, needs).await?;
        let mut transaction = connection.begin().await?;
        roles::lock(&mut transaction).await?;
        grants::narrow(&mut transaction, &role, &tables).await?;
        transaction.commit().await?;
        connection.close().await?;
        Ok(())
    }
}

/// The one number of an answer.
pub(super) fn number(answer: &RowSet) -> u64 {
    match answer.rows.first().and_then(|row| row.first()) {
        Some(Value::Integer(number)) => u64::try_from(*number).unwrap_or(0),
        _ => 0,
    }
}
