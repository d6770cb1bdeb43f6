//! Compiled components, and their cache on disk.
//!
//! Compiling takes from a tenth of a second to seconds; loading a compiled artifact takes a millisecond. An artifact is kept under
//! the hash of the component and of everything that decides whether it fits: wasmtime's version, the settings and the
//! processor. Loading one is `unsafe` in wasmtime, as it is machine code: so the cache's folder is the host's own, and each
//! file carries a keyed digest that only this data folder's host can have written.

use std::{
    fs,
    hash::{Hash, Hasher},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use wasmtime::{Engine, component::Component};

/// Length of the digest that stands before the artifact in its file.
const DIGEST: usize = 32;

/// Length of the key: a block of SHA-256.
const KEY: usize = 64;

/// Why a component could not be made ready to run.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// wasmtime can't compile it.
    #[error("the component can't be compiled: {0}")]
    Invalid(String),
}

/// The cache: one file for each component and set of settings.
#[derive(Clone, Debug)]
pub struct ArtifactCache {
    folder: PathBuf,
    key: [u8; KEY],
}

/// SHA-256 of a component's file, which is its identity.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ContentHash([u8; 32]);

impl ContentHash {
    /// The hash of a file's bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// In lower-case hex, 64 characters.
    #[must_use]
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl ArtifactCache {
    /// Opens the cache in a folder of its own, which is made if it isn't there.
    ///
    /// # Errors
    /// When the folder or its key can't be read or written.
    pub fn open(folder: &Path) -> std::io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        Ok(Self { folder: folder.to_owned(), key: key(&folder.join("key"))? })
    }

    /// The component, from the cache if it is there, else compiled and kept. Blocks: for a blocking thread.
    ///
    /// # Errors
    /// When the bytes are no component that wasmtime takes. A cache that can't be written is only worth a warning.
    pub fn load_or_compile(&self, engine: &Engine, hash: ContentHash, bytes: &[u8]) -> Result<Component, CompileError> {
        let path = self.path(engine, hash);
        if let Some(component) = self.load(engine, &path) {
            return Ok(component);
        }
        let invalid = |e: wasmtime::Error| CompileError::Invalid(format!("{e:#}"));
        let artifact = engine.precompile_component(bytes).map_err(invalid)?;
        if let Err(error) = self.keep(&path, &artifact) {
            tracing::warn!(path = %path.display(), "a compiled component could not be kept: {error}");
        }
        deserialize(engine, &artifact).map_err(invalid)
    }

    fn path(&self, engine: &Engine, hash: ContentHash) -> PathBuf {
        let mut settings = Sha256Hasher(Sha256::new());
        engine.precompile_compatibility_hash().hash(&mut settings);
        let settings = hex::encode(settings.0.finalize());
        let (settings, _) = settings.split_at(16);
        self.folder.join(format!("{}-{settings}.cwasm", hash.to_hex()))
    }

    fn load(&self, engine: &Engine, path: &Path) -> Option<Component> {
        let file = fs::read(path).ok()?;
        let (digest, artifact) = file.split_at_checked(DIGEST)?;
        let authentic = self.mac(path, artifact).verify_slice(digest).is_ok();
        let component = authentic.then(|| deserialize(engine, artifact)).and_then(Result::ok);
        if component.is_none() {
            tracing::warn!(path = %path.display(), "a compiled component in the cache is damaged; compiling it again");
        }
        component
    }

    fn keep(&self, path: &Path, artifact: &[u8]) -> std::io::Result<()> {
        // Under another name first: a host that is killed here leaves no half of a file under the right one.
        let partial = path.with_extension(format!("{}.partial", std::process::id()));
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&partial)?;
        file.write_all(&self.mac(path, artifact).finalize().into_bytes())?;
        file.write_all(artifact)?;
        fs::rename(&partial, path)
    }

    /// Over the name too, so that no artifact passes for another.
    fn mac(&self, path: &Path, artifact: &[u8]) -> Hmac<Sha256> {
        let mut mac = <Hmac<Sha256> as KeyInit>::new(&self.key.into());
        mac.update(path.file_name().unwrap_or_default().as_encoded_bytes());
        mac.update(artifact);
        mac
    }
}

/// The key in a file that only its owner reads, made on first use.
fn key(path: &Path) -> std::io::Result<[u8; KEY]> {
    match fs::read(path) {
        Ok(bytes) => bytes.try_into().map_err(|_| {
            std::io::Error::other(format!("{} is not {KEY} bytes: delete it and a new one is made", path.display()))
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let key: [u8; KEY] = rand::random();
            let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            match file {
                Ok(mut file) => {
                    file.write_all(&key)?;
                    Ok(key)
                }
                Err(error) => Err(error),
            }
        }
        Err(error) => Err(error),
    }
}

#[allow(unsafe_code, reason = "wasmtime offers no safe way to load an artifact")]
fn deserialize(engine: &Engine, artifact: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: the bytes come from `precompile_component` of this process, or from a file whose digest under this
    // folder's secret key has been checked, and which therefore this host wrote. wasmtime itself refuses an artifact
    // of another version or with other settings.
    unsafe { Component::deserialize(engine, artifact) }
}

/// Lets wasmtime's compatibility value, which only promises to be `Hash`, be hashed the same in every process.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn finish(&self) -> u64 {
        let mut first = [0; 8];
        for (to, from) in first.iter_mut().zip(self.0.clone().finalize()) {
            *to = from;
        }
        u64::from_be_bytes(first)
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::settings::{Flavour, engine};

    #[test]
    fn a_kept_artifact_is_loaded_and_a_damaged_one_is_compiled_again() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ArtifactCache::open(folder.path()).unwrap();
        let (engine, _) = engine(Flavour::Synchronous).unwrap();
        let bytes = empty_component();
        let hash = ContentHash::of(&bytes);
        cache.load_or_compile(&engine, hash, &bytes).unwrap();
        let path = cache.path(&engine, hash);
        assert!(cache.load(&engine, &path).is_some());

        let mut file = fs::read(&path).unwrap();
        let last = file.len() - 1;
        file[last] ^= 1;
        fs::write(&path, &file).unwrap();
        assert!(cache.load(&engine, &path).is_none());
        cache.load_or_compile(&engine, hash, &bytes).unwrap();
        assert!(cache.load(&engine, &path).is_some());

        // Another host's folder has another key, and takes nothing from here.
        let other = tempfile::tempdir().unwrap();
        let elsewhere = ArtifactCache::open(other.path()).unwrap();
        fs::copy(&path, elsewhere.path(&engine, hash)).unwrap();
        assert!(elsewhere.load(&engine, &elsewhere.path(&engine, hash)).is_none());
    }

    #[test]
    fn bytes_that_are_no_component_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let cache = ArtifactCache::open(folder.path()).unwrap();
        let (engine, _) = engine(Flavour::Synchronous).unwrap();
        for bytes in [&b""[..], b"\0asm", b"garbage"] {
            assert!(cache.load_or_compile(&engine, ContentHash::of(bytes), bytes).is_err());
        }
    }

    /// The smallest component: its header alone.
    fn empty_component() -> Vec<u8> {
        b"\0asm\x0d\0\x01\0".to_vec()
    }
}
