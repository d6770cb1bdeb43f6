//! What a component's statements may touch on SQLite: everything is denied that is not allowed here.

use std::{collections::HashMap, collections::HashSet, sync::Arc};

use arc_swap::ArcSwap;
use libsqlite3_sys as ffi;

use super::{
    authorizer::{Action, Policy},
    own::OwnStatements,
};
use crate::manifest::{DatabaseNeeds, TableRight};

/// Functions that reach beyond the database. All others only compute.
const OUTREACHING_FUNCTIONS: &[&str] =
    &["edit", "fts3_tokenizer", "load_extension", "readfile", "sqlite_log", "writefile"];

/// Table functions that only compute.
const TABLE_FUNCTIONS: &[&str] = &["json_each", "json_tree", "jsonb_each", "jsonb_tree"];

/// What is in the database. In lower case; refreshed when migrations ran.
#[derive(Default)]
pub(super) struct Schema {
    /// SQLite's own count of its changes.
    pub(super) version: i64,
    /// Everything that can be read from: tables, views, virtual tables.
    pub(super) names: HashSet<String>,
    /// The views among them.
    pub(super) views: HashSet<String>,
    /// The sets that tables and views belong to. The host's and SQLite's own belong to none.
    pub(super) owners: HashMap<String, String>,
}

/// The schema, as all connections know it.
pub(super) type SharedSchema = Arc<ArcSwap<Schema>>;

/// The rights of one generation of a component.
///
/// SQLite's callback tells a table, and the innermost view or trigger that reaches it, but not why; and it takes the name of a
/// `WITH` for that of a view. One thing tells what a component itself wrote from what the schema does for it: a statement can't
/// reach a table directly without its name somewhere in the text. So where the name is not there, it is a view's or a foreign
/// key's own business, as it is in PostgreSQL.
pub(super) struct ComponentRights {
    /// By the table's or view's name, in lower case.
    tables: HashMap<String, Vec<TableRight>>,
    schema: SharedSchema,
    /// What the host itself runs on the component's connections.
    own: Arc<OwnStatements>,
}

impl ComponentRights {
    /// What a manifest names.
    pub(super) fn new(needs: &DatabaseNeeds, schema: SharedSchema, own: Arc<OwnStatements>) -> Self {
        let tables = needs.tables.iter().map(|(name, rights)| (name.clone(), rights.iter().copied().collect()));
        Self { tables: tables.collect(), schema, own }
    }

    fn has(&self, table: &str, right: TableRight) -> bool {
        self.tables.get(table).is_some_and(|rights| rights.contains(&right))
    }

    /// Allows what was granted, and what a foreign key does: it looks for its other end, and cascades.
    fn require(&self, action: &Action<'_>, statement: &str, right: TableRight) -> Result<(), String> {
        let table = lower(action.first);
        let main = action.database.is_none_or(|database| database == "main");
        let by_foreign_key = || {
            right != TableRight::Insert
                && action.within.is_none()
                && action.second != Some("")
                && !["host_", "sqlite_", "pragma_"].iter().any(|prefix| table.starts_with(prefix))
                && !mentions(statement, &table)
        };
        if main && (self.has(&table, right) || by_foreign_key()) { Ok(()) } else { Err(format!("{right} on {table}")) }
    }

    fn read(&self, action: &Action<'_>, statement: &str) -> Result<(), String> {
        let table = lower(action.first);
        if TABLE_FUNCTIONS.contains(&table.as_str()) || self.through_view(action, &table, statement) {
            return Ok(());
        }
        // Where no column of a table is used (`SELECT count(*) FROM t`), SQLite asks with an empty column's name; and it asks so for
        // the name of a WITH too, which is no table at all.
        let named_by_with = action.second == Some("")
            && action.database.is_none()
            && !table.starts_with("sqlite_")
            && !table.starts_with("pragma_")
            && !self.schema.load().names.contains(&table);
        if named_by_with { Ok(()) } else { self.require(action, statement, TableRight::Select) }
    }

    /// Whether a table, or a view, is read by a view that was granted, or by one that such a view is made of. SQLite
    /// lets a view read whatever is in the file: here it has the rights of its set, as on PostgreSQL those of its owner.
    fn through_view(&self, action: &Action<'_>, table: &str, statement: &str) -> bool {
        if mentions(statement, table) {
            return false;
        }
        let schema = self.schema.load();
        let Some(set) = schema.owners.get(table) else { return false };
        let of_set = |view: &str| schema.views.contains(view) && schema.owners.get(view) == Some(set);
        let mut enters = false;
        for view in schema.views.iter().filter(|view| mentions(statement, view)) {
            // A WITH may bear the name of a view that was granted, and read another one.
            if !self.has(view, TableRight::Select) {
                return false;
            }
            enters |= of_set(view);
        }
        enters
            && match action.within {
                Some(within) => of_set(&within.to_ascii_lowercase()),
                // Of a view that is made part of the statement, none of its columns being used, SQLite does not tell the
                // name.
                None => action.second == Some(""),
            }
    }
}

impl Policy for ComponentRights {
    fn judge(&self, action: &Action<'_>, statement: &str) -> Result<(), String> {
        if self.own.are(statement) {
            return Ok(());
        }
        match action.code {
            ffi::SQLITE_READ => self.read(action, statement),
            ffi::SQLITE_INSERT => self.require(action, statement, TableRight::Insert),
            ffi::SQLITE_UPDATE => self.require(action, statement, TableRight::Update),
            ffi::SQLITE_DELETE => self.require(action, statement, TableRight::Delete),
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

/// Whether a name, in lower case, is anywhere in a statement, be it in quotes, a text or a comment.
pub(super) fn mentions(statement: &str, name: &str) -> bool {
    let of_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$' || !c.is_ascii();
    if name.chars().all(of_name) {
        statement.split(|c| !of_name(c)).any(|word| word.eq_ignore_ascii_case(name))
    } else {
        statement.to_ascii_lowercase().contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::mentions;

    #[test]
    fn a_name_is_found_however_it_is_written() {
        for statement in [
            "SELECT * FROM item",
            "select*from(Item)",
            "SELECT * FROM \"ITEM\"",
            "x 'item'",
            "[item]",
            "`item`.id",
            "main.item",
            "/*item*/",
        ] {
            assert!(mentions(statement, "item"), "{statement}");
        }
        for statement in ["SELECT * FROM items", "my_item", "item_name", "itemé", ""] {
            assert!(!mentions(statement, "item"), "{statement}");
        }
        assert!(mentions("SELECT * FROM \"A item\"", "a item"));
    }
}
