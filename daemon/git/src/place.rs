//! One checkout, and the repositories that it fetches: the job's, and its submodules.

use crate::limits::CheckoutLimits;
use std::{
    cell::{Cell, RefCell},
    path::Path,
};
use url::Url;
use windlass_engine::ports::Pointers;

/// Most submodules of one checkout, those of submodules included.
pub(crate) const MOST: u32 = 64;

/// State that a checkout and those of its submodules share.
pub(crate) struct Checkout<'a> {
    /// Address of the job's repository, whose server the job's login is for.
    url: &'a str,
    /// The job has a login. The daemon keeps it.
    has_login: bool,
    /// Path of the app's folder in the job's repository.
    pub(crate) directory: &'a str,
    pub(crate) limits: &'a CheckoutLimits,
    pub(crate) progress: &'a dyn Fn(&str),
    /// Number of submodules that may still follow.
    pub(crate) submodules_left: Cell<u32>,
    /// Number of files, folders and links that may still follow.
    pub(crate) files_left: Cell<u64>,
    /// Bytes of files that may still follow.
    pub(crate) bytes_left: Cell<u64>,
    pub(crate) pointers: RefCell<Pointers>,
    pub(crate) tags: RefCell<Vec<String>>,
}

/// One repository of a checkout: the job's, or a submodule.
pub(crate) struct Place<'a> {
    pub(crate) url: &'a str,
    /// Folder that the repository is checked out into.
    pub(crate) to: &'a Path,
    /// Path of that folder from the root of the whole checkout. Empty means the root itself.
    pub(crate) path: &'a str,
    /// Number of repositories that enclose this one. 0 means the job's own.
    pub(crate) depth: usize,
}

impl<'a> Checkout<'a> {
    /// Begins the checkout of a job's repository. `progress` takes lines for people.
    pub(crate) fn new(
        url: &'a str,
        has_login: bool,
        directory: &'a str,
        limits: &'a CheckoutLimits,
        progress: &'a dyn Fn(&str),
    ) -> Self {
        Self {
            url,
            has_login,
            directory,
            limits,
            progress,
            submodules_left: Cell::new(MOST),
            files_left: Cell::new(limits.max_files),
            bytes_left: Cell::new(limits.max_bytes),
            pointers: RefCell::default(),
            tags: RefCell::default(),
        }
    }

    /// Adds the pointers of one repository that are within the app's folder.
    pub(crate) fn note(&self, pointers: &[Vec<u8>], path: &str) {
        let mut noted = self.pointers.borrow_mut();
        for pointer in pointers {
            let full = within(path, &String::from_utf8_lossy(pointer));
            if concerns(self.directory, &full) {
                noted.count += 1;
                if noted.files.len() < Pointers::NAMED {
                    noted.files.push(full);
                }
            }
        }
    }

    /// Returns whether the job has a login, and the server of `url` does not get it.
    pub(crate) fn withholds_login(&self, url: &str) -> bool {
        let (own, other) = (Url::parse(self.url), Url::parse(url));
        self.has_login
            && !matches!((own, other), (Ok(own), Ok(other)) if is_same_server(&own, &other))
    }
}

/// Returns whether a path is within the app's folder, or the app's folder within that path.
pub(crate) fn concerns(directory: &str, path: &str) -> bool {
    let parts = |path: &'_ str| -> Vec<String> {
        let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
        parts.map(str::to_owned).collect()
    };
    parts(directory).iter().zip(&parts(path)).all(|(one, other)| one == other)
}

/// Joins a path to its folder. Empty means that the folder is the root.
pub(crate) fn within(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}

/// Returns whether two URLs are of the same server, so that a login for one may be sent to the other.
pub(crate) fn is_same_server(one: &Url, other: &Url) -> bool {
    let server = |url: &Url| {
        (url.scheme().to_owned(), url.host_str().map(str::to_owned), url.port_or_known_default())
    };
    server(one) == server(other)
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
