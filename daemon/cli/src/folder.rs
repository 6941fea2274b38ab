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
/// Bytes of the longest lock file that is sent: detectors read the locks of large apps.
const LONGEST_LOCK: u64 = 16 << 20;
/// Ends of the names of locks.
const LOCKS: [&str; 6] =
    [".lock", "-lock.json", "-lock.yaml", "-shrinkwrap.json", ".lock.json", "modules.txt"];
/// Bytes of one message.
const PART: usize = 512 << 10;
/// Bytes of the longest file that is sent without a look at what it is.
const SMALL: usize = 64 << 10;
/// Bytes at the start of a file in which a zero byte means that it is no text.
const HEAD: usize = 8000;
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

/// Names of `.env` files that hold no values of anybody's.
const EXAMPLES: [&str; 4] = [".example", ".sample", ".template", ".dist"];

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
        Some(_) => match unused(source) {
            Some(option) => Err(Failure::usage(format!(
                "{option} is of a repository, and `{}` is planned as the folder that it is here\n  fix:  leave {option} out, or name the repository by --repository",
                source.app
            ))),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

/// Returns an option that would change nothing in the plan of a folder.
fn unused(source: &Source) -> Option<&'static str> {
    [
        ("--revision", source.revision != "HEAD"),
        ("--cluster", !source.cluster.is_empty()),
        ("--credential", !source.credential.is_empty()),
    ]
    .into_iter()
    .find_map(|(option, stands)| stands.then_some(option))
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
    let mut at = 0;
    while let Some(path) = paths.get(at).cloned() {
        at += 1;
        // Git lists what was deleted and not yet committed, and submodules.
        let Ok(metadata) = folder.join(&path).symlink_metadata() else { continue };
        if metadata.is_dir() && !path.ends_with('/') {
            // A job checks a submodule out, too. One that is not here has no files.
            let below = by_git(&folder.join(&path)).unwrap_or_default();
            paths.extend(below.into_iter().map(|below| format!("{path}/{below}")));
            continue;
        }
        if !metadata.is_file() && !metadata.is_symlink() {
            continue;
        }
        let (bytes, link) = (metadata.len(), metadata.is_symlink());
        let longest = longest(&path);
        if bytes > longest {
            longer += 1;
            if longer <= NAMED {
                listing.notes.push(format!(
                    "{path}: its {bytes} bytes are not sent: no text of more than {longest} bytes is read"
                ));
            }
        }
        listing.files.push(Entry { path, bytes, link });
    }
    // Those of submodules came last.
    listing.files.sort_by(|one, other| one.path.cmp(&other.path));
    listing.files.truncate(MOST);
    if longer > NAMED {
        listing.notes.push(format!("and {} more files that are as long", longer - NAMED));
    }
    listing.notes.extend(around(folder));
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
            parts(entry, &data)
        };
        let parts = std::iter::once(Part::Head(head)).chain(files.into_iter().flat_map(file));
        parts.map(|part| v1::PlanFolderRequest { part: Some(part) })
    }
}

/// Cuts a file into messages.
fn parts(entry: Entry, data: &[u8]) -> Vec<Part> {
    let Entry { path, link, .. } = entry;
    let count = data.len().div_ceil(PART).max(1);
    let mut chunks = data.chunks(PART);
    let part = |number| {
        let data = chunks.next().unwrap_or_default().to_vec();
        Part::File(v1::PlanFolderFile { path: path.clone(), data, link, more: number < count })
    };
    (1..=count).map(part).collect()
}

/// Returns the bytes of the longest file of this name that is sent.
fn longest(path: &str) -> u64 {
    if LOCKS.iter().any(|end| path.ends_with(end)) { LONGEST_LOCK } else { LONGEST }
}

/// Returns whether a file is no text, as git judges it: no detector reads it. UTF-16 begins with a mark, and a plan
/// names it.
fn is_binary(data: &[u8]) -> bool {
    let is_utf_16 = data.starts_with(&[0xff, 0xfe]) || data.starts_with(&[0xfe, 0xff]);
    data.len() > SMALL && !is_utf_16 && data.iter().take(HEAD).any(|byte| *byte == 0)
}

/// Reads a file, or the target of a link. Empty for a file that is too long or no text, or that cannot be read any
/// more.
fn content(folder: &Path, entry: &Entry) -> Vec<u8> {
    let path = folder.join(&entry.path);
    if entry.link {
        let target = fs::read_link(path).unwrap_or_default();
        return target.to_str().map(|target| target.as_bytes().to_vec()).unwrap_or_default();
    }
    let mut data = Vec::new();
    let longest = longest(&entry.path);
    if entry.bytes <= longest
        && let Ok(file) = fs::File::open(path)
    {
        // It may have grown meanwhile.
        let read = file.take(longest).read_to_end(&mut data);
        if read.is_err() || is_binary(&data) {
            data.clear();
        }
    }
    data
}

