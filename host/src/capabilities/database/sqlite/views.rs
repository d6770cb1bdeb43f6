//! What a set's views and triggers reach, looked at before the migration that makes them lasts.
//!
//! SQLite resolves neither when it makes them, so it asks for no right then. Views are tried here. Triggers have the
//! rights of who sets them off, and only their names are looked at.

use std::{collections::HashSet, sync::Arc};

use sqlx::{Row as _, SqliteConnection};

use super::{
    migrations::{Bounds, Watch},
    rights::mentions,
};

/// A view or a trigger.
struct Made {
    name: String,
    is_view: bool,
    /// Whether it is the set's: a trigger is whose its table is.
    own: bool,
    sql: String,
}

/// What is wrong with what a set now has, if anything. `foreign` is what is not the set's, in lower case.
pub(super) async fn problem(
    connection: &mut SqliteConnection,
    foreign: &Arc<HashSet<String>>,
    watch: &Watch,
) -> Result<Option<String>, sqlx::Error> {
    let all = all(connection, foreign).await?;
    // All of them: what one reads may have been made or dropped since it was tried. One that reads what is not there is
    // refused too, as on PostgreSQL: another set might make that later.
    for view in &all {
        if !view.own || !view.is_view {
            continue;
        }
        // It is prepared, which asks for all rights, and not run.
        let sql = format!("EXPLAIN SELECT * FROM main.\"{}\"", view.name.replace('"', "\"\""));
        let bounds = Bounds { foreign: Arc::clone(foreign), view: true };
        if let Err(problem) = watch.run(connection, sql, bounds).await {
            return Ok(Some(format!("the view {:?} can't be read: {problem}", view.name)));
        }
    }
    Ok(namesakes(&all))
}

async fn all(connection: &mut SqliteConnection, foreign: &HashSet<String>) -> Result<Vec<Made>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT name, type = 'view', lower(tbl_name), sql FROM sqlite_master WHERE type IN ('view', 'trigger')",
    )
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            let table: String = row.try_get(2)?;
            let own = !foreign.contains(&table);
            Ok(Made { name: row.try_get(0)?, is_view: row.try_get(1)?, own, sql: row.try_get(3)? })
        })
        .collect()
}

/// Names a view, and what of another set could pass for it: SQLite tells a component's guard that `word_list` reads a
/// table, be that a view, a trigger, or a WITH in one of the two. Within one set that does no harm.
fn namesakes(all: &[Made]) -> Option<String> {
    for view in all.iter().filter(|made| made.is_view) {
        let name = view.name.to_ascii_lowercase();
        let passes = |other: &&Made| {
            (!other.is_view && other.name.eq_ignore_ascii_case(&name))
                || (mentions(&other.sql, "with") && mentions(&other.sql, &name))
        };
        if let Some(other) = all.iter().filter(|other| other.own != view.own).find(passes) {
            let kind = if other.is_view { "view" } else { "trigger" };
            return Some(format!(
                "the {kind} {:?} is called as the view {:?} of another set is, or has that name and a WITH in it",
                other.name, view.name
            ));
        }
    }
    None
}
