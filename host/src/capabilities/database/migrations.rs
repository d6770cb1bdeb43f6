//! Migrations that travel in components: sets of them, their parsing, and the rules of their application.
//!
//! A set is applied in order, each migration once, in a transaction of its own. The tables that it makes belong to it; its SQL
//! can't touch those of another set nor the host's, as it runs with the set's own rights.

use std::collections::BTreeMap;

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::sql::Dialect;
use crate::manifest::ComponentName;

/// The most migrations of one set.
const MOST: usize = 10_000;

/// A set of migrations, as a component carries it in its section [`MIGRATIONS_SECTION`](crate::manifest::MIGRATIONS_SECTION).
#[derive(Clone, Debug)]
pub struct MigrationSet {
    /// The set's name.
    pub name: ComponentName,
    migrations: Vec<Migration>,
}

/// One migration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Migration {
    /// Its number, counted from 1 without gaps.
    pub number: u32,
    /// What it is about.
    pub name: String,
    sqlite: String,
    postgresql: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Section {
    set: ComponentName,
    migrations: Vec<Migration>,
}

/// Why a section holds no set of migrations.
#[derive(Debug, thiserror::Error)]
pub enum MigrationSetError {
    /// It is not the JSON that it should be.
    #[error("the migrations can't be read: {0}")]
    Invalid(serde_json::Error),
    /// The set's name is the host's or the database's own.
    #[error("a migration set can't be called {0:?}")]
    Reserved(String),
    /// The numbers are not 1, 2, 3 ...
    #[error(
        "migration {found} of the set {set:?} stands where {expected} should: they are numbered from 1, in order, without gaps"
    )]
    Gap {
        /// The set.
        set: String,
        /// The number that should be there.
        expected: u32,
        /// The number that is.
        found: u32,
    },
    /// There are too many.
    #[error("the set {0:?} has more than 10000 migrations")]
    TooMany(String),
}

impl MigrationSet {
    /// Parses a component's section.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(section: &[u8]) -> Result<Self, MigrationSetError> {
        let Section { set, migrations } = serde_json::from_slice(section).map_err(MigrationSetError::Invalid)?;
        if ["datamp", "public", "host"].contains(&set.as_str()) {
            return Err(MigrationSetError::Reserved(set.as_str().to_owned()));
        }
        if migrations.len() > MOST {
            return Err(MigrationSetError::TooMany(set.as_str().to_owned()));
        }
        for (expected, migration) in (1..).zip(&migrations) {
            if migration.number != expected {
                return Err(MigrationSetError::Gap { set: set.as_str().to_owned(), expected, found: migration.number });
            }
        }
        Ok(Self { name: set, migrations })
    }

    /// The migrations, by number.
    #[must_use]
    pub fn migrations(&self) -> &[Migration] {
        &self.migrations
    }

    /// Those that are missing where `applied` are there, by number and checksum.
    pub(super) fn missing<'a>(
        &'a self,
        dialect: Dialect,
        applied: &BTreeMap<i64, String>,
    ) -> Result<Vec<&'a Migration>, MigrationError> {
        let mut missing = Vec::new();
        for migration in &self.migrations {
            match applied.get(&i64::from(migration.number)) {
                None => missing.push(migration),
                Some(checksum) if *checksum == migration.checksum(dialect) => {}
                Some(_) => return Err(self.differs(migration)),
            }
        }
        // A database that is further on, by a newer version of the set, serves an older one: migrations only expand.
        Ok(missing)
    }

    pub(super) fn differs(&self, migration: &Migration) -> MigrationError {
        MigrationError::Differs {
            set: self.name.as_str().to_owned(),
            number: migration.number,
            name: migration.name.clone(),
        }
    }

    pub(super) fn failed(&self, migration: &Migration, problem: impl ToString) -> MigrationError {
        MigrationError::Failed {
            set: self.name.as_str().to_owned(),
            number: migration.number,
            name: migration.name.clone(),
            problem: problem.to_string(),
        }
    }
}

