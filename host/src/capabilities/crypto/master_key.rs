//! Where the master key comes from: a setting, or a file that the host makes when it starts for the first time.

use std::{
    fs::{self, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use zeroize::Zeroizing;

use super::{
    envelope::MasterKey,
    random::{self, NoRandomness},
};

const FILE_NAME: &str = "master.key";

/// Why there is no master key.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The setting is not what it must be.
    #[error(
        "the master key in the settings (DATAMP_MASTER_KEY) is not base64 of 32 bytes: make one with `openssl rand -base64 32`"
    )]
    InvalidSetting,
    /// The file's content is not what it must be.
    #[error("{0} does not hold base64 of 32 bytes")]
    InvalidFile(PathBuf),
    /// Others may read the file.
    #[error("{0} can be read by others: take the right from them (chmod 600)")]
    Exposed(PathBuf),
    /// The file can't be read or made.
    #[error("{path}: {source}")]
    File {
        /// The file at fault.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// No key could be made.
    #[error(transparent)]
    Random(#[from] NoRandomness),
}

impl MasterKey {
    /// The master key of the settings, base64 of 32 bytes; where there is none, that of `master.key` in the data
    /// directory, which is made when it isn't there, readable by its owner alone. Hosts that start at once agree on
    /// one.
    ///
    /// Hosts that share a database need the same key: give it to them as a setting.
    ///
    /// # Errors
    /// The setting or the file is malformed, others can read the file, or it can't be read or made.
    pub fn load(setting: Option<&str>, data: &Path) -> Result<Self, MasterKeyError> {
        if let Some(text) = setting {
            return decode(text).ok_or(MasterKeyError::InvalidSetting);
        }
        let path = data.join(FILE_NAME);
        let failed = |source| MasterKeyError::File { path: path.clone(), source };
        if !fs::exists(&path).map_err(failed)? {
            let key = Zeroizing::new(BASE64_STANDARD.encode(*random::bytes::<32>()?));
            create_whole(&path, key.as_bytes()).map_err(failed)?;
        }
        let mode = fs::metadata(&path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(MasterKeyError::Exposed(path));
        }
        let text = Zeroizing::new(fs::read_to_string(&path).map_err(failed)?);
        decode(&text).ok_or(MasterKeyError::InvalidFile(path))
    }
}

fn decode(text: &str) -> Option<MasterKey> {
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(text.trim()).ok()?);
    bytes.as_slice().try_into().ok().map(MasterKey::new)
}

/// Makes a file that appears with its whole content or not at all, unless another process was first.
fn create_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let draft = path.with_extension(format!("{}.draft", uuid::Uuid::new_v4()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let linked = file
        .set_permissions(Permissions::from_mode(0o600))
        .and_then(|()| file.write_all(content))
        .and_then(|()| file.sync_all())
        // Unlike a rename, a link does not replace what another host put there.
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        // The directory too, or the name may be lost in a crash after something was sealed under the key.
        _ => fs::File::open(parent)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `load` found can open what was sealed under the other.
    fn same(a: &MasterKey, b: &MasterKey) -> bool {
        a.open(&["x"], &b.seal(&["x"], b"v").unwrap()).is_ok()
    }

    #[test]
    fn the_file_is_made_once_and_readable_by_its_owner_alone() {
        let data = tempfile::tempdir().unwrap();
        let first = MasterKey::load(None, data.path()).unwrap();
        assert!(same(&first, &MasterKey::load(None, data.path()).unwrap()));
        let mode = fs::metadata(data.path().join(FILE_NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn hosts_that_start_at_once_agree() {
        let data = tempfile::tempdir().unwrap();
        let keys: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| MasterKey::load(None, data.path()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| same(key, &keys[0])));
    }

    #[test]
    fn a_setting_goes_first_and_must_be_32_bytes() {
        let data = tempfile::tempdir().unwrap();
        let setting = BASE64_STANDARD.encode([3; 32]);
        let key = MasterKey::load(Some(&format!("{setting}\n")), data.path()).unwrap();
        assert!(same(&key, &MasterKey::new(&[3; 32])));
        assert!(!data.path().join(FILE_NAME).exists());
        for bad in ["", "secret", &BASE64_STANDARD.encode([3; 31]), &BASE64_STANDARD.encode([3; 33])] {
            assert!(matches!(MasterKey::load(Some(bad), data.path()), Err(MasterKeyError::InvalidSetting)));
        }
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_damaged_is_refused() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE_NAME);
        MasterKey::load(None, data.path()).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(MasterKey::load(None, data.path()), Err(MasterKeyError::Exposed(_))));
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "half a k").unwrap();
        assert!(matches!(MasterKey::load(None, data.path()), Err(MasterKeyError::InvalidFile(_))));
    }
}
