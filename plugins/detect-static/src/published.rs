//! Folders that files of hosts of static sites name: `netlify.toml`, `vercel.json`.

use crate::{site::below, staticfile::Staticfile};
use windlass_plugin_sdk::{
    App, Refusal,
    read::{self, Node},
};

/// Files of generators, whose folder is known without a host.
const GENERATORS: [&str; 10] = [
    "hugo.toml",
    "hugo.yaml",
    "hugo.json",
    "config.toml",
    "config.yaml",
    "config/_default/hugo.toml",
    "config/_default/config.toml",
    "_config.yml",
    "mkdocs.yml",
    "book.toml",
];

/// Reads the folder that `scripts.build` leaves for a host. `None` means that nothing names one below the app's.
///
/// # Errors
/// The file cannot be parsed, or the folder is outside of the app's.
pub(crate) fn read(app: &App<'_>) -> Result<Option<Staticfile>, Refusal> {
    if GENERATORS.iter().any(|file| app.has(file)) {
        return Ok(None);
    }
    if let Some(file) = app.read("netlify.toml")? {
        let node = read::toml(&file)?;
        let base = node.at(&["build", "base"]).and_then(Node::text).unwrap_or_default();
        // Another command leaves its own folder.
        let command = node.at(&["build", "command"]).and_then(Node::text);
        let is_own = command.is_none_or(|line| line.split_whitespace().any(|word| word == "build"));
        let is_own = is_own && matches!(base, "" | "." | "/");
        let found = node.at(&["build", "publish"]).filter(|_| is_own);
        // A rewrite of all paths to the page of a router.
        let is_routed = file.text.contains("/index.html") && file.text.contains("200");
        return named(found, &file.path, "build.publish", is_routed);
    }
    let Some(file) = app.read("vercel.json")? else { return Ok(None) };
    let node = read::jsonc(&file)?;
    let is_routed = node.get("rewrites").is_some();
    named(node.get("outputDirectory"), &file.path, "outputDirectory", is_routed)
}

fn named(
    found: Option<&Node>,
    path: &str,
    key: &str,
    is_routed: bool,
) -> Result<Option<Staticfile>, Refusal> {
    let Some((node, text)) = found.and_then(|node| Some((node, node.text()?))) else {
        return Ok(None);
    };
    let source = format!("{path}:{} {key}", node.line);
    let root = below(text.trim_start_matches('/'), &source)?;
    // The app's folder has its sources and modules.
    Ok((!root.is_empty()).then_some(Staticfile { root, is_routed, source }))
}
