//! A case of `tests/components`: a folder with a component and a `case.toml` that says what becomes of it.
//!
//! ```toml
//! about = "What is being shown, in one sentence"
//! databases = ["sqlite", "postgresql"]    # on which it is run; SQLite alone where nothing is said
//!
//! [[step]]                                # steps are done in their order
//! deploy = "."                            # the component in this folder, or in another
//! grant = ["route:/x"]                    # what it is granted; everything that it asks for where nothing is said
//! refused = "not-granted"                 # the problem that it is refused with; it is accepted where nothing is said
//! says = ["route:/y"]                     # texts that the answer holds
//!
//! [[step]]
//! request = "GET /x/k"
//! times = 20                              # how often, one after the other; once where nothing is said
//! status = 500
//! problem = "component-failed"
//! logged = "unreachable"                  # a text that the log then holds
//! ```

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::component::repository;

/// A `case.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// What is being shown, in one sentence.
    pub about: String,
    /// On which databases it is run.
    #[serde(default = "sqlite")]
    pub databases: Vec<Database>,
    /// What is done, in this order.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
    /// Its folder.
    #[serde(skip)]
    pub folder: PathBuf,
}

/// Where the host keeps its data.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Database {
    /// A file of the host's.
    Sqlite,
    /// The server that the tests share, in a database of the test's own.
    Postgresql,
}

/// One thing that is done, and what is expected of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// Deploys a file.
    Deploy(Deploy),
    /// Makes the generation before the active one again.
    Rollback(Rollback),
    /// Sends requests.
    Request(Box<Request>),
}

/// Deploys a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    /// Which.
    pub deploy: Source,
    /// What it is granted. Everything that it asks for, where this is `None`.
    pub grant: Option<Vec<String>>,
    /// The problem that it is refused with.
    pub refused: Option<String>,
    /// Another problem that it may be refused with: of several files, each has its own fault.
    pub or: Option<String>,
    /// Texts that the refusal holds.
    #[serde(default)]
    pub says: Vec<String>,
}

/// A file to deploy.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Source {
    /// The component of a folder, relative to the case's.
    Folder(PathBuf),
    /// These bytes, each a character up to U+00FF.
    Bytes {
        /// The characters.
        bytes: String,
    },
    /// The beginnings of a folder's component: cut off after one piece, after two, and so on.
    Cut {
        /// The folder.
        cut: PathBuf,
        /// How many pieces of equal length it is cut at.
        pieces: usize,
    },
    /// A folder's component with one byte changed, each time another. Each may be refused or accepted.
    Flip {
        /// The folder.
        flip: PathBuf,
        /// How many bytes, spread evenly.
        times: usize,
    },
}

/// Makes the generation before the active one the active one again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// The component.
    pub rollback: String,
}

/// Sends requests.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Request {
    /// Method and path.
    pub request: String,
    /// The body that is sent.
    pub send: Option<String>,
    /// How often.
    #[serde(default = "once")]
    pub times: usize,
    /// The only databases on which this is done; on all where nothing is said.
    #[serde(default)]
    pub databases: Vec<Database>,
    /// The expected status.
    pub status: u16,
    /// What the problem's `type` ends with.
    pub problem: Option<String>,
    /// The whole body of the answer.
    pub body: Option<String>,
    /// Texts that the answer holds.
    #[serde(default)]
    pub says: Vec<String>,
    /// Texts that the answer does not hold.
    #[serde(default)]
    pub hides: Vec<String>,
    /// Whether the answer must begin otherwise than with `done`: the case reports what failed.
    #[serde(default)]
    pub refuses: bool,
    /// A text that the log of the case's component holds afterwards.
    pub logged: Option<String>,
    /// Whether it is sent again while the component's own short deadline ends it: so it may be on a machine that is busy.
    #[serde(default)]
    pub patient: bool,
}

fn sqlite() -> Vec<Database> {
    vec![Database::Sqlite]
}

const fn once() -> usize {
    1
}

impl Case {
    /// Every case there is, by the name of its folder.
    #[must_use]
    pub fn all() -> Vec<(String, Self)> {
        let folder = repository().join("tests/components");
        let mut cases: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|folder| folder.join("case.toml").is_file())
            .map(|folder| (folder.file_name().unwrap().to_str().unwrap().to_owned(), Self::read(&folder)))
            .collect();
        cases.sort_by(|a, b| a.0.cmp(&b.0));
        cases
    }

    fn read(folder: &Path) -> Self {
        let file = folder.join("case.toml");
        let text = fs::read_to_string(&file).unwrap();
        let mut case: Self = toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
        folder.clone_into(&mut case.folder);
        case
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_can_be_read() {
        assert!(Case::all().len() > 20);
    }
}
