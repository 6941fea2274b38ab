//! Records of the files that were sent last, a file for each context.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    path::Path,
    time::{Duration, SystemTime},
};

/// Age at which a record is removed. Its context is then sent whole.
const FORGOTTEN: Duration = Duration::from_secs(30 * 24 * 3600);

/// Content (hash or link target), mode and time of each file, by path.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Sent(BTreeMap<String, (String, u32, i64)>);

impl Sent {
    /// Reads a record. One that is not there, or cannot be read, is empty.
    pub(crate) fn read(file: &Path) -> Self {
        let json = fs::read(file).ok();
        json.and_then(|json| serde_json::from_slice(&json).ok()).unwrap_or_default()
    }

    /// Returns the time of a file that has not changed. `None` means that it is new or has changed.
    pub(crate) fn time(&self, path: &str, content: &str, mode: u32) -> Option<i64> {
        let (old, old_mode, time) = self.0.get(path)?;
        (old == content && *old_mode == mode).then_some(*time)
    }

    pub(crate) fn insert(&mut self, path: &str, content: String, mode: u32, time: i64) {
        self.0.insert(path.to_owned(), (content, mode, time));
    }

    /// Writes a record, and removes the old ones beside it.
    pub(crate) fn write(&self, file: &Path) -> io::Result<()> {
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
            forget(folder, FORGOTTEN);
        }
        // Two builds of one context may write at once.
        let part = file.with_extension(format!("{}.part", uuid::Uuid::now_v7().simple()));
        let written = fs::write(&part, serde_json::to_vec(self)?);
        let written = written.and_then(|()| fs::rename(&part, file));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }
}

/// Removes the files of a folder that nobody has written for so long. Errors cost disk space alone.
fn forget(folder: &Path, age: Duration) {
    let now = SystemTime::now();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|metadata| metadata.modified());
        let is_old = modified.is_ok_and(|time| now.duration_since(time).is_ok_and(|old| old > age));
        if is_old {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn records_of_contexts_that_are_no_more_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (name, days) in [("old.json", 31), ("old.1.part", 31), ("new.json", 29)] {
            fs::write(at(name), "{}").unwrap();
            let time = SystemTime::now() - Duration::from_secs(days * 24 * 3600);
            File::options().write(true).open(at(name)).unwrap().set_modified(time).unwrap();
        }
        Sent::default().write(&at("own.json")).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["new.json", "own.json"]);
    }
}
