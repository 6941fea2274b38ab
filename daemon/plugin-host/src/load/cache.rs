//! Compiled plugins on disk.
//!
//! Loading compiled code runs it: whoever can write here owns the daemon. So the folder is the daemon's
//! alone, and each file begins with a MAC under a key that never leaves the folder's owner. The component of a
//! file that was changed by one bit, or written by another version, is compiled again.

use crate::engine::VERSION;
use rand::RngCore;
use std::{
    fs::{self, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};
use wasmtime::{Engine, component::Component};

const MAC: usize = blake3::OUT_LEN;

/// Compiled code in a folder.
pub(crate) struct Cache {
    folder: PathBuf,
    key: [u8; 32],
    /// Everything but the component that the code depends on.
    context: String,
}

impl Cache {
    pub(crate) fn open(folder: &Path, engine: &Engine) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let path = folder.join("key");
        if !path.exists() {
            let mut key = [0; 32];
            rand::rng().fill_bytes(&mut key);
            OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?
                .write_all(&key)?;
        }
        let key = fs::read(&path)?.try_into().map_err(|_| {
            io::Error::other(format!("{} does not hold 32 bytes: delete it", path.display()))
        })?;
        let mut hasher = DefaultHasher::new();
        engine.precompile_compatibility_hash().hash(&mut hasher);
        let context = format!("{VERSION} {:016x}", hasher.finish());
        Ok(Self { folder: folder.into(), key, context })
    }

    fn path(&self, digest: &str) -> PathBuf {
        let name = blake3::hash(format!("{digest} {}", self.context).as_bytes());
        self.folder.join(format!("{}.cwasm", name.to_hex()))
    }

    fn mac(&self, digest: &str, code: &[u8]) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(digest.as_bytes()).update(self.context.as_bytes()).update(code);
        hasher.finalize()
    }

    /// Returns the code of a component. `None` means that there is no code, or that it was changed. The error
    /// is the engine's, for code that was not changed.
    pub(crate) fn get(&self, digest: &str, engine: &Engine) -> wasmtime::Result<Option<Component>> {
        let Some(code) = self.code(digest) else { return Ok(None) };
        // SAFETY: `code` was written by `put` in this process or an earlier one with this key, from
        // the output of our own compiler; the MAC over it was checked just now, on this very copy.
        unsafe { Component::deserialize(engine, &code) }.map(Some)
    }

    /// Returns the code as `put` wrote it. `None` means that there is no code, or that it was changed.
    pub(crate) fn code(&self, digest: &str) -> Option<Vec<u8>> {
        let mut bytes = fs::read(self.path(digest)).ok()?;
        let parts = bytes.split_at_checked(MAC);
        let parts = parts.and_then(|(mac, code)| Some((blake3::Hash::from_slice(mac).ok()?, code)));
        // Hash's equality takes the same time wherever the difference is.
        if !parts.is_some_and(|(mac, code)| self.mac(digest, code) == mac) {
            tracing::warn!(digest, "the plugin cache was changed; compiling again");
            return None;
        }
        Some(bytes.split_off(MAC))
    }

    pub(crate) fn put(&self, digest: &str, code: &[u8]) -> io::Result<()> {
        let path = self.path(digest);
        let part = path.with_extension("part");
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(self.mac(digest, code).as_bytes())?;
        file.write_all(code)?;
        file.sync_all()?;
        fs::rename(part, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flipped_bit_is_never_run() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::new(&crate::engine::config().unwrap()).unwrap();
        let cache = Cache::open(folder.path(), &engine).unwrap();
        let code = engine.precompile_component(&wat::parse_str("(component)").unwrap()).unwrap();
        cache.put("d", &code).unwrap();
        assert!(cache.get("d", &engine).unwrap().is_some());
        assert!(cache.get("other", &engine).unwrap().is_none());
        let path = cache.path("d");
        let good = fs::read(&path).unwrap();
        for at in [0, MAC, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, bad).unwrap();
            assert!(cache.get("d", &engine).unwrap().is_none(), "{at}");
        }
    }
}
