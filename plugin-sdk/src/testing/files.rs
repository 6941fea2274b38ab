//! A tree of a test, with what the user and the operator say of it.

use crate::{
    app::App,
    host,
    paths::join,
    tree::{Item, Tree},
};
use std::collections::BTreeMap;

/// Most files that a detector gets as matched.
const MOST: u32 = 1_000;

/// Files of a test.
#[derive(Clone, Debug, Default)]
pub struct Files {
    items: BTreeMap<String, Item>,
    folder: String,
    versions: Vec<(String, String)>,
    prefer: BTreeMap<String, String>,
    named: bool,
    tools: Vec<String>,
}

impl Files {
    /// Adds a file, or replaces it.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, text: impl Into<String>) -> Self {
        self.items.insert(path.into(), Item::File(text.into()));
        self
    }

    /// Removes a file.
    #[must_use]
    pub fn without(mut self, path: &str) -> Self {
        self.items.remove(path);
        self
    }

    /// Adds a symlink.
    #[must_use]
    pub fn link(mut self, path: impl Into<String>) -> Self {
        self.items.insert(path.into(), Item::Symlink);
        self
    }

    /// Sets the app's folder (`source.directory`).
    #[must_use]
    pub fn app(mut self, folder: &str) -> Self {
        folder.clone_into(&mut self.folder);
        self
    }

    /// Sets a version that the user asks for (`build.versions`).
    #[must_use]
    pub fn wish(mut self, runtime: &str, version: &str) -> Self {
        self.versions.push((runtime.to_owned(), version.to_owned()));
        self
    }

    /// Sets a version that the operator prefers.
    #[must_use]
    pub fn prefer(mut self, runtime: &str, version: &str) -> Self {
        self.prefer.insert(runtime.to_owned(), version.to_owned());
        self
    }

    /// Has the user name this detector (`build.recipe`).
    #[must_use]
    pub fn named(mut self) -> Self {
        self.named = true;
        self
    }

    /// Adds a tool of the recipe, for test runners: `pnpm 9`.
    #[must_use]
    pub fn tool(mut self, tool: &str) -> Self {
        self.tools.push(tool.to_owned());
        self
    }

    /// Returns the tree.
    #[must_use]
    pub fn tree(&self) -> Tree<'static> {
        Tree::items(self.items.clone())
    }

    /// Calls a function with the app. `markers` are a manifest's.
    pub fn run<T>(&self, markers: &[String], with: impl FnOnce(&App<'_>) -> T) -> T {
        let settings = serde_json::json!({ "prefer": self.prefer });
        host::native::configure(settings.to_string());
        let tree = self.tree();
        let markers: Vec<&str> = markers.iter().map(String::as_str).collect();
        let matched =
            App::new(&tree, &self.folder, &[], self.named, &self.versions).glob(&markers, MOST);
        let app = App::new(&tree, &self.folder, &matched, self.named, &self.versions);
        let answer = with(&app);
        host::native::configure(String::new());
        answer
    }

    /// Returns the tools of the recipe.
    pub(super) fn tools(&self) -> Vec<String> {
        self.tools.clone()
    }

    /// Returns the working directory of a stage whose context is the repository's root.
    pub(super) fn workdir(&self) -> String {
        format!("/{}", join("app", &self.folder).unwrap_or_default())
    }

    /// Returns the files without the symlinks.
    pub(super) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.items.iter().filter_map(|(path, item)| match item {
            Item::File(text) => Some((path.as_str(), text.as_str())),
            Item::Symlink => None,
        })
    }
}
