//! A folder of this machine, sent to be planned: no repository and no commit is needed.

use crate::{args::Source, failure::Failure};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use windlass_proto::v1::{self, plan_folder_request::Part};

/// Bytes of the longest file that is sent with its content: no detector reads a longer text.
const LONGEST: u64 = 1 << 20;
/// Number of files after which no more are listed: the daemon refuses so many, by name.
const MOST: usize = 100_001;
/// Number of longer files that are named.
const NAMED: usize = 10;
/// Folders that tools make again.
const MADE: [&str; 9] = [
    "node_modules",
    ".venv",
    "venv",
    "target",
    ".git",
    ".hg",
    ".gradle",
    "__pycache__",
    ".terraform",
];
/// Folders that are left out also where git does not ignore them: the daemon's plugins do not look into them.
const INSTALLED: [&str; 3] = ["node_modules", ".venv", "__pycache__"];

/// Files of a folder, to be sent.
pub(crate) struct Listing {
    folder: PathBuf,
    files: Vec<Entry>,
    /// Lines for people about files that are not sent whole.
    pub(crate) notes: Vec<String>,
}

struct Entry {
    path: String,
    bytes: u64,
    link: bool,
}

/// Returns the folder that a plan is of. `None` means that the plan is of a repository, which it names.
pub(crate) fn of(source: &Source) -> Option<&Path> {
    source.repository.is_empty().then(|| Path::new(&source.app))
}

/// Checks that the argument is a folder, where no repository is named.
pub(crate) fn check(source: &Source) -> Result<(), Failure> {
    match of(source) {
        Some(folder) if !folder.is_dir() => Err(Failure::usage(format!(
            "`{}` is no folder here, and no repository is named\n  fix:  name a folder, such as `windlass plan .`, or an app with --repository",
            folder.display()
        ))),
        _ => Ok(()),
    }
}

/// Lists a folder: what git would commit, or else all but what tools make again.
pub(crate) fn list(folder: &Path) -> Result<Listing, Failure> {
    let mut paths = match by_git(folder) {
        Some(paths) => paths,
        None => walked(folder)?,
    };
    paths.sort();
    paths.dedup();
    let mut listing = Listing { folder: folder.to_owned(), files: Vec::new(), notes: Vec::new() };
    let mut longer = 0_usize;
    for path in paths {
        // Git lists what was deleted and not yet committed, and submodules.
        let Ok(metadata) = folder.join(&path).symlink_metadata() else { continue };
        if !metadata.is_file() && !metadata.is_symlink() {
            continue;
        }
        let (bytes, link) = (metadata.len(), metadata.is_symlink());
        if bytes > LONGEST {
            longer += 1;
            if longer <= NAMED {
                listing.notes.push(format!(
                    "{path}: its {bytes} bytes are not sent: no text of more than {LONGEST} bytes is read"
                ));
            }
        }
        listing.files.push(Entry { path, bytes, link });
    }
    if longer > NAMED {
        listing.notes.push(format!("and {} more files that are as long", longer - NAMED));
    }
    Ok(listing)
}

impl Listing {
    /// Returns the messages: the head, then each file, which is read when its turn comes.
    pub(crate) fn messages(
        self,
        head: v1::PlanFolderHead,
    ) -> impl Iterator<Item = v1::PlanFolderRequest> + Send + 'static {
        let Self { folder, files, .. } = self;
        let file = move |entry: Entry| {
            let data = content(&folder, &entry);
            Part::File(v1::PlanFolderFile { path: entry.path, data, link: entry.link })
        };
        let parts = std::iter::once(Part::Head(head)).chain(files.into_iter().map(file));
        parts.map(|part| v1::PlanFolderRequest { part: Some(part) })
    }
}

