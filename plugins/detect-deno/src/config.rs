//! Settings of Deno, and the workspace that they belong to.

use windlass_plugin_sdk::{
    App, Candidate, Refusal, join,
    read::{self, Node, Value},
    within,
};

/// Names of Deno's settings.
const NAMES: [&str; 2] = ["deno.json", "deno.jsonc"];

/// A `deno.json` or `deno.jsonc`.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    /// Path from the repository's root.
    pub(crate) path: String,
    pub(crate) root: Node,
}

impl Config {
    /// Reads the settings of a folder.
    pub(crate) fn read(app: &App<'_>, folder: &str) -> Result<Option<Self>, Refusal> {
        for name in NAMES {
            let path = within(folder, name);
            if let Some(file) = app.read_repo(&path)? {
                return Ok(Some(Self { root: read::jsonc(&file)?, path }));
            }
        }
        Ok(None)
    }

    /// Returns the command of a task, and where it stands.
    pub(crate) fn task(&self, name: &str) -> Option<(&str, String)> {
        let node = self.root.at(&["tasks", name])?;
        let command = node.text().or_else(|| node.get("command")?.text())?;
        Some((command, format!("{}:{} tasks.{name}", self.path, node.line)))
    }

    /// Returns whether versions are kept in a lock.
    pub(crate) fn is_locked(&self) -> bool {
        self.root.get("lock").and_then(Node::bool) != Some(false)
    }

    /// Returns the folders of the workspace, from the repository's root.
    pub(crate) fn members(&self, app: &App<'_>, folder: &str) -> Vec<String> {
        let Some(node) = self.root.get("workspace") else { return Vec::new() };
        let list = match &node.value {
            Value::List(list) => list.as_slice(),
            _ => node.get("members").map(Node::list).unwrap_or_default(),
        };
        let mut folders = Vec::new();
        for pattern in list.iter().filter_map(Node::text) {
            let Some(at) = join(folder, pattern) else { continue };
            if !at.contains('*') {
                folders.push(at);
                continue;
            }
            for name in NAMES {
                let found = app.repo.glob(&[&within(&at, name)], 500).unwrap_or_default();
                let all = found.iter().filter_map(|path| path.rsplit_once('/'));
                folders.extend(all.map(|(folder, _)| folder.to_owned()));
            }
        }
        folders.sort();
        folders.dedup();
        folders
    }
}

/// Returns the folder of the workspace that the app's folder is a member of.
pub(crate) fn workspace(app: &App<'_>) -> Result<Option<String>, Refusal> {
    let mut folder = app.folder;
    while let Some((above, _)) =
        folder.rsplit_once('/').or((!folder.is_empty()).then_some(("", "")))
    {
        if let Some(config) = Config::read(app, above)?
            && config.members(app, above).iter().any(|member| member == app.folder)
        {
            return Ok(Some(above.to_owned()));
        }
        folder = above;
    }
    Ok(None)
}

/// Returns the members of the app's own workspace that are started by a task or a main file.
pub(crate) fn candidates(app: &App<'_>, config: &Config) -> Result<Vec<Candidate>, Refusal> {
    let mut candidates = Vec::new();
    for folder in config.members(app, app.folder).into_iter().take(100) {
        let Some(member) = Config::read(app, &folder)? else { continue };
        let has_main = app.has_repo(&within(&folder, "main.ts"));
        if member.task("start").is_some() || has_main {
            let name = member.root.get("name").and_then(Node::text).unwrap_or_default().to_owned();
            candidates.push(Candidate { folder, language: "deno".into(), name });
        }
    }
    Ok(candidates)
}