impl Migration {
    /// Its SQL for a database.
    #[must_use]
    pub fn sql(&self, dialect: Dialect) -> &str {
        match dialect {
            Dialect::Sqlite => &self.sqlite,
            Dialect::Postgresql => &self.postgresql,
        }
    }

    /// SHA-256 of its SQL, in hex.
    pub(super) fn checksum(&self, dialect: Dialect) -> String {
        hex::encode(Sha256::digest(self.sql(dialect).as_bytes()))
    }
}

/// Why migrations are refused, or failed.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Another migration of the same number was applied.
    #[error("migration {number} ({name}) of the set {set:?} differs from the one that was applied to this database")]
    Differs {
        /// The set.
        set: String,
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
    },
    /// Its SQL failed or was denied; nothing of it took effect, and those before it stay.
    #[error("migration {number} ({name}) of the set {set:?} failed: {problem}")]
    Failed {
        /// The set.
        set: String,
        /// Its number.
        number: u32,
        /// Its name.
        name: String,
        /// The database's words.
        problem: String,
    },
    /// Another host applies this set's migrations and did not end in time.
    #[error("another host is applying migrations of the set {0:?}: try again when it is done")]
    Locked(String),
    /// The set's own login can't be made or used.
    #[error(transparent)]
    Role(#[from] super::RoleError),
    /// The database's words.
    #[error("migrations can't be applied: {0}")]
    Database(#[from] sqlx::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<MigrationSet, MigrationSetError> {
        MigrationSet::parse(text.as_bytes())
    }

    fn migration(number: u32) -> String {
        format!(r#"{{"number":{number},"name":"n","sqlite":"s{number}","postgresql":"p{number}"}}"#)
    }

    #[test]
    fn numbers_begin_at_1_and_have_no_gaps() {
        let with = |numbers: &[u32]| {
            let list: Vec<_> = numbers.iter().map(|n| migration(*n)).collect();
            parse(&format!(r#"{{"set":"models","migrations":[{}]}}"#, list.join(",")))
        };
        assert_eq!(with(&[1, 2, 3]).unwrap().migrations().len(), 3);
        assert!(with(&[]).is_ok());
        for numbers in [&[2][..], &[1, 3], &[1, 1], &[2, 1], &[0, 1]] {
            assert!(matches!(with(numbers), Err(MigrationSetError::Gap { .. })), "{numbers:?}");
        }
    }

    #[test]
    fn a_section_that_is_none_is_refused() {
        for text in ["", "[]", "{}", r#"{"set":"Models","migrations":[]}"#, r#"{"set":"m","migrations":[],"more":1}"#] {
            assert!(matches!(parse(text), Err(MigrationSetError::Invalid(_))), "{text}");
        }
        for name in ["datamp", "public", "host"] {
            let section = format!(r#"{{"set":"{name}","migrations":[]}}"#);
            assert!(matches!(parse(&section), Err(MigrationSetError::Reserved(_))));
        }
        assert!(MigrationSet::parse(&[0xff, 0xfe]).is_err());
    }

    #[test]
    fn what_is_missing_is_what_was_not_applied_and_a_changed_one_is_refused() {
        let set = parse(&format!(r#"{{"set":"m","migrations":[{},{}]}}"#, migration(1), migration(2))).unwrap();
        let sum = |index: usize| set.migrations()[index].checksum(Dialect::Sqlite);
        let missing = |applied: &[(i64, String)]| {
            set.missing(Dialect::Sqlite, &applied.iter().cloned().collect())
                .map(|missing| missing.iter().map(|m| m.number).collect::<Vec<_>>())
        };
        assert_eq!(missing(&[]).unwrap(), [1, 2]);
        assert_eq!(missing(&[(1, sum(0))]).unwrap(), [2]);
        assert!(missing(&[(1, sum(0)), (2, sum(1)), (3, "newer".to_owned())]).unwrap().is_empty());
        assert!(matches!(missing(&[(1, sum(1))]), Err(MigrationError::Differs { number: 1, .. })));
        // SQL of the other database may change: it was not applied here.
        assert_ne!(sum(0), set.migrations()[0].checksum(Dialect::Postgresql));
    }
}
