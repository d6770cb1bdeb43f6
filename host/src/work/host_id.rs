//! The name of a host, by which it knows its own claims after a restart.

use std::{fs, io, path::Path};

use uuid::Uuid;

const FILE: &str = "host.id";

/// Reads the name from the data folder, or makes one.
pub(super) fn load(data_dir: &Path) -> io::Result<String> {
    let path = data_dir.join(FILE);
    match fs::read_to_string(&path) {
        Ok(text) => match Uuid::parse_str(text.trim()) {
            Ok(id) => Ok(id.to_string()),
            Err(_) => Err(io::Error::other(format!("{} is damaged: delete it and a new one is made", path.display()))),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = Uuid::now_v7().to_string();
            fs::write(&path, format!("{id}\n"))?;
            Ok(id)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_keeps_its_name_and_has_its_own() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let id = load(one.path()).unwrap();
        assert_eq!(load(one.path()).unwrap(), id);
        assert_ne!(load(other.path()).unwrap(), id);
        fs::write(one.path().join(FILE), "x").unwrap();
        assert!(load(one.path()).unwrap_err().to_string().contains("damaged"));
    }
}