/// Reads a file, or the target of a link. Empty for a file that is too long, or that cannot be read any more.
fn content(folder: &Path, entry: &Entry) -> Vec<u8> {
    let path = folder.join(&entry.path);
    if entry.link {
        let target = fs::read_link(path).unwrap_or_default();
        return target.to_str().map(|target| target.as_bytes().to_vec()).unwrap_or_default();
    }
    let mut data = Vec::new();
    if entry.bytes <= LONGEST
        && let Ok(file) = fs::File::open(path)
    {
        // It may have grown meanwhile.
        let read = file.take(LONGEST).read_to_end(&mut data);
        if read.is_err() {
            data.clear();
        }
    }
    data
}

/// Lists what git knows, and what git does not ignore. `None` means that the folder is in no repository, that a
/// repository around it ignores all of it, or that there is no git.
fn by_git(folder: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    if !output.status.success() {
        return None;
    }
    let paths = output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    let paths = paths.filter_map(|path| std::str::from_utf8(path).ok());
    let is_installed = |path: &&str| path.split('/').any(|part| INSTALLED.contains(&part));
    let paths: Vec<_> =
        paths.filter(|path| !is_installed(path)).take(MOST).map(str::to_owned).collect();
    (!paths.is_empty()).then_some(paths)
}

/// Lists all files but those in folders that tools make again.
fn walked(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut paths = Vec::new();
    let mut folders = vec![String::new()];
    while let Some(below) = folders.pop() {
        let at = folder.join(&below);
        let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", at.display()));
        for entry in fs::read_dir(&at).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
            let kind = entry.file_type().map_err(failed)?;
            if !kind.is_dir() {
                paths.push(path);
            } else if !MADE.contains(&&*name) {
                folders.push(path);
            }
            if paths.len() >= MOST {
                return Ok(paths);
            }
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("windlass-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("src")).unwrap();
        fs::write(folder.join("src/a.js"), "1").unwrap();
        folder
    }

    #[test]
    fn a_folder_without_git_is_sent_in_order_without_what_tools_make() {
        let folder = folder("walked");
        fs::create_dir_all(folder.join("node_modules/x")).unwrap();
        fs::write(folder.join("node_modules/x/index.js"), "2").unwrap();
        fs::write(folder.join("package.json"), "{}").unwrap();
        symlink("/etc/passwd", folder.join("out")).unwrap();
        let large = vec![b'x'; usize::try_from(LONGEST).unwrap() + 1];
        fs::write(folder.join("large.bin"), large).unwrap();
        let mut paths = walked(&folder).unwrap();
        paths.sort();
        assert_eq!(paths, ["large.bin", "out", "package.json", "src/a.js"]);
        let listing = list(&folder).unwrap();
        assert!(listing.notes[0].contains("large.bin"), "{:?}", listing.notes);
        let messages: Vec<_> = listing.messages(v1::PlanFolderHead::default()).collect();
        let file = |at: usize| match &messages[at].part {
            Some(Part::File(file)) => (&*file.path, &*file.data, file.link),
            other => panic!("{other:?}"),
        };
        assert!(matches!(messages[0].part, Some(Part::Head(_))));
        assert_eq!(file(1), ("large.bin", &b""[..], false));
        assert_eq!(file(2), ("out", &b"/etc/passwd"[..], true));
        assert_eq!(file(3), ("package.json", &b"{}"[..], false));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_git_ignores_is_not_sent_but_where_it_ignores_the_folder_itself() {
        let folder = folder("ignored");
        let git = Command::new("git").arg("-C").arg(&folder).args(["init", "--quiet"]).status();
        // A machine without git has no repositories either.
        if !git.is_ok_and(|status| status.success()) {
            return;
        }
        fs::write(folder.join(".gitignore"), "out/\n").unwrap();
        fs::create_dir_all(folder.join("out/deep")).unwrap();
        fs::write(folder.join("out/deep/b.js"), "2").unwrap();
        let paths = |folder: &Path| -> Vec<String> {
            list(folder).unwrap().files.into_iter().map(|entry| entry.path).collect()
        };
        assert_eq!(paths(&folder), [".gitignore", "src/a.js"]);
        assert_eq!(paths(&folder.join("out")), ["deep/b.js"]);
        fs::remove_dir_all(folder).unwrap();
    }
}
