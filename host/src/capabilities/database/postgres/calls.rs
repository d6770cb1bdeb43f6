//! The functions by which a component's transaction defers work: see [`HostCall`](crate::capabilities::database::HostCall).
//!
//! Those of the schema `datamp_calls` run with the host's rights (SECURITY DEFINER), and hold whoever calls to what
//! `host_topic` says: a component that calls one by its own SQL can do nothing that it could not do through the contract.
//! `session_user` is the login, which no SQL of a component's changes.

use sqlx::PgConnection;

use super::{names::identifier, roles::run};

/// The schema that components may call into.
pub(super) const SCHEMA: &str = "datamp_calls";

const FUNCTIONS: &str = include_str!("calls.sql");

/// Makes the functions, or brings them up to date. Under [`lock`](super::roles::lock): two that replace one function at the same time
/// fail.
pub(super) async fn define(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    run(connection, FUNCTIONS.to_owned()).await
}

/// Lets a component's role call them, as that component. Under [`lock`](super::roles::lock).
pub(super) async fn allow(connection: &mut PgConnection, role: &str, component: &str) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO datamp.host_caller (role, component) VALUES ($1, $2) \
         ON CONFLICT (role) DO UPDATE SET component = excluded.component WHERE host_caller.component <> excluded.component",
    )
    .bind(role)
    .bind(component)
    .execute(&mut *connection)
    .await?;
    let role = identifier(role);
    run(
        connection,
        format!(
            "GRANT USAGE ON SCHEMA {SCHEMA} TO {role}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {SCHEMA} TO {role}"
        ),
    )
    .await
}
