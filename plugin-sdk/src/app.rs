//! The app that a detector or a test runner is asked about.

use crate::{
    file::File,
    paths::join,
    refusal::Refusal,
    tree::{EntryKind, Tree},
};

/// Length in bytes that [`App::read`] reads.
const LONGEST: u32 = 1 << 20;

/// An app: a folder of a repository. Paths are relative to that folder, unless a function says otherwise.
pub struct App<'a> {
    /// The whole repository.
    pub repo: &'a Tree<'a>,
    /// Folder of the app. `""` means the repository's root.
    pub folder: &'a str,
    /// Files below the folder that match the manifest's markers, the nearest first, at most 1,000.
    pub matched: &'a [String],
    /// `build.recipe` names this detector.
    pub named: bool,
    versions: &'a [(String, String)],
}

impl<'a> App<'a> {
    /// Describes an app. `versions` are those of `[build] versions`.
    #[must_use]
    pub fn new(
        repo: &'a Tree<'a>,
        folder: &'a str,
        matched: &'a [String],
        named: bool,
        versions: &'a [(String, String)],
    ) -> Self {
        Self { repo, folder, matched, named, versions }
    }

    /// Reads a text file of up to 1 MiB. `None` means that there is none.
    ///
    /// # Errors
    /// The file is a symlink, too long, or no text.
    pub fn read(&self, path: &str) -> Result<Option<File>, Refusal> {
        self.read_large(path, LONGEST)
    }

    /// Reads a text file of the app's folder, or of the nearest folder above that has it.
    ///
    /// # Errors
    /// As [`App::read`].
    pub fn read_above(&self, path: &str) -> Result<Option<File>, Refusal> {
        let mut folder = self.folder;
        loop {
            let found = match join(folder, path) {
                Some(path) => read(self.repo, path, LONGEST)?,
                None => None,
            };
            if found.is_some() || folder.is_empty() {
                return Ok(found);
            }
            folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        }
    }

    /// Reads a text file by its path from the repository's root.
    ///
    /// # Errors
    /// As [`App::read`].
    pub fn read_repo(&self, path: &str) -> Result<Option<File>, Refusal> {
        match join("", path) {
            Some(path) => read(self.repo, path, LONGEST),
            None => Ok(None),
        }
    }

    /// Reads a text file of up to `max` bytes: a lock file may have 16 MiB.
    ///
    /// # Errors
    /// As [`App::read`].
    pub fn read_large(&self, path: &str, max: u32) -> Result<Option<File>, Refusal> {
        match join(self.folder, path) {
            Some(path) => read(self.repo, path, max),
            None => Ok(None),
        }
    }

    /// Returns whether there is a file.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        join(self.folder, path).is_some_and(|path| kind(self.repo, &path) == Some(EntryKind::File))
    }

    /// Returns whether there is a folder.
    #[must_use]
    pub fn has_dir(&self, path: &str) -> bool {
        join(self.folder, path).is_some_and(|path| kind(self.repo, &path) == Some(EntryKind::Dir))
    }

    /// Returns whether there is a file, by its path from the repository's root.
    #[must_use]
    pub fn has_repo(&self, path: &str) -> bool {
        join("", path).is_some_and(|path| kind(self.repo, &path) == Some(EntryKind::File))
    }

    /// Returns the files of the app that match one of the patterns, the nearest first. Empty where the host cannot
    /// look.
    #[must_use]
    pub fn glob(&self, patterns: &[&str], limit: u32) -> Vec<String> {
        if self.folder.is_empty() {
            return self.repo.glob(patterns, limit).unwrap_or_default();
        }
        // A folder's name may hold letters that a pattern reads as its own.
        let folder: String =
            self.folder.chars().map(|c| if "*?{},[]".contains(c) { '?' } else { c }).collect();
        let patterns: Vec<String> =
            patterns.iter().map(|pattern| format!("{folder}/{pattern}")).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        let found = self.repo.glob(&patterns, limit).unwrap_or_default();
        let relative =
            |path: String| path.strip_prefix(self.folder)?.strip_prefix('/').map(str::to_owned);
        found.into_iter().filter_map(relative).collect()
    }

    /// Returns the version that `[build] versions` asks for.
    #[must_use]
    pub fn wish(&self, runtime: &str) -> Option<&str> {
        self.versions.iter().find(|(name, _)| name == runtime).map(|(_, version)| version.as_str())
    }

    /// Returns a path from the repository's root.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        join(self.folder, path).unwrap_or_else(|| path.to_owned())
    }

    /// Makes a refusal.
    #[must_use]
    pub fn refused(
        &self,
        language: &str,
        score: u8,
        reason: impl Into<String>,
        hint: impl Into<String>,
    ) -> Refusal {
        Refusal::new(reason, hint).of(language, score)
    }
}

