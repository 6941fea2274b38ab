//! Submodules: fetched into their folders under the egress policy of the repository that names them,
//! or refused by name. A folder that should hold one is never left empty.

use crate::{
    fetch::{Checkout, fetch},
    protocol::{Answer, Failed, Login, Remote, Wanted},
};
use git2::{Commit, FileMode, Oid, Repository};
use gix::bstr::ByteSlice;
use std::{
    fs,
    path::{Path, PathBuf},
};
use url::Url;
use windlass_model::{error::GitError, repository::shown, revision::is_ref_name};

/// Submodules of one checkout, those of submodules included.
pub(crate) const MOST: u32 = 64;

/// Submodules within submodules.
const DEEPEST: usize = 8;

/// The bytes that all submodules of one checkout may send.
pub(crate) const LARGEST: u64 = 4 << 30;

/// The largest `.gitmodules` that is read.
const LONGEST: usize = 256 << 10;

/// The characters of an address that an error shows.
const LONGEST_SHOWN: usize = 200;

/// The file that says where submodules are.
const FILE: &str = ".gitmodules";

/// An entry of `.gitmodules`.
#[derive(Debug, PartialEq, Eq)]
struct Module {
    path: String,
    url: String,
    /// Where to look for a commit that is not handed out by id. Empty means HEAD.
    branch: String,
}

/// One repository of a checkout: the job's, or a submodule.
pub(crate) struct Place<'a> {
    pub(crate) remote: &'a Remote,
    /// Its folder.
    pub(crate) to: &'a Path,
    /// The same, from the root of the whole checkout. Empty at the root itself.
    pub(crate) path: &'a str,
    /// The number of repositories around it.
    pub(crate) depth: usize,
}

/// Fetches the submodules of a commit that concern the app's folder.
pub(crate) fn fetch_all(
    repository: &Repository,
    commit: &Commit<'_>,
    submodules: &[(Vec<u8>, Oid)],
    place: &Place<'_>,
    checkout: &Checkout<'_>,
) -> Result<(), Failed> {
    let ours: Vec<(String, &Oid)> = submodules
        .iter()
        .map(|(path, id)| (String::from_utf8_lossy(path).into_owned(), id))
        .filter(|(path, _)| concerns(checkout.directory, &within(place.path, path)))
        .collect();
    let Some((first, _)) = ours.first() else { return Ok(()) };
    let modules = read(repository, commit).map_err(|message| Failed::Submodule {
        path: within(place.path, first),
        url: String::new(),
        message,
    })?;
    for (path, id) in &ours {
        let full = within(place.path, path);
        // A file may say an address of any length.
        let refuse = |url: &str, message: String| Failed::Submodule {
            path: full.clone(),
            url: shown(url).chars().take(LONGEST_SHOWN).collect(),
            message: message.chars().take(2 * LONGEST_SHOWN).collect(),
        };
        let module = modules.iter().find(|module| module.path == *path);
        let module =
            module.ok_or_else(|| refuse("", format!("{FILE} does not say where it is")))?;
        let asked = address(&place.remote.url, &module.url).map_err(|m| refuse(&module.url, m))?;
        let url = checkout.egress.check(&asked).map_err(|error| match error {
            GitError::Unreachable { message, .. } => {
                Failed::Unreachable(format!("submodule `{full}` of {}: {message}", shown(&asked)))
            }
            GitError::Egress { message, .. } | GitError::Address { message, .. } => {
                refuse(&asked, format!("its URL is not allowed: {message}"))
            }
            other => refuse(&asked, other.to_string()),
        })?;
        if place.depth >= DEEPEST {
            return Err(refuse(url.as_str(), format!("is within more than {DEEPEST} others")));
        }
        let left = checkout.submodules_left.get();
        let left = left.checked_sub(1).ok_or_else(|| {
            refuse(
                url.as_str(),
                format!("there are more than {MOST}, those of submodules included"),
            )
        })?;
        checkout.submodules_left.set(left);
        let folder = empty_folder(place.to, path).map_err(|why| refuse(url.as_str(), why))?;
        let login = checkout.login_for(&url).cloned();
        let withheld = login.is_none() && checkout.login.is_some();
        (checkout.say)(&format!("submodule {full}: {id} of {url}"));
        crate::child::say(&Answer::Server(url.to_string()));
        let wanted = Wanted { commit: id.to_string(), branch: module.branch.clone() };
        let remote = Remote { url: url.to_string(), login };
        let inner = Place { remote: &remote, to: &folder, path: &full, depth: place.depth + 1 };
        fetch(&wanted, &inner, checkout)
            .map_err(|failed| named(failed, &full, url.as_str(), id, withheld))?;
    }
    Ok(())
}

