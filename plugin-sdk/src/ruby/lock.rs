//! Gemfile.lock: gems, platforms, versions.

use crate::{
    App, File, Refusal,
    versions::{Asked, Grammar},
};
use std::collections::BTreeSet;

/// Gemfile.lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Names of all gems.
    pub gems: BTreeSet<String>,
    /// Gems with a version that stands for itself: `liquid 4.0.3`.
    pub exact: BTreeSet<String>,
    /// Names of the gems that the Gemfile names.
    pub dependencies: BTreeSet<String>,
    /// Platforms, `x86_64-linux` and `ruby` among them.
    pub platforms: Vec<String>,
    /// Line of `PLATFORMS`. 0 means that there is none.
    pub line: usize,
    /// Version of Ruby with its line: `3.2.2` of `ruby 3.2.2p53`.
    pub ruby: Option<(usize, String)>,
    /// Version of Bundler that wrote it.
    pub bundler: Option<String>,
    /// Gems of `path:`, with the folder.
    pub paths: Vec<String>,
}

/// Reads a lock.
pub(super) fn read(file: &File) -> Lock {
    let mut lock = Lock::default();
    let mut section = "";
    for (number, line) in file.lines() {
        if !line.starts_with(' ') {
            section = line.trim();
            if section == "PLATFORMS" {
                lock.line = number;
            }
            continue;
        }
        let text = line.trim();
        match section {
            "GEM" | "GIT" | "PATH" => {
                if let Some(path) = text.strip_prefix("remote: ")
                    && section == "PATH"
                {
                    lock.paths.push(path.to_owned());
                }
                // Gems have four blanks, their dependencies six.
                if line.starts_with("    ") && !line.starts_with("     ") {
                    let name = text.split(' ').next().unwrap_or_default();
                    lock.gems.insert(name.to_owned());
                    lock.exact.insert(text.replace(['(', ')'], ""));
                }
            }
            "DEPENDENCIES" => {
                let name = text.split([' ', '!']).next().unwrap_or_default();
                lock.dependencies.insert(name.to_owned());
            }
            "PLATFORMS" => lock.platforms.push(text.to_owned()),
            "RUBY VERSION" => {
                let version = text.strip_prefix("ruby ").unwrap_or(text);
                let digits = version.split('p').next().unwrap_or_default().trim();
                lock.ruby = Some((number, digits.to_owned()));
            }
            "BUNDLED WITH" => lock.bundler = Some(text.to_owned()),
            _ => {}
        }
    }
    lock
}

impl Lock {
    /// Reads the lock of that name in the app's folder. `None` means that there is none.
    ///
    /// # Errors
    /// The file is a symlink, too long, or no text.
    pub fn of(app: &App<'_>, name: &str) -> Result<Option<Self>, Refusal> {
        Ok(app.read_large(name, 16 << 20)?.map(|file| read(&file)))
    }

    /// Returns the version of Ruby that wrote the lock, for a chain.
    #[must_use]
    pub fn asked(&self, name: &str) -> Option<Asked> {
        let (line, text) = self.ruby.as_ref()?;
        let source = format!("{name}:{line} RUBY VERSION");
        Some(Asked { text: text.clone(), source, grammar: Grammar::Ruby })
    }

    /// Returns whether gems for Linux on x86-64 are locked. A lock without platforms is of an old Bundler.
    #[must_use]
    pub fn has_linux(&self) -> bool {
        let fits = |name: &String| {
            matches!(&**name, "ruby" | "x86_64-linux" | "x86_64-linux-gnu" | "linux")
        };
        self.platforms.is_empty() || self.platforms.iter().any(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_says_gems_platforms_and_versions() {
        let text = "PATH\n  remote: libs/money\n  specs:\n    money (1.0)\n\nGEM\n  remote: https://gems.example.com/\n  specs:\n    \
                    puma (6.4.2)\n      nio4r (~> 2.0)\n\nPLATFORMS\n  arm64-darwin-23\n\nRUBY VERSION\n   ruby 3.2.2p53\n\n\
                    BUNDLED WITH\n   2.5.3\n";
        let lock = read(&File { path: "Gemfile.lock".into(), text: text.into() });
        assert_eq!(lock.gems.iter().map(|name| &**name).collect::<Vec<_>>(), ["money", "puma"]);
        assert!(!lock.has_linux());
        assert_eq!((lock.line, lock.ruby), (12, Some((16, "3.2.2".to_owned()))));
        assert_eq!(lock.bundler.as_deref(), Some("2.5.3"));
        assert_eq!(lock.paths, ["libs/money"]);
    }
}
