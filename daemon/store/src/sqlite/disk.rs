//! Room on the store's disk: its figures, and a reserve for the day on which the disk is full.
//!
//! The reserve is a file that takes room and holds nothing. When the disk is full it is deleted, so that running jobs
//! can record their end. No job is accepted then, until there is room to make the reserve again.

use crate::{error::OrStore, private};
use rustix::fs::{FallocateFlags, fallocate, statvfs};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};
use windlass_engine::ports::store::{Room, StoreError};

/// Part of a small disk that the reserve takes at most.
const PART: u64 = 8;

/// Bytes without which SQLite cannot open a journal, or recover what a killed daemon left.
const OPENING: u64 = 1 << 20;

/// Disk of a store.
pub(super) struct Disk {
    folder: PathBuf,
    /// Bytes of the reserve. 0 means that there is none.
    reserve: u64,
    /// The reserve was deleted, and was not made again since.
    is_used: AtomicBool,
    /// There was no room for the reserve at start: an earlier life may have used it. Jobs are accepted all the same,
    /// since the disk may be a small one.
    is_missing: AtomicBool,
}

impl Disk {
    /// Makes the reserve, where there is room for it.
    pub(super) fn new(folder: &Path, wanted: u64) -> Self {
        let mut disk = Self {
            folder: folder.into(),
            reserve: 0,
            is_used: AtomicBool::new(false),
            is_missing: AtomicBool::new(false),
        };
        match disk.figures() {
            Ok(room) => disk.reserve = wanted.min(room.disk_bytes / PART),
            Err(error) => tracing::warn!(%error, "the journal has no reserve"),
        }
        if !disk.is_made() && !disk.has_room() {
            let bytes = disk.reserve;
            tracing::warn!(
                bytes,
                "the journal has no reserve: it is made once its disk has twice the room for it"
            );
            disk.is_missing.store(true, Ordering::Relaxed);
        }
        disk.make();
        // A full disk keeps no daemon from its start: unfinished jobs record their end.
        if disk.figures().is_ok_and(|room| room.free_bytes < OPENING) {
            disk.release();
        }
        disk
    }

    fn path(&self) -> PathBuf {
        self.folder.join("reserve")
    }

    fn is_made(&self) -> bool {
        self.reserve == 0 || fs::metadata(self.path()).is_ok_and(|file| file.len() >= self.reserve)
    }

    /// Makes the reserve where there is twice the room for it.
    fn make(&self) {
        if !self.is_made() && !self.try_make() {
            return;
        }
        let was_missing = self.is_missing.swap(false, Ordering::Relaxed);
        if self.is_used.swap(false, Ordering::Relaxed) || was_missing {
            tracing::info!(bytes = self.reserve, "there is room on the journal's disk again");
        }
    }

    fn has_room(&self) -> bool {
        self.figures().is_ok_and(|room| room.free_bytes >= self.reserve.saturating_mul(2))
    }

    fn try_make(&self) -> bool {
        if !self.has_room() {
            return false;
        }
        let made = private::file(&self.path()).and_then(|file| {
            let taken = fallocate(&file, FallocateFlags::empty(), 0, self.reserve);
            taken.map_err(io::Error::from).or_store()
        });
        if let Err(error) = &made {
            let _ = fs::remove_file(self.path());
            // A file system that cannot reserve is not asked again and again.
            self.is_missing.store(false, Ordering::Relaxed);
            tracing::warn!(%error, "the journal's reserve cannot be made");
        }
        made.is_ok()
    }

    /// Deletes the reserve since the disk is full. `false` means that there was none.
    pub(super) fn release(&self) -> bool {
        let is_released = fs::remove_file(self.path()).is_ok();
        if is_released {
            self.is_used.store(true, Ordering::Relaxed);
            tracing::error!(
                bytes = self.reserve,
                folder = %self.folder.display(),
                "the journal's disk is full: running jobs go on by its reserve, and no job is accepted"
            );
        }
        is_released
    }

    /// Makes the reserve if it was used or could not be made, and there is room.
    pub(super) fn restore(&self) {
        if self.is_used.load(Ordering::Relaxed) || self.is_missing.load(Ordering::Relaxed) {
            self.make();
        }
    }

    /// Returns an error while the reserve is used: what is left is for jobs that run.
    pub(super) fn accepts(&self) -> Result<(), StoreError> {
        self.restore();
        if !self.is_used.load(Ordering::Relaxed) {
            return Ok(());
        }
        let needed = 2 * self.reserve;
        let place = self.folder.display();
        Err(StoreError::Full(format!(
            "{place} needs {needed} free bytes before it takes jobs again"
        )))
    }

    pub(super) fn room(&self) -> Result<Room, StoreError> {
        self.restore();
        self.figures()
    }

    fn figures(&self) -> Result<Room, StoreError> {
        let disk = statvfs(&self.folder).map_err(io::Error::from).or_store()?;
        Ok(Room {
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
            disk_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
            uses_reserve: self.is_used.load(Ordering::Relaxed),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserve_is_released_once_and_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path(), 4096);
        let length = || fs::metadata(disk.path()).map(|file| file.len()).ok();
        assert_eq!(length(), Some(4096));
        disk.accepts().unwrap();
        assert!(disk.release());
        assert!(!disk.release(), "there was one");
        assert!(disk.figures().unwrap().uses_reserve);
        assert_eq!(length(), None);
        // This disk has room.
        assert!(!disk.room().unwrap().uses_reserve);
        assert_eq!(length(), Some(4096));
    }

    /// An earlier life used it, and was killed before there was room again.
    #[test]
    fn a_reserve_that_could_not_be_made_at_start_is_made_later() {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path(), 4096);
        fs::remove_file(disk.path()).unwrap();
        disk.is_missing.store(true, Ordering::Relaxed);
        disk.accepts().unwrap();
        assert!(disk.is_made());
        assert!(!disk.is_missing.load(Ordering::Relaxed));
    }

    #[test]
    fn nothing_is_accepted_while_the_reserve_is_used() {
        let folder = tempfile::tempdir().unwrap();
        let mut disk = Disk::new(folder.path(), 4096);
        assert!(disk.release());
        // No disk has room for two of these.
        disk.reserve = u64::MAX / 2;
        let error = disk.accepts().unwrap_err();
        assert!(matches!(error, StoreError::Full(_)), "{error}");
    }
}
