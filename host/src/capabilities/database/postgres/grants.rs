//! What a component's role may do with which table.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::{PgConnection, Row as _};

use super::{calls, names::identifier, roles::run};
use crate::{
    capabilities::database::OpenError,
    manifest::{DatabaseNeeds, TableRight},
};

/// A table of a migration set, and the rights on it.
pub(super) struct Grant {
    schema: String,
    table: String,
    rights: BTreeSet<TableRight>,
}

impl Grant {
    fn name(&self) -> String {
        format!("{}.{}", identifier(&self.schema), identifier(&self.table))
    }
}

/// Finds the tables that a manifest names.
pub(super) async fn find(connection: &mut PgConnection, needs: &DatabaseNeeds) -> Result<Vec<Grant>, OpenError> {
    let names: Vec<&str> = needs.tables.keys().map(String::as_str).collect();
    // Tables, partitioned ones, views, materialised views, foreign tables.
    let rows = sqlx::query(
        "SELECT c.relname::text, n.nspname::text FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace JOIN datamp.host_migration_set s ON s.name = n.nspname \
         WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relname = ANY ($1)",
    )
    .bind(&names)
    .fetch_all(connection)
    .await?;
    let mut schemas = BTreeMap::new();
    for row in rows {
        schemas.insert(row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?);
    }
    let find = |(table, rights): (&String, &BTreeSet<TableRight>)| match schemas.remove(table) {
        Some(schema) => Ok(Grant { schema, table: table.clone(), rights: rights.clone() }),
        None => Err(OpenError::MissingTable(table.clone())),
    };
    needs.tables.iter().map(find).collect()
}

/// The schemas of tables, each once.
pub(super) fn schemas(tables: &[Grant]) -> Vec<String> {
    let schemas: BTreeSet<_> = tables.iter().map(|grant| grant.schema.clone()).collect();
    schemas.into_iter().collect()
}

/// Grants what is named, and takes nothing back. Under [`lock`](super::roles::lock).
pub(super) async fn expand(connection: &mut PgConnection, role: &str, tables: &[Grant]) -> Result<(), sqlx::Error> {
    let role = identifier(role);
    let mut statements = String::new();
    for schema in schemas(tables) {
        statements += &format!("GRANT USAGE ON SCHEMA {} TO {role};", identifier(&schema));
    }
    for grant in tables.iter().filter(|grant| !grant.rights.is_empty()) {
        let rights: Vec<_> = grant.rights.iter().map(ToString::to_string).collect();
        statements += &format!("GRANT {} ON TABLE {} TO {role};", rights.join(", "), grant.name());
        if grant.rights.contains(&TableRight::Insert) {
            // What a SERIAL column's default counts with.
            for sequence in sequences(connection, grant).await? {
                statements += &format!(
                    "GRANT USAGE ON SEQUENCE {}.{} TO {role};",
                    identifier(&grant.schema),
                    identifier(&sequence)
                );
            }
        }
    }
    run(connection, statements).await
}

/// The sequences that belong to a table's columns.
async fn sequences(connection: &mut PgConnection, grant: &Grant) -> Result<Vec<String>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT s.relname::text FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_class s ON s.oid = d.objid AND s.relkind = 'S' \
         WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = $1::regclass AND d.deptype = 'a'",
    )
    .bind(grant.name())
    .fetch_all(connection)
    .await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}

/// Takes back all that is not named. Under [`lock`](super::roles::lock).
pub(super) async fn narrow(connection: &mut PgConnection, role: &str, tables: &[Grant]) -> Result<(), sqlx::Error> {
    let granted = sqlx::query(
        "SELECT n.nspname::text, c.relname::text, c.relkind = 'S', lower(a.privilege_type) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, LATERAL pg_catalog.aclexplode(c.relacl) a \
         WHERE a.grantee = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1)",
    )
    .bind(role)
    .fetch_all(&mut *connection)
    .await?;
    let mut statements = String::new();
    for row in granted {
        let (schema, table, sequence, right): (String, String, bool, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?);
        // A sequence goes with its schema; by itself it only counts.
        let named = sequence
            || tables.iter().any(|grant| {
                grant.schema == schema
                    && grant.table == table
                    && grant.rights.iter().any(|named| named.to_string() == right)
            });
        if !named {
            let table = format!("{}.{}", identifier(&schema), identifier(&table));
            statements += &format!("REVOKE {right} ON TABLE {table} FROM {};", identifier(role));
        }
    }
    let usable = sqlx::query(
        "SELECT n.nspname::text FROM pg_catalog.pg_namespace n, LATERAL pg_catalog.aclexplode(n.nspacl) a \
         WHERE a.grantee = (SELECT oid FROM pg_catalog.pg_roles WHERE rolname = $1)",
    )
    .bind(role)
    .fetch_all(&mut *connection)
    .await?;
    let used = schemas(tables);
    for row in usable {
        let schema: String = row.try_get(0)?;
        if !used.contains(&schema) && schema != calls::SCHEMA {
            statements += &format!("REVOKE ALL ON SCHEMA {} FROM {};", identifier(&schema), identifier(role));
        }
    }
    if statements.is_empty() { Ok(()) } else { run(connection, statements).await }
}
