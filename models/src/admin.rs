//! What admin keeps: the staff, and the audit of what they did.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::typed_id;

typed_id! {
    /// A member of staff.
    StaffId, "staff";
    /// A record of the audit.
    AuditId, "audit";
}

/// What a member of staff may do; which rights each has is admin's own table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Looks things up.
    Support,
    /// Runs the shops' operations.
    Manager,
    /// Runs the system and its staff.
    Admin,
}

/// Not the name of a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownRole;

impl fmt::Display for UnknownRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be support, manager or admin")
    }
}

impl std::error::Error for UnknownRole {}

impl Role {
    /// All of them, the least powerful first.
    pub const ALL: [Self; 3] = [Self::Support, Self::Manager, Self::Admin];

    /// Its name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Support => "support",
            Self::Manager => "manager",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(UnknownRole)
    }
}

/// How far an audited action got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AuditOutcome {
    /// It was about to be done, outside this database; a record that follows tells the rest.
    Started,
    /// It was done.
    Done,
    /// It was refused, and changed nothing.
    Refused,
}

impl AuditOutcome {
    /// Its name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::Refused => "refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_json_and_in_the_database() {
        for role in Role::ALL {
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{}\"", role.as_str()));
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        for outcome in [AuditOutcome::Started, AuditOutcome::Done, AuditOutcome::Refused] {
            assert_eq!(serde_json::to_string(&outcome).unwrap(), format!("\"{}\"", outcome.as_str()));
        }
        assert_eq!("Admin".parse::<Role>(), Err(UnknownRole));
    }
}
