//! Version of Node that an app asks for.

use super::{
    package::{self, Package},
    parents,
};
use crate::{
    App, Refusal,
    read::Node,
    versions::{Asked, Chain, Chosen, Grammar, Runtime},
};

/// Chooses the version of Node: the user's word, `volta`, `devEngines`, `.nvmrc`, `.node-version`, `.tool-versions`,
/// mise, `engines.node`, the default. Of a workspace's member the manifests above count after its own.
///
/// # Errors
/// A version that cannot exist, or a file that cannot be read.
pub fn node_version(app: &App<'_>, package: &Package) -> Result<Chosen, Refusal> {
    let above = above(app);
    let own = (package.file.path.as_str(), &package.json);
    let manifests =
        || std::iter::once(own).chain(above.iter().map(|(path, json)| (path.as_str(), json)));
    let volta = manifests().find_map(|(path, json)| at(path, json, &["volta", "node"]));
    let engines = manifests().find_map(|(path, json)| at(path, json, &["engines", "node"]));
    Chain::of(app, Runtime::Node)
        .first(volta)
        .first(manifests().find_map(|(path, json)| dev_engine(path, json)))
        .first(file(app, ".nvmrc")?)
        .first(file(app, ".node-version")?)
        .then(engines)
        .choose()
}

/// Reads the manifests above the app, the nearest first. What cannot be parsed there is not the app's concern.
fn above(app: &App<'_>) -> Vec<(String, Node)> {
    let mut found = Vec::new();
    for folder in parents(app.folder).into_iter().take(8) {
        let read = package::at(app, folder);
        if let Ok(Some((file, json))) = read {
            found.push((file.path, json));
        }
    }
    found
}

fn at(path: &str, json: &Node, key: &[&str]) -> Option<Asked> {
    let node = json.at(key)?;
    asked(node.scalar()?, format!("{path}:{} {}", node.line, key.join(".")))
}

fn dev_engine(path: &str, json: &Node) -> Option<Asked> {
    let runtime = json.at(&["devEngines", "runtime"])?;
    let one = std::iter::once(runtime).chain(runtime.list());
    let mut node = one.filter(|node| node.get("name").and_then(Node::text) == Some("node"));
    let version = node.find_map(|node| node.get("version"))?;
    let source = format!("{path}:{} devEngines.runtime", version.line);
    asked(version.scalar()?, source)
}

/// Reads a file of one version, in the app's folder or above it.
fn file(app: &App<'_>, name: &str) -> Result<Option<Asked>, Refusal> {
    let Some(file) = app.read_above(name)? else { return Ok(None) };
    let line = file.text.lines().enumerate().find_map(|(number, line)| {
        let text = line.split('#').next().unwrap_or_default().trim();
        (!text.is_empty()).then_some((number + 1, text))
    });
    let Some((line, text)) = line else { return Ok(None) };
    let text = text.strip_prefix("node-").or_else(|| text.strip_prefix("node@")).unwrap_or(text);
    let bare = text.strip_prefix('v').filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    Ok(asked(bare.unwrap_or(text).to_owned(), format!("{}:{line}", file.path)))
}

fn asked(text: String, source: String) -> Option<Asked> {
    let text = text.trim().to_owned();
    (!text.is_empty()).then_some(Asked { text, source, grammar: Grammar::Npm })
}
