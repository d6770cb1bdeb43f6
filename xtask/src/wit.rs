//! The published contracts: a version that was released never changes.
//!
//! `wit/frozen.txt` holds a line for each published folder, its SHA-256 and its name, in the form of `sha256sum`.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use sha2::{Digest as _, Sha256};

/// Where the hashes are kept, in the repository.
pub const FROZEN: &str = "wit/frozen.txt";

/// The hash of every folder `wit/PACKAGE/VERSION`, by `PACKAGE/VERSION`.
///
/// It covers the name and the bytes of every file in the folder, in the order of their names.
///
/// # Errors
/// When a file can't be read, or the folder holds anything but `PACKAGE/VERSION/FILE.wit`.
pub fn hashes(repository: &Path) -> Result<BTreeMap<String, String>> {
    let mut hashes = BTreeMap::new();
    for package in sorted(&repository.join("wit"))?.into_iter().filter(|path| path.is_dir()) {
        for version in sorted(&package)? {
            let name = format!("{}/{}", file_name(&package)?, file_name(&version)?);
            let mut hash = Sha256::new();
            for file in sorted(&version)? {
                let bytes = fs::read(&file).with_context(|| format!("can't read {}", file.display()))?;
                // Lengths go in too, so that no byte can move from one file to the next unseen.
                hash.update(format!("{} {}\n", file_name(&file)?, bytes.len()));
                hash.update(bytes);
            }
            hashes.insert(name, hex::encode(hash.finalize()));
        }
    }
    Ok(hashes)
}

/// The hashes that were written down.
///
/// # Errors
/// When the file can't be read, or a line is not a hash and a name.
pub fn frozen(repository: &Path) -> Result<BTreeMap<String, String>> {
    let path = repository.join(FROZEN);
    let text = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    text.lines()
        .map(|line| {
            let (hash, name) = line.split_once("  ").with_context(|| format!("{FROZEN} has a line {line:?}"))?;
            Ok((name.to_owned(), hash.to_owned()))
        })
        .collect()
}

/// What is wrong with the contracts: one line for each folder that was changed, removed, or not written down.
///
/// # Errors
/// When something can't be read.
pub fn faults(repository: &Path) -> Result<Vec<String>> {
    let (now, then) = (hashes(repository)?, frozen(repository)?);
    let mut faults = changed(&now, &then);
    for name in now.keys().filter(|name| !then.contains_key(*name)) {
        faults.push(format!("wit/{name} is not in {FROZEN}: once it is final, run `cargo xtask wit-freeze`"));
    }
    Ok(faults)
}

/// Writes down the hashes of the folders that are new.
///
/// # Errors
/// When one that was written down has changed or gone, or something can't be read or written.
pub fn freeze(repository: &Path) -> Result<()> {
    let now = hashes(repository)?;
    let then = if repository.join(FROZEN).exists() { frozen(repository)? } else { BTreeMap::new() };
    let faults = changed(&now, &then);
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    let mut text = String::new();
    for (name, hash) in &now {
        if !then.contains_key(name) {
            println!("frozen: wit/{name}");
        }
        writeln!(text, "{hash}  {name}")?;
    }
    fs::write(repository.join(FROZEN), text).with_context(|| format!("can't write {FROZEN}"))
}

fn changed(now: &BTreeMap<String, String>, then: &BTreeMap<String, String>) -> Vec<String> {
    then.iter()
        .filter_map(|(name, hash)| match now.get(name) {
            Some(found) if found == hash => None,
            Some(_) => {
                Some(format!("wit/{name} was released and has changed: undo that, and make a new version beside it"))
            }
            None => Some(format!("wit/{name} was released and is gone")),
        })
        .collect()
}

fn sorted(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("can't read {}", folder.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> Result<&str> {
    path.file_name().and_then(|name| name.to_str()).with_context(|| format!("{} has no plain name", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository() -> tempfile::TempDir {
        let repository = tempfile::tempdir().unwrap();
        write(&repository, "http/1.0.0/http.wit", "package datamp:http@1.0.0;");
        freeze(repository.path()).unwrap();
        repository
    }

    fn write(repository: &tempfile::TempDir, file: &str, text: &str) {
        let path = repository.path().join("wit").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn what_was_frozen_is_without_fault() {
        assert_eq!(faults(repository().path()).unwrap(), [""; 0]);
    }

    #[test]
    fn a_changed_version_is_a_fault_and_is_not_frozen_again() {
        let repository = repository();
        write(&repository, "http/1.0.0/http.wit", "package datamp:http@1.0.0; interface more {}");
        let [fault] = faults(repository.path()).unwrap().try_into().unwrap();
        assert!(fault.contains("wit/http/1.0.0 was released and has changed"), "{fault}");
        assert!(freeze(repository.path()).unwrap_err().to_string().contains("has changed"));
    }

    #[test]
    fn a_file_added_to_a_version_is_a_fault() {
        let repository = repository();
        write(&repository, "http/1.0.0/more.wit", "");
        assert!(!faults(repository.path()).unwrap().is_empty());
    }

    #[test]
    fn a_removed_version_is_a_fault() {
        let repository = repository();
        fs::remove_dir_all(repository.path().join("wit/http/1.0.0")).unwrap();
        assert!(faults(repository.path()).unwrap().concat().contains("is gone"));
    }

    #[test]
    fn a_new_version_is_asked_for_and_then_frozen_beside_the_old() {
        let repository = repository();
        write(&repository, "http/1.1.0/http.wit", "package datamp:http@1.1.0;");
        assert!(faults(repository.path()).unwrap().concat().contains("wit/http/1.1.0 is not in"));
        freeze(repository.path()).unwrap();
        assert_eq!(faults(repository.path()).unwrap(), [""; 0]);
        assert_eq!(frozen(repository.path()).unwrap().len(), 2);
    }
}
