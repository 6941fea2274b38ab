//! The data folder: whoever passes through it to the socket can read nothing in it.

use crate::error::Fault;
use std::{fs, io, os::unix::fs::PermissionsExt, path::Path};

/// Mode of a new folder: others may pass, and not list.
const NEW: u32 = 0o711;

/// Folders and files that earlier versions made with the modes of the umask.
const OWN: [&str; 5] = ["contexts", "journal", "key", "plugins", "workspaces"];

/// Makes the folder if it is missing, and takes from others what they have no use for.
pub(crate) fn prepare(data: &Path) -> Result<(), Fault> {
    let fault = |error: io::Error| format!("data: {}: {error}", data.display());
    // All that are made: the umask would close those above, and with them the way to the socket.
    let is_missing = |path: &&Path| !path.as_os_str().is_empty() && !path.exists();
    let missing: Vec<_> = data.ancestors().take_while(is_missing).collect();
    fs::create_dir_all(data).map_err(fault)?;
    for path in &missing {
        fs::set_permissions(path, fs::Permissions::from_mode(NEW)).map_err(fault)?;
    }
    if !missing.is_empty() {
        return Ok(());
    }
    tighten(data, NEW);
    for name in OWN {
        tighten(&data.join(name), 0o700);
    }
    Ok(())
}

/// Removes all bits of a mode that are not in `most`. A link is left alone, and a failure is logged.
fn tighten(path: &Path, most: u32) {
    let Ok(metadata) = path.symlink_metadata() else { return };
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_symlink() || mode & !most == 0 {
        return;
    }
    if let Err(error) = fs::set_permissions(path, fs::Permissions::from_mode(mode & most)) {
        tracing::warn!(path = %path.display(), %error, "others can read it, and its mode cannot be changed");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_pass_through_all_new_folders() {
        let folder = tempfile::tempdir().unwrap();
        let (above, data) = (folder.path().join("a"), folder.path().join("a/data"));
        prepare(&data).unwrap();
        for path in [above, data] {
            assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, NEW);
        }
    }

    #[test]
    fn what_an_older_version_left_open_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
        prepare(&data).unwrap();
        assert_eq!(mode(&data), 0o711);
        let journal = data.join("journal");
        fs::create_dir(&journal).unwrap();
        for path in [&data, &journal] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        prepare(&data).unwrap();
        assert_eq!((mode(&data), mode(&journal)), (0o711, 0o700));
        // What the operator closed stays so.
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        prepare(&data).unwrap();
        assert_eq!(mode(&data), 0o700);
    }
}