/// Returns what to say of a folder below the root of a git repository. `None` means that nothing is around it.
fn around(folder: &Path) -> Option<String> {
    let git = |argument: &str| {
        let mut command = Command::new("git");
        command.arg("-C").arg(folder).args(["rev-parse", argument]).stderr(Stdio::null());
        let output = command.output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let below = git("--show-prefix").filter(|below| !below.is_empty())?;
    let root = git("--show-toplevel")?;
    Some(format!(
        "files of the repository above are not sent: `windlass plan {root} --directory {}` plans the folder with them",
        below.trim_end_matches('/')
    ))
}

/// Lists what git knows, and what git does not ignore. `None` means that the folder is in no repository, that a
/// repository around it ignores all of it, or that there is no git.
fn by_git(folder: &Path) -> Option<Vec<String>> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        // A folder that came with a `.git` of its own may name a program there, which git would run.
        .args(["-c", "core.fsmonitor=false"])
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

/// Returns whether a file holds variables of this machine, often secrets: a repository would ignore it, and no detector
/// reads it.
fn is_environment(name: &str) -> bool {
    (name == ".env" || name.starts_with(".env.")) && !EXAMPLES.iter().any(|end| name.ends_with(end))
}

/// Lists all files but those in folders that tools make again, and `.env` files.
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
                if !is_environment(&name) {
                    paths.push(path);
                }
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
        fs::write(folder.join(".env"), "TOKEN=letmein").unwrap();
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

    /// A folder may be somebody else's: it is planned before it is trusted.
    #[test]
    fn no_program_that_a_folder_names_is_run() {
        use std::os::unix::fs::PermissionsExt;
        let folder = folder("hostile");
        let git = |args: &[&str]| {
            let status = Command::new("git").arg("-C").arg(&folder).args(args).status();
            status.is_ok_and(|status| status.success())
        };
        // A machine without git runs nothing either.
        if !git(&["init", "--quiet"]) {
            return;
        }
        let program = folder.join("monitor.sh");
        fs::write(&program, "#!/bin/sh\ntouch \"$(dirname \"$0\")/ran\"\n").unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(git(&["add", "--all"]));
        assert!(git(&["config", "core.fsmonitor", program.to_str().unwrap()]));
        let paths: Vec<_> =
            list(&folder).unwrap().files.into_iter().map(|entry| entry.path).collect();
        assert_eq!(paths, ["monitor.sh", "src/a.js"]);
        assert!(!folder.join("ran").exists());
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_long_lock_is_sent_in_parts_and_what_is_no_text_without_its_content() {
        let folder = folder("long");
        fs::write(folder.join("uv.lock"), vec![b'x'; 2 * PART + 1]).unwrap();
        fs::write(folder.join("picture.png"), vec![0; SMALL + 1]).unwrap();
        let messages: Vec<_> =
            list(&folder).unwrap().messages(v1::PlanFolderHead::default()).collect();
        let file = |message: &v1::PlanFolderRequest| match &message.part {
            Some(Part::File(file)) => Some((file.path.clone(), file.data.len(), file.more)),
            _ => None,
        };
        let files: Vec<_> = messages.iter().filter_map(file).collect();
        let of_lock = |bytes, more| ("uv.lock".to_owned(), bytes, more);
        assert_eq!(files[0], ("picture.png".into(), 0, false));
        assert_eq!(files[2..], [of_lock(PART, true), of_lock(PART, true), of_lock(1, false)]);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn an_option_that_would_be_left_out_of_account_is_refused() {
        use crate::args::{Args, Command as Asked};
        use clap::Parser;
        for (more, named) in [
            (&[][..], None),
            (&["--revision", "v1"][..], Some("--revision")),
            (&["--cluster", "eu"][..], Some("--cluster")),
            (&["--credential", "git"][..], Some("--credential")),
        ] {
            let args = ["windlass", "plan", "."].iter().chain(more).copied();
            let Asked::Plan { source, .. } = Args::parse_from(args).command else { panic!() };
            match (check(&source), named) {
                (Ok(()), None) => {}
                (Err(error), Some(named)) => assert!(error.to_string().contains(named), "{error}"),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn the_files_of_a_submodule_are_sent_as_a_job_has_them() {
        let folder = folder("submodule");
        let git = |at: &Path, args: &[&str]| {
            let mut git = Command::new("git");
            git.arg("-C").arg(at).args(["-c", "user.name=a", "-c", "user.email=a@b.example"]);
            git.args(args).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
        };
        // A machine without git has no repositories either.
        if !git(&folder, &["init", "--quiet"]) {
            return;
        }
        let theme = folder.join("lib/theme");
        fs::create_dir_all(&theme).unwrap();
        fs::write(theme.join("theme.toml"), "").unwrap();
        assert!(git(&theme, &["init", "--quiet"]));
        assert!(git(&theme, &["add", "--all"]));
        assert!(git(&theme, &["commit", "--quiet", "--message", "one"]));
        assert!(git(&folder, &["add", "--all"]));
        let paths: Vec<_> =
            list(&folder).unwrap().files.into_iter().map(|entry| entry.path).collect();
        assert_eq!(paths, ["lib/theme/theme.toml", "src/a.js"]);
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
