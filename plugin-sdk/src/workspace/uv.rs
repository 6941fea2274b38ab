//! Workspaces of uv: `[tool.uv.workspace]` of a pyproject.toml.

use super::{Member, Workspace};
use crate::{
    App, Refusal,
    python::canonical,
    read::{self, Node},
};

/// Most members that are read.
const MEMBERS: u32 = 1000;

/// Returns the workspace that an app is the root or a member of. `None` means that it stands alone.
///
/// # Errors
/// Names file and line of a member that is not there.
pub fn above(app: &App<'_>) -> Result<Option<Workspace>, Refusal> {
    let own = app.folder.trim_matches('/');
    let mut folder = own;
    loop {
        let path = below(folder, "pyproject.toml");
        if let Some(file) = app.read_repo(&path)? {
            let root = read::toml(&file)?;
            if let Some(table) = root.at(&["tool", "uv", "workspace"]) {
                let found = workspace(app, folder, &root, table)?;
                if folder == own || found.member(own).is_some() {
                    return Ok(Some(found));
                }
            }
        }
        if folder.is_empty() {
            return Ok(None);
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

fn workspace(app: &App<'_>, folder: &str, root: &Node, table: &Node) -> Result<Workspace, Refusal> {
    let manifest = below(folder, "pyproject.toml");
    let mut paths = Vec::new();
    for node in table.get("members").map(Node::list).unwrap_or_default() {
        let Some(pattern) = node.text() else { continue };
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        let wanted = below(folder, &below(pattern, "pyproject.toml"));
        if pattern.contains(['*', '?', '{', '[']) {
            paths.extend(app.repo.glob(&[wanted.as_str()], MEMBERS)?);
        } else if app.has_repo(&wanted) {
            paths.push(wanted);
        } else {
            let reason = format!("{manifest}:{}: there is no `{wanted}`", node.line);
            let hint = "commit the member, or take it out of tool.uv.workspace.members";
            return Err(Refusal::new(reason, hint).of("python", 80));
        }
    }
    for node in table.get("exclude").map(Node::list).unwrap_or_default() {
        let Some(pattern) = node.text() else { continue };
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        let wanted = below(folder, &below(pattern, "pyproject.toml"));
        let excluded = app.repo.glob(&[wanted.as_str()], MEMBERS)?;
        paths.retain(|path| !excluded.contains(path));
    }
    paths.push(manifest.clone());
    paths.sort();
    paths.dedup();
    let mut read_members = Vec::new();
    for path in paths {
        let Some(file) = app.read_repo(&path)? else { continue };
        let node = read::toml(&file)?;
        let at = path.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let name = node.at(&["project", "name"]).and_then(Node::text).map(canonical);
        read_members.push((at, name.unwrap_or_default(), wants(&node, root)));
    }
    let members = read_members.iter().map(|(at, name, wants)| {
        let needs = read_members
            .iter()
            .filter(|(other, named, _)| other != at && !named.is_empty() && wants.contains(named));
        Member {
            folder: at.clone(),
            name: name.clone(),
            needs: needs.map(|(folder, _, _)| folder.clone()).collect(),
        }
    });
    let members = members.collect();
    let manifest = format!("{manifest}:{} tool.uv.workspace", table.line);
    Ok(Workspace { root: folder.to_owned(), manifest, members })
}

/// Returns the names of members that a manifest depends on. The root's sources hold for all.
fn wants(node: &Node, root: &Node) -> Vec<String> {
    let sources = [node, root].into_iter().filter_map(|node| node.at(&["tool", "uv", "sources"]));
    let from_workspace: Vec<String> = sources
        .flat_map(Node::map)
        .filter(|(_, source)| {
            let one = source.list().first().unwrap_or(source);
            one.get("workspace").and_then(Node::bool) == Some(true)
        })
        .map(|(name, _)| canonical(name))
        .collect();
    let dependencies = node.at(&["project", "dependencies"]).map(Node::list).unwrap_or_default();
    let names = dependencies.iter().filter_map(Node::text).map(|text| {
        let end = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
        canonical(text.split(end).next().unwrap_or_default())
    });
    names.filter(|name| from_workspace.contains(name)).collect()
}

fn below(folder: &str, path: &str) -> String {
    if folder.is_empty() { path.to_owned() } else { format!("{folder}/{path}") }
}