/// Names the submodule in a failure of its own; failures of those within it are named already.
fn named(failed: Failed, path: &str, url: &str, id: &Oid, withheld: bool) -> Failed {
    let message = match failed {
        Failed::Unreachable(message) => {
            return Failed::Unreachable(format!("submodule `{path}` of {url}: {message}"));
        }
        Failed::Submodule { .. } | Failed::Full(_) => return failed,
        Failed::Denied(message) if withheld => format!(
            "it wants a login ({message}), and `source.credential` is sent to the repository's own host alone"
        ),
        Failed::Denied(message) => format!("it refused the login: {message}"),
        Failed::NoRepository => "there is no such repository".into(),
        Failed::NoCommit(message) => format!("it has no commit {id}: {message}"),
        Failed::NoRevision(message) | Failed::Ambiguous(message) | Failed::Other(message) => {
            message
        }
    };
    Failed::Submodule { path: path.into(), url: url.into(), message }
}

/// Reads `.gitmodules` of a commit. Its includes are not followed.
fn read(repository: &Repository, commit: &Commit<'_>) -> Result<Vec<Module>, String> {
    let told = |error: git2::Error| error.message().to_owned();
    let Ok(entry) = commit.tree().map_err(told)?.get_path(Path::new(FILE)) else {
        return Ok(Vec::new());
    };
    if entry.filemode() == i32::from(FileMode::Link) {
        return Err(format!("{FILE} is a symlink"));
    }
    let blob = entry.to_object(repository).and_then(|object| object.peel_to_blob());
    let blob = blob.map_err(told)?;
    if blob.content().len() > LONGEST {
        return Err(format!("{FILE} has more than {LONGEST} bytes"));
    }
    parse(blob.content())
}

fn parse(text: &[u8]) -> Result<Vec<Module>, String> {
    let none: Option<PathBuf> = None;
    let file = gix::submodule::File::from_bytes(text, none, &gix::config::File::default())
        .map_err(|error| format!("{FILE} cannot be read: {error}"))?;
    let mut modules = Vec::new();
    for name in file.names() {
        let value = |key: &str| {
            let value = file.config().string_by("submodule", Some(name), key);
            value.map(|value| value.to_str_lossy().into_owned()).unwrap_or_default()
        };
        // `.` is the parent's branch, which need not be one of the submodule.
        let branch = Some(value("branch")).filter(|branch| branch != "." && is_ref_name(branch));
        modules.push(Module {
            path: value("path").trim_end_matches('/').to_owned(),
            url: value("url"),
            branch: branch.unwrap_or_default(),
        });
    }
    Ok(modules)
}

/// Resolves a submodule's URL: one that begins with `./` or `../` is relative to its parent's.
fn address(parent: &str, url: &str) -> Result<String, String> {
    if url.is_empty() {
        return Err(format!("{FILE} does not say its URL"));
    }
    if !url.starts_with("./") && !url.starts_with("../") {
        return Ok(url.to_owned());
    }
    let mut base = Url::parse(parent).map_err(|error| error.to_string())?;
    let path = base.path().to_owned();
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for part in url.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                let above = || format!("its URL `{url}` leads out of the server of {parent}");
                parts.pop().ok_or_else(above)?;
            }
            part => parts.push(part),
        }
    }
    base.set_path(&format!("/{}", parts.join("/")));
    Ok(base.into())
}

/// Returns the folder of a submodule, which the checkout of its parent made.
fn empty_folder(to: &Path, path: &str) -> Result<PathBuf, String> {
    let mut folder = to.to_owned();
    for part in path.split('/') {
        if matches!(part, "" | "." | "..") || part.eq_ignore_ascii_case(".git") {
            return Err("its path leads out of the tree".into());
        }
        folder.push(part);
        let found = fs::symlink_metadata(&folder);
        if !found.map_err(|error| format!("its folder: {error}"))?.is_dir() {
            return Err("its path leads through something that is no folder".into());
        }
    }
    let mut entries = fs::read_dir(&folder).map_err(|error| format!("its folder: {error}"))?;
    if entries.next().is_some() {
        return Err("its folder holds files of its parent".into());
    }
    Ok(folder)
}

