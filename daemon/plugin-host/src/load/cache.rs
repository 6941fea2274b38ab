//! Compiled plugins on disk.
//!
//! Loading compiled code runs it: whoever can write here owns the daemon. So the folder is the daemon's
//! alone, and each file begins with a MAC under a key that never leaves the folder's owner. The component of a
//! file that was changed by one bit, or written by another version, is compiled again.

use crate::engine::VERSION;
use rand::RngCore;
use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    time::SystemTime,
};
use wasmtime::{Engine, component::Component};

const MAC: usize = blake3::OUT_LEN;

/// Most files, and most bytes, of code that no configured plugin uses: a plugin that is configured again, or a
/// daemon of the version before, need not compile.
const MOST_UNUSED: usize = 32;
const LARGEST_UNUSED: u64 = 256 << 20;

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

    /// Removes code that the plugins of these digests do not use, the oldest first, until few files and bytes of
    /// it are left. The files of the digests stay, whatever their size.
    pub(crate) fn prune(&self, digests: &[&str]) -> io::Result<()> {
        let used: BTreeSet<_> = digests.iter().map(|digest| self.path(digest)).collect();
        let mut unused = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let is_code = path.extension().is_some_and(|end| end == "cwasm" || end == "part");
            // A file that another process has removed meanwhile is none.
            if let Ok(metadata) = fs::symlink_metadata(&path)
                && is_code
                && !used.contains(&path)
            {
                let written = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
                unused.push((written, path, metadata.len()));
            }
        }
        unused.sort();
        let mut bytes = 0_u64;
        // The newest first: they stay.
        for (number, (_, path, length)) in (1..).zip(unused.into_iter().rev()) {
            bytes = bytes.saturating_add(length);
            if (number > MOST_UNUSED || bytes > LARGEST_UNUSED)
                && let Err(error) = fs::remove_file(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                return Err(error);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_that_nobody_uses_is_removed_from_the_oldest_on() {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::new(&crate::engine::config().unwrap()).unwrap();
        let cache = Cache::open(folder.path(), &engine).unwrap();
        let digests: Vec<_> = (0..MOST_UNUSED + 5).map(|number| number.to_string()).collect();
        for (age, digest) in digests.iter().enumerate() {
            cache.put(digest, b"code").unwrap();
            let written = SystemTime::now() - std::time::Duration::from_secs(60 * (age as u64 + 1));
            let file = OpenOptions::new().write(true).open(cache.path(digest)).unwrap();
            file.set_modified(written).unwrap();
        }
        let oldest = digests.last().unwrap().as_str();
        let unused = OpenOptions::new().write(true).create_new(true).open(cache.path("large"));
        unused.unwrap().set_len(LARGEST_UNUSED).unwrap();
        let left = || digests.iter().filter(|digest| cache.code(digest).is_some()).count();
        // One huge file is the newest: nothing else that is unused has a place beside it.
        cache.prune(&[oldest]).unwrap();
        assert!(cache.code(oldest).is_some() && cache.path("large").exists());
        assert_eq!(left(), 1);

        fs::remove_file(cache.path("large")).unwrap();
        for digest in &digests {
            cache.put(digest, b"code").unwrap();
        }
        cache.prune(&[oldest]).unwrap();
        assert!(cache.code(oldest).is_some() && folder.path().join("key").exists());
        assert_eq!(left(), MOST_UNUSED + 1);
    }

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
