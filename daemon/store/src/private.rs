//! Files and folders that only their owner may open, whatever the umask is.

use crate::error::OrStore;
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::Path,
};
use windlass_engine::ports::store::StoreError;

const FILE: u32 = 0o600;
const FOLDER: u32 = 0o700;

/// Makes a folder, or takes the rights of all but its owner away. A folder of another owner, such as a volume that is
/// shared with the daemon by its group, stays as it is, and the log says so: each file in it is closed by itself.
pub(crate) fn folder(path: &Path) -> Result<(), StoreError> {
    let made = DirBuilder::new().recursive(true).mode(FOLDER).create(path);
    made.map_err(|error| at(path, error)).or_store()?;
    let found = fs::metadata(path).map_err(|error| at(path, error)).or_store()?;
    if found.permissions().mode() & 0o077 == 0 {
        return Ok(());
    }
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(FOLDER)) {
        let path = path.display();
        tracing::warn!(%path, %error, "others may open the folder, and this cannot be changed");
    }
    Ok(())
}

/// Opens a file to append to it, or makes it, and takes the rights of all but its owner away.
pub(crate) fn file(path: &Path) -> Result<File, StoreError> {
    let file = OpenOptions::new().create(true).append(true).mode(FILE).open(path);
    let file = file.map_err(|error| at(path, error)).or_store()?;
    close_to_others(path)?;
    Ok(file)
}

/// Returns an error with the path that it is about. Its kind stays.
fn at(path: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

/// Takes the rights of all but its owner away from a file that may be there. A file without such rights is not
/// touched: it may be mounted read-only.
pub(crate) fn close_to_others(path: &Path) -> Result<(), StoreError> {
    let closed = match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Ok(found) if found.permissions().mode() & 0o077 == 0 => return Ok(()),
        Ok(_) => fs::set_permissions(path, Permissions::from_mode(FILE)),
        Err(error) => Err(error),
    };
    closed.map_err(|error| {
        let path = path.display();
        StoreError::Other(format!(
            "{path}: others can read it, and this cannot be changed: {error}"
        ))
    })
}

/// Writes a file that is there whole or not at all, also after a crash. A file that is there stays.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let new = path.with_file_name(name);
    // A crash may have left it half-written.
    let _ = fs::remove_file(&new);
    // A link, unlike a rename, replaces nothing.
    let written = write_synced(&new, bytes).and_then(|()| fs::hard_link(&new, path));
    let _ = fs::remove_file(&new);
    written.or_store()?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).or_store()
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_others_could_open_is_closed_to_them() {
        let root = tempfile::tempdir().unwrap();
        let (inner, data) = (root.path().join("a/b"), root.path().join("a/b/data"));
        fs::create_dir_all(&inner).unwrap();
        fs::write(&data, "x").unwrap();
        fs::set_permissions(&inner, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&data, Permissions::from_mode(0o644)).unwrap();
        folder(&inner).unwrap();
        file(&data).unwrap();
        assert_eq!((mode(&inner), mode(&data)), (0o700, 0o600));
        assert_eq!(fs::read(&data).unwrap(), b"x");
        fs::set_permissions(&data, Permissions::from_mode(0o644)).unwrap();
        close_to_others(&data).unwrap();
        close_to_others(&root.path().join("none")).unwrap();
        assert_eq!(mode(&data), 0o600);
    }

    #[test]
    fn an_error_names_its_path() {
        let root = tempfile::tempdir().unwrap();
        let taken = root.path().join("taken");
        fs::write(&taken, "x").unwrap();
        for error in [folder(&taken).unwrap_err(), file(&taken.join("f")).unwrap_err()] {
            assert!(error.to_string().contains("taken"), "{error}");
        }
    }

    #[test]
    fn a_new_file_is_whole_and_replaces_none() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("key");
        fs::write(root.path().join("key.new"), "half of").unwrap();
        write_new(&path, b"whole").unwrap();
        assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"whole".to_vec(), 0o600));
        write_new(&path, b"other").unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1, "nothing half-written is left");
    }
}
