//! Workspaces of Cargo.

use crate::{
    App, Refusal, join,
    rust::Manifest,
    within,
    workspace::{Member, Workspace},
};
use std::collections::BTreeMap;

/// Number of folders that one pattern of `members` may match.
const MOST: u32 = 1_000;

/// Returns the workspace that the app's folder is the root or a member of. `None` means that Cargo builds the folder
/// by itself, or that it has no manifest.
///
/// # Errors
/// Names file, line and folder of a member that is not there, and of a path that leads out of the repository.
pub fn above(app: &App<'_>) -> Result<Option<Workspace>, Refusal> {
    let Some(root) = root(app)? else { return Ok(None) };
    let workspace = read(app, &root)?;
    let is_part = root.folder == app.folder || workspace.member(app.folder).is_some();
    Ok(is_part.then_some(workspace))
}

/// Returns the folders of `default-members`, from the repository's root. Empty where nothing says which they are.
///
/// # Errors
/// Names the manifest where it is no TOML.
pub fn default_members(app: &App<'_>, workspace: &Workspace) -> Result<Vec<String>, Refusal> {
    let Some(root) = Manifest::read(app, &workspace.root)? else { return Ok(Vec::new()) };
    let named = root.root.at(&["workspace", "default-members"]);
    let named = named.map(|node| node.list().iter()).into_iter().flatten();
    let folders = named.filter_map(|node| join(&workspace.root, node.text()?));
    Ok(folders.filter(|folder| workspace.member(folder).is_some()).collect())
}

/// Returns the nearest manifest with `[workspace]`, from the app's folder upwards.
fn root(app: &App<'_>) -> Result<Option<Manifest>, Refusal> {
    let mut folder = app.folder;
    loop {
        if let Some(manifest) = Manifest::read(app, folder)? {
            if manifest.root.get("workspace").is_some() {
                return Ok(Some(manifest));
            }
            // Cargo looks there, and nowhere else.
            if let Some(named) = manifest.root.at(&["package", "workspace"]) {
                let path = named.want_text(&manifest.path, "package.workspace")?;
                let at =
                    join(folder, path).ok_or_else(|| leads_out(&manifest, named.line, path))?;
                return Manifest::read(app, &at);
            }
        }
        if folder.is_empty() {
            return Ok(None);
        }
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
    }
}

fn leads_out(manifest: &Manifest, line: usize, path: &str) -> Refusal {
    Refusal::new(
        format!("{}:{line}: `{path}` is outside of the repository", manifest.path),
        "commit that package too, or name a version of it",
    )
}

fn read(app: &App<'_>, root: &Manifest) -> Result<Workspace, Refusal> {
    let mut manifests: BTreeMap<String, Manifest> = BTreeMap::new();
    let excluded = excluded(root);
    if root.name().is_some() {
        manifests.insert(root.folder.clone(), root.clone());
    }
    let named = root.root.at(&["workspace", "members"]);
    for node in named.map(|node| node.list()).unwrap_or_default() {
        let pattern = node.want_text(&root.path, "workspace.members")?.trim_end_matches('/');
        let at = join(&root.folder, pattern).ok_or_else(|| leads_out(root, node.line, pattern))?;
        let is_pattern = pattern.contains(['*', '?', '[', '{']);
        let folders = if is_pattern { matching(app, &at) } else { vec![at] };
        for folder in folders {
            if excluded.iter().any(|left_out| is_within(&folder, left_out)) {
                continue;
            }
            match Manifest::read(app, &folder)? {
                Some(manifest) => {
                    manifests.insert(folder, manifest);
                }
                None if is_pattern => {}
                None => {
                    return Err(Refusal::new(
                        format!("{}:{}: member `{pattern}` is not there", root.path, node.line),
                        format!(
                            "commit `{}`, or take the member out",
                            within(&folder, "Cargo.toml")
                        ),
                    ));
                }
            }
        }
    }
    // Path dependencies below the root are members, whether they are named or not.
    let mut needs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut unread: Vec<String> = manifests.keys().cloned().collect();
    while let Some(folder) = unread.pop() {
        let Some(manifest) = manifests.get(&folder).cloned() else { continue };
        let mut direct = Vec::new();
        for local in manifest.locals(Some(root)) {
            let Some(at) = join(&local.base, &local.path) else {
                return Err(leads_out(&manifest, local.line, &local.path));
            };
            if !manifests.contains_key(&at) {
                if !is_within(&at, &root.folder) {
                    continue;
                }
                let Some(found) = Manifest::read(app, &at)? else {
                    return Err(Refusal::new(
                        format!(
                            "{}:{}: `{}` has no Cargo.toml at `{}`",
                            manifest.path, local.line, local.name, local.path
                        ),
                        "commit that folder, or correct the path",
                    ));
                };
                manifests.insert(at.clone(), found);
                unread.push(at.clone());
            }
            direct.push(at);
        }
        direct.sort();
        direct.dedup();
        needs.insert(folder, direct);
    }
    let members = manifests.into_iter().map(|(folder, manifest)| Member {
        name: manifest.name().unwrap_or_default().to_owned(),
        needs: needs.remove(&folder).unwrap_or_default(),
        folder,
    });
    let line = root.line(&["workspace"]);
    Ok(Workspace {
        root: root.folder.clone(),
        manifest: format!("{}:{line}", root.path),
        members: members.collect(),
    })
}

/// Returns the folders that a pattern matches and that have a manifest.
fn matching(app: &App<'_>, pattern: &str) -> Vec<String> {
    let pattern = format!("{pattern}/Cargo.toml");
    let files = app.repo.glob(&[&pattern], MOST).unwrap_or_default();
    files.iter().filter_map(|file| file.strip_suffix("/Cargo.toml")).map(str::to_owned).collect()
}

fn excluded(root: &Manifest) -> Vec<String> {
    let named = root.root.at(&["workspace", "exclude"]);
    let named = named.map(|node| node.list()).unwrap_or_default();
    named.iter().filter_map(|node| join(&root.folder, node.text()?)).collect()
}

fn is_within(folder: &str, above: &str) -> bool {
    above.is_empty()
        || folder.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::is_within;

    #[test]
    fn folders_are_compared_by_whole_names() {
        assert!(is_within("a/b", "a") && is_within("a", "a") && is_within("a", ""));
        assert!(!is_within("ab", "a") && !is_within("a", "a/b"));
    }
}
