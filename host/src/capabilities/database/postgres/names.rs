//! The names of roles, and names and texts as SQL takes them.

use sha2::{Digest as _, Sha256};

/// The longest name of PostgreSQL, in bytes; it cuts longer ones.
const LONGEST: usize = 63;

/// Who the host is, and where.
pub(super) struct Names {
    /// The role that the host logs in as.
    pub(super) user: String,
    /// Whether it is a superuser, which needs no membership to act for another role.
    pub(super) superuser: bool,
    /// The database.
    pub(super) database: String,
}

impl Names {
    /// A component's role. Roles are the whole cluster's, so the database is part of the name. A component's name has no `_` and
    /// no `.`, so that none is another's.
    pub(super) fn component(&self, component: &str) -> String {
        self.role(component, "")
    }

    /// The role that owns what a migration set makes.
    pub(super) fn owner(&self, set: &str) -> String {
        self.role(set, ".owner")
    }

    fn role(&self, name: &str, suffix: &str) -> String {
        let role = format!("datamp_{}_{name}{suffix}", self.database);
        if role.len() <= LONGEST {
            return role;
        }
        let digest = hex::encode(Sha256::digest(format!("{}\0{name}{suffix}", self.database)));
        format!("datamp_{}", digest.get(..40).unwrap_or(&digest))
    }
}

/// A name in quotes.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A text in quotes.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_of_different_things_never_share_a_name() {
        let names = |database: &str| Names { user: String::new(), superuser: false, database: database.to_owned() };
        assert_eq!(names("orders").component("core"), "datamp_orders_core");
        assert_eq!(names("orders").owner("models"), "datamp_orders_models.owner");
        assert_ne!(names("a_b").component("c"), names("a").component("b-c"));
        assert_ne!(names("a").owner("owner"), names("a_owner").component("owner"));
        let long = "x".repeat(60);
        let (one, other) = (names(&long).component("core"), names(&long).owner("core"));
        assert!(one.len() <= LONGEST && one != other && one != names(&long).component("gate"));
    }

    #[test]
    fn quotes_in_names_and_texts_are_doubled() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("a'b"), "'a''b'");
    }
}
