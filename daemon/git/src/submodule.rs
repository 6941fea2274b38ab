//! Submodules of a commit, under the same egress policy as its repository.
//!
//! Each is fetched, or refused by name. The folder of a submodule is never left empty.

use crate::{
    link,
    place::{Checkout, MOST, Place, concerns, within},
    protocol::{FetchError, Wanted},
};
use git2::{Commit, FileMode, Oid, Repository};
use gix::bstr::ByteSlice;
use std::{
    fs,
    path::{Path, PathBuf},
};
use url::Url;
use windlass_model::{repository::shown, revision::is_ref_name};

/// Most submodules that enclose one another.
const DEEPEST: usize = 8;

/// Bytes of the largest `.gitmodules` that is read.
const LONGEST: usize = 256 << 10;

/// Characters of an address that an error shows.
const LONGEST_SHOWN: usize = 200;

/// File that lists paths and addresses of submodules.
const FILE: &str = ".gitmodules";

/// An entry of `.gitmodules`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Module {
    path: String,
    url: String,
    /// Branch to search if the commit cannot be fetched by its id. Empty means HEAD.
    branch: String,
}

/// A submodule of a commit that concerns the app's folder.
pub(crate) struct Submodule {
    /// Path of the submodule's folder within its parent's.
    path: String,
    /// Path of that folder from the root of the whole checkout.
    full: String,
    id: Oid,
    /// `None` means that `.gitmodules` has no such path.
    module: Option<Module>,
}

/// A submodule that may be fetched: the address is allowed, and the folder is empty.
pub(crate) struct Source {
    pub(crate) url: String,
    pub(crate) wanted: Wanted,
    pub(crate) folder: PathBuf,
    /// Path of the folder from the root of the whole checkout.
    pub(crate) path: String,
    /// The job has a login, but for another server only.
    withheld: bool,
}

/// Returns the submodules of a commit that concern the app's folder.
pub(crate) fn find(
    repository: &Repository,
    commit: &Commit<'_>,
    submodules: &[(Vec<u8>, Oid)],
    place: &Place<'_>,
    checkout: &Checkout<'_>,
) -> Result<Vec<Submodule>, FetchError> {
    let paths = submodules.iter().map(|(path, id)| (String::from_utf8_lossy(path), id));
    let mut ours: Vec<_> = paths
        .map(|(path, id)| Submodule {
            full: within(place.path, &path),
            path: path.into_owned(),
            id: *id,
            module: None,
        })
        .filter(|one| concerns(checkout.directory, &one.full))
        .collect();
    let Some(first) = ours.first() else { return Ok(ours) };
    let modules = read(repository, commit).map_err(|message| FetchError::Submodule {
        path: first.full.clone(),
        url: String::new(),
        message,
    })?;
    for one in &mut ours {
        one.module = modules.iter().find(|module| module.path == one.path).cloned();
    }
    Ok(ours)
}

impl Submodule {
    /// Checks that this submodule of `place` may be fetched, and counts it.
    pub(crate) fn admit(
        &self,
        place: &Place<'_>,
        checkout: &Checkout<'_>,
    ) -> Result<Source, FetchError> {
        let module = self.module.as_ref();
        let module =
            module.ok_or_else(|| self.refuse("", format!("{FILE} does not say where it is")))?;
        let asked =
            address(place.url, &module.url).map_err(|message| self.refuse(&module.url, message))?;
        let url = link::admit(&asked).map_err(|error| match error {
            FetchError::Unreachable(message) => unreachable(&self.full, &shown(&asked), &message),
            FetchError::Egress { message, .. } | FetchError::Address { message, .. } => {
                self.refuse(&asked, format!("its URL is not allowed: {message}"))
            }
            local @ FetchError::Local(_) => local,
            other => self.refuse(&asked, other.sentence()),
        })?;
        if place.depth >= DEEPEST {
            let message = format!("is within more than {DEEPEST} others");
            return Err(self.refuse(&url, message));
        }
        let left = checkout.submodules_left.get().checked_sub(1).ok_or_else(|| {
            let message = format!("there are more than {MOST}, those of submodules included");
            self.refuse(&url, message)
        })?;
        checkout.submodules_left.set(left);
        let folder =
            empty_folder(place.to, &self.path).map_err(|message| self.refuse(&url, message))?;
        Ok(Source {
            withheld: checkout.withholds_login(&url),
            url,
            wanted: Wanted { commit: self.id.to_string(), branch: module.branch.clone() },
            folder,
            path: self.full.clone(),
        })
    }

    /// Makes the error of a refusal, cut: `.gitmodules` may have an address of any length.
    fn refuse(&self, url: &str, message: String) -> FetchError {
        FetchError::Submodule {
            path: self.full.clone(),
            url: shown(url).chars().take(LONGEST_SHOWN).collect(),
            message: message.chars().take(2 * LONGEST_SHOWN).collect(),
        }
    }
}

impl Source {
    /// Names the submodule in an error. Errors of submodules within it name theirs already.
    pub(crate) fn named(&self, error: FetchError) -> FetchError {
        let message = match error {
            FetchError::Unreachable(message) => {
                return unreachable(&self.path, &self.url, &message);
            }
            FetchError::Submodule { .. }
            | FetchError::Full(_)
            | FetchError::Local(_)
            | FetchError::Tree { .. } => return error,
            FetchError::Address { url, message } | FetchError::Egress { url, message } => {
                format!("{url} {message}")
            }
            FetchError::Denied(message) if self.withheld => format!(
                "it wants a login ({message}), and `source.credential` is sent to the repository's own host alone"
            ),
            FetchError::Denied(message) => format!("it refused the login: {message}"),
            FetchError::NoRepository => "there is no such repository".into(),
            FetchError::NoCommit(message) => {
                format!("it has no commit {}: {message}", self.wanted.commit)
            }
            FetchError::Missing { commit, message } => {
                format!("it has no commit {commit}: {message}")
            }
            FetchError::NoRevision(message)
            | FetchError::Ambiguous(message)
            | FetchError::Other(message) => message,
        };
        FetchError::Submodule { path: self.path.clone(), url: self.url.clone(), message }
    }
}

fn unreachable(path: &str, url: &str, message: &str) -> FetchError {
    FetchError::Unreachable(format!("submodule `{path}` of {url}: {message}"))
}

/// Reads `.gitmodules` of a commit. Includes in the file are not followed.
fn read(repository: &Repository, commit: &Commit<'_>) -> Result<Vec<Module>, String> {
    let message = |error: git2::Error| error.message().to_owned();
    let Ok(entry) = commit.tree().map_err(message)?.get_path(Path::new(FILE)) else {
        return Ok(Vec::new());
    };
    if entry.filemode() == i32::from(FileMode::Link) {
        return Err(format!("{FILE} is a symlink"));
    }
    let blob = entry.to_object(repository).and_then(|object| object.peel_to_blob());
    let blob = blob.map_err(message)?;
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

/// Resolves a submodule's URL. A URL that begins with `./` or `../` is relative to the parent's.
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
