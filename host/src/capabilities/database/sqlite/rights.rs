//! What a component's statements may touch on SQLite: everything is denied that is not allowed here.

use std::{collections::HashMap, collections::HashSet, sync::Arc};

use arc_swap::ArcSwap;
use libsqlite3_sys as ffi;

use super::authorizer::{Action, Policy};
use crate::manifest::{DatabaseNeeds, TableRight};

/// Functions that reach beyond the database. All others only compute.
const OUTREACHING_FUNCTIONS: &[&str] = &["edit", "fts3_tokenizer", "load_extension", "readfile", "sqlite_log", "writefile"];

/// Table functions that only compute.
const TABLE_FUNCTIONS: &[&str] = &["json_each", "json_tree", "jsonb_each", "jsonb_tree"];

/// The names of everything that can be read from: tables, views, virtual tables. In lower case; refreshed when migrations ran.
pub(super) type KnownNames = Arc<ArcSwap<HashSet<String>>>;

/// The rights of one generation of a component.
pub(super) struct ComponentRights {
    /// By the table's or view's name, in lower case.
    tables: HashMap<String, Vec<TableRight>>,
    /// The views among them.
    views: HashSet<String>,
    known: KnownNames,
}

impl ComponentRights {
    /// What a manifest names. `views` are the names of all views, in lower case.
    pub(super) fn new(needs: &DatabaseNeeds, views: &HashSet<String>, known: KnownNames) -> Self {
        let tables: HashMap<_, _> =
            needs.tables.iter().map(|(name, rights)| (name.clone(), rights.iter().copied().collect())).collect();
        let views = views.iter().filter(|view| tables.contains_key(*view)).cloned().collect();
        Self { tables, views, known }
    }

    fn has(&self, table: &str, right: TableRight) -> bool {
        self.tables.get(table).is_some_and(|rights| rights.contains(&right))
    }

    fn require(&self, action: &Action<'_>, right: TableRight) -> Result<(), String> {
        let table = lower(action.first);
        if action.database.is_none_or(|d| d == "main") && self.has(&table, right) {
            Ok(())
        } else {
            Err(format!("{right} on {table}"))
        }
    }

    fn read(&self, action: &Action<'_>) -> Result<(), String> {
        let table = lower(action.first);
        let within = lower(action.within);
        // What a view that was granted reads is the view's own business, as in PostgreSQL. Triggers have no such right.
        let through_view = self.views.contains(&within) && self.has(&within, TableRight::Select);
        let computes = TABLE_FUNCTIONS.contains(&table.as_str());
        if through_view && action.database == Some("main") || computes {
            return Ok(());
        }
        // Where no column of a table is used (`SELECT count(*) FROM t`), SQLite asks with an empty column's name; and it asks so for
        // the name of a WITH too, which is no table at all.
        let named_by_with = action.second == Some("")
            && action.database.is_none()
            && !table.starts_with("sqlite_")
            && !table.starts_with("pragma_")
            && !self.known.load().contains(&table);
        if named_by_with { Ok(()) } else { self.require(action, TableRight::Select) }
    }
}

impl Policy for ComponentRights {
    fn judge(&self, action: &Action<'_>) -> Result<(), String> {
        match action.code {
            ffi::SQLITE_READ => self.read(action),
            ffi::SQLITE_INSERT => self.require(action, TableRight::Insert),
            ffi::SQLITE_UPDATE => self.require(action, TableRight::Update),
            ffi::SQLITE_DELETE => self.require(action, TableRight::Delete),
            // What is read is asked for by itself. Transactions are the host's: a component's own BEGIN is turned away before.
            ffi::SQLITE_SELECT | ffi::SQLITE_RECURSIVE | ffi::SQLITE_TRANSACTION => Ok(()),
            ffi::SQLITE_FUNCTION => {
                let function = lower(action.second);
                if computes(&function) { Ok(()) } else { Err(format!("the function {function}")) }
            }
            ffi::SQLITE_PRAGMA => Err(format!("PRAGMA {}", lower(action.first))),
            ffi::SQLITE_ATTACH | ffi::SQLITE_DETACH => Err("other database files".to_owned()),
            _ => Err("a change of the schema".to_owned()),
        }
    }
}

/// Whether a function, named in lower case, only computes.
pub(super) fn computes(function: &str) -> bool {
    !OUTREACHING_FUNCTIONS.contains(&function)
}

/// SQLite's names know no case, for ASCII.
pub(super) fn lower(name: Option<&str>) -> String {
    name.unwrap_or("").to_ascii_lowercase()
}
