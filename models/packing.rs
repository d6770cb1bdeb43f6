//! What the files of a folder of migrations must be, and the document they become. Used by `build.rs`, tested in `tests/packing.rs`.

use std::collections::BTreeMap;

/// One migration while its files are gathered.
#[derive(Default)]
struct Migration {
    name: String,
    shared: Option<String>,
    sqlite: Option<String>,
    postgresql: Option<String>,
}

/// Packs files (name and text) into `{"set", "migrations": [{"number", "name", "sqlite", "postgresql"}]}`, in order of number.
///
/// A file is `NNNN_name.sql`, for both dialects, or one of the pair `NNNN_name.sqlite.sql` and `NNNN_name.postgresql.sql`.
/// Numbers begin at 1 and leave no gap. Anything else is an error that names the file.
pub(crate) fn pack(set: &str, files: Vec<(String, String)>) -> Result<String, String> {
    let mut migrations = BTreeMap::<u32, Migration>::new();
    for (file, text) in files {
        let (number, name, dialect) = parse(&file)?;
        let migration =
            migrations.entry(number).or_insert_with(|| Migration { name: name.to_owned(), ..Default::default() });
        if migration.name != name {
            return Err(format!("{file}: number {number:04} is taken by `{}`", migration.name));
        }
        let place = match dialect {
            None => &mut migration.shared,
            Some(Dialect::Sqlite) => &mut migration.sqlite,
            Some(Dialect::Postgresql) => &mut migration.postgresql,
        };
        if place.replace(text).is_some() {
            return Err(format!("{file}: there are two of it"));
        }
    }

    let mut packed = Vec::new();
    for (expected, (number, migration)) in (1..).zip(migrations) {
        let name = migration.name;
        if number != expected {
            return Err(format!("{number:04}_{name}: number {expected:04} is missing before it"));
        }
        let (sqlite, postgresql) = match (migration.shared, migration.sqlite, migration.postgresql) {
            (Some(shared), None, None) => (shared.clone(), shared),
            (None, Some(sqlite), Some(postgresql)) => (sqlite, postgresql),
            (None, Some(_), None) => {
                return Err(format!("{number:04}_{name}: the .postgresql.sql of the pair is missing"));
            }
            (None, None, _) => {
                return Err(format!("{number:04}_{name}: the .sqlite.sql of the pair is missing"));
            }
            (Some(_), _, _) => {
                return Err(format!("{number:04}_{name}: is either one shared file or a pair, not both"));
            }
        };
        packed.push(serde_json::json!({ "number": number, "name": name, "sqlite": sqlite, "postgresql": postgresql }));
    }
    Ok(serde_json::json!({ "set": set, "migrations": packed }).to_string())
}

enum Dialect {
    Sqlite,
    Postgresql,
}

/// `0001_core.sqlite.sql` is number 1, `core`, for SQLite.
fn parse(file: &str) -> Result<(u32, &str, Option<Dialect>), String> {
    let refused = || format!("{file}: not NNNN_name.sql, NNNN_name.sqlite.sql or NNNN_name.postgresql.sql");
    let stem = file.strip_suffix(".sql").ok_or_else(refused)?;
    let (stem, dialect) = match stem.split_once('.') {
        None => (stem, None),
        Some((stem, "sqlite")) => (stem, Some(Dialect::Sqlite)),
        Some((stem, "postgresql")) => (stem, Some(Dialect::Postgresql)),
        Some(_) => return Err(refused()),
    };
    let (digits, name) = stem.split_once('_').ok_or_else(refused)?;
    let of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if digits.len() != 4 || !digits.chars().all(|c| c.is_ascii_digit()) || name.is_empty() || !name.chars().all(of_name)
    {
        return Err(refused());
    }
    Ok((digits.parse().map_err(|_| refused())?, name, dialect))
}