fn kind(tree: &Tree<'_>, path: &str) -> Option<EntryKind> {
    tree.stat(path).ok().flatten().map(|entry| entry.kind)
}

fn read(tree: &Tree<'_>, path: String, max: u32) -> Result<Option<File>, Refusal> {
    let text = match tree.read_text(&path, max) {
        Ok(Some(text)) => text,
        Ok(None) if kind(tree, &path) == Some(EntryKind::Symlink) => {
            let hint = "commit the file itself: symlinks are not followed";
            return Err(Refusal::new(format!("`{path}` is a symlink"), hint));
        }
        Ok(None) => return Ok(None),
        Err(error) => {
            let size = tree.stat(&path).ok().flatten().map_or(0, |entry| entry.size);
            if size > u64::from(max) {
                let reason = format!("`{path}` has {size} bytes, and at most {max} are read");
                return Err(Refusal::new(reason, "commit a shorter file of that name"));
            }
            let hint = "commit it as UTF-8 text";
            return Err(Refusal::new(format!("`{path}` cannot be read: {}", error.message), hint));
        }
    };
    let text = match text.strip_prefix('\u{feff}') {
        Some(text) => text.to_owned(),
        None => text,
    };
    let file = File { path, text };
    if let Some(at) = file.text.find('\0') {
        let (line, column) = file.position(at);
        let reason = format!("`{}:{line}:{column}`: a byte 0, which no text has", file.path);
        return Err(Refusal::new(reason, "commit it as UTF-8 text"));
    }
    Ok(Some(file))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Item;
    use std::collections::BTreeMap;

    fn tree() -> Tree<'static> {
        let mut items = BTreeMap::new();
        for (path, text) in [
            ("package.json", "{}"),
            (".nvmrc", "\u{feff}22\r\n"),
            ("apps/[web]/main.js", "1"),
            ("apps/[web]/deep/a.js", "1"),
            ("apps/x/main.js", "1"),
            ("zero", "a\nb\0"),
        ] {
            items.insert(path.to_owned(), Item::File(text.to_owned()));
        }
        items.insert("apps/[web]/package.json".into(), Item::Symlink);
        items.insert("long".into(), Item::File("x".repeat(LONGEST as usize + 1)));
        Tree::items(items)
    }

    #[test]
    fn files_are_read_in_the_app_above_it_and_from_the_root() {
        let tree = tree();
        let app = App::new(&tree, "apps/[web]", &[], false, &[]);
        assert_eq!(app.read(".nvmrc"), Ok(None));
        let above = app.read_above(".nvmrc").unwrap().unwrap();
        assert_eq!((&*above.path, &*above.text), (".nvmrc", "22\r\n"));
        assert_eq!(app.read_repo("package.json").unwrap().unwrap().text, "{}");
        assert_eq!(app.read("../../package.json").unwrap().unwrap().path, "package.json");
        assert_eq!(app.read("../../../package.json"), Ok(None));
        assert!(app.has("main.js") && !app.has("deep") && app.has_dir("deep"));
        assert!(app.has_repo("package.json") && !app.has("package.json"));
        assert_eq!(app.glob(&["**/*.js"], 9), ["main.js", "deep/a.js"]);
        assert_eq!(app.at("./a"), "apps/[web]/a");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_refused_by_name() {
        let tree = tree();
        let app = App::new(&tree, "apps/[web]", &[], false, &[]);
        let reason = |read: Result<Option<File>, Refusal>| read.unwrap_err().reason;
        assert_eq!(reason(app.read("package.json")), "`apps/[web]/package.json` is a symlink");
        assert!(reason(app.read_repo("long")).contains("has 1048577 bytes, and at most 1048576"));
        assert!(reason(app.read_repo("zero")).starts_with("`zero:2:2`"));
    }
}