/// Whether a path is within the app's folder, or the app's folder within that path.
pub(crate) fn concerns(directory: &str, path: &str) -> bool {
    let parts = |path: &'_ str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        parts.map(str::to_owned).collect()
    };
    parts(directory).iter().zip(&parts(path)).all(|(one, other)| one == other)
}

/// Joins a path to its folder's, which is empty at the root.
pub(crate) fn within(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// Whether two URLs are of the same server, so that a login for one may be sent to the other.
pub(crate) fn is_same_server(one: &Url, other: &Url) -> bool {
    let server = |url: &Url| {
        (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
    };
    server(one) == server(other)
}

impl Checkout<'_> {
    /// The login, where `url` is of the server that it is for.
    fn login_for(&self, url: &Url) -> Option<&Login> {
        let is_its_own = Url::parse(self.url).is_ok_and(|own| is_same_server(&own, url));
        self.login.filter(|_| is_its_own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn relative_urls_are_resolved_as_git_does() {
        for (parent, url, expected) in [
            ("https://h/org/shop.git", "../theme.git", "https://h/org/theme.git"),
            ("https://h/org/shop.git", "../../other/theme", "https://h/other/theme"),
            ("https://h/org/shop.git/", "./theme", "https://h/org/shop.git/theme"),
            ("git://h:9418/shop.git", "../theme.git", "git://h:9418/theme.git"),
            ("https://h/shop.git", "https://other/theme.git", "https://other/theme.git"),
            ("https://h/shop.git", "git@h:theme.git", "git@h:theme.git"),
        ] {
            assert_eq!(address(parent, url).unwrap(), expected, "{parent} {url}");
        }
        let error = address("https://h/shop.git", "../../theme.git").unwrap_err();
        assert!(error.contains("leads out of the server"), "{error}");
        address("https://h/shop.git", "").unwrap_err();
    }

    #[test]
    fn a_file_says_path_url_and_branch() {
        let text = b"[include]\n\tpath = /etc/passwd\n[submodule \"a theme\"]\n\tpath = theme\n\
                     \turl = ../theme.git\n\tbranch = stable\n[submodule \"b\"]\n\tpath = x/b/\n\turl = b\n\tbranch = .\n";
        let module = |path: &str, url: &str, branch: &str| Module {
            path: path.into(),
            url: url.into(),
            branch: branch.into(),
        };
        let expected = [module("theme", "../theme.git", "stable"), module("x/b", "b", "")];
        assert_eq!(parse(text).unwrap(), expected);
        assert_eq!(parse(b"").unwrap(), []);
        parse(b"[submodule").unwrap_err();
    }

    #[test]
    fn a_login_stays_with_its_server() {
        let same = |one: &str, other: &str| {
            is_same_server(&Url::parse(one).unwrap(), &Url::parse(other).unwrap())
        };
        assert!(same("https://h/a", "https://h:443/b/c"));
        assert!(same("git://h:9418/a", "git://h:9418/b"));
        for other in ["http://h/a", "https://h:8443/a", "https://h2/a", "https://h.example/a"] {
            assert!(!same("https://h/a", other), "{other}");
        }
    }

    #[test]
    fn only_what_concerns_the_apps_folder_is_fetched() {
        for (directory, path, expected) in [
            (".", "theme", true),
            ("", "a/b", true),
            ("app", "app/theme", true),
            ("./app/", "app", true),
            ("app/theme/site", "app/theme", true),
            ("app", "docs/theme", false),
            ("app", "app2", false),
        ] {
            assert_eq!(concerns(directory, path), expected, "{directory} {path}");
        }
    }

    #[test]
    fn a_folder_that_is_none_of_its_own_is_refused() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("a/empty")).unwrap();
        fs::create_dir_all(root.path().join("full")).unwrap();
        fs::write(root.path().join("full/file"), "").unwrap();
        symlink("/tmp", root.path().join("link")).unwrap();
        assert_eq!(empty_folder(root.path(), "a/empty").unwrap(), root.path().join("a/empty"));
        for bad in
            ["full", "full/file", "link", "link/x", "none", "../x", "a/../full", ".git", "a//x"]
        {
            empty_folder(root.path(), bad).unwrap_err();
        }
    }
}
