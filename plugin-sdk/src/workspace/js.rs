//! Workspaces of npm, Yarn, pnpm, Bun and Lerna.

use std::collections::BTreeSet;

use super::{Member, Workspace};
use crate::{
    App, Refusal,
    js::package::{at as package_at, inside, join, parents},
    read::{self, Node},
};

/// Members of a workspace at most.
const MOST: u32 = 1000;

/// Folders above the app that are looked at.
const HIGHEST: usize = 12;

/// Finds the workspace that the app belongs to: its root is the app's folder, or one above it.
///
/// # Errors
/// A manifest that cannot be parsed, or that names a member that is not there.
pub fn above(app: &App<'_>) -> Result<Option<Workspace>, Refusal> {
    for folder in std::iter::once(app.folder).chain(parents(app.folder)).take(HIGHEST) {
        let Some(said) = patterns(app, folder)? else { continue };
        let workspace = members(app, folder, said)?;
        let belongs = folder == app.folder || workspace.member(app.folder).is_some();
        if belongs && !workspace.members.is_empty() {
            return Ok(Some(workspace));
        }
    }
    Ok(None)
}

/// Patterns of members, each with its line.
struct Said {
    path: String,
    line: usize,
    patterns: Vec<(usize, String)>,
}

/// Reads the patterns of a folder: pnpm-workspace.yaml, else `workspaces` of package.json, else lerna.json.
fn patterns(app: &App<'_>, folder: &str) -> Result<Option<Said>, Refusal> {
    if let Some(file) = app.read_repo(&join(folder, "pnpm-workspace.yaml"))? {
        let yaml = read::yaml(&file)?;
        // A file of settings alone names no members.
        if let Some(said) = yaml.get("packages").and_then(|list| said(&file.path, list)) {
            return Ok(Some(said));
        }
    }
    if let Some((file, json)) = package_at(app, folder)? {
        let list = json.get("workspaces").map(|node| node.get("packages").unwrap_or(node));
        if let Some(said) = list.and_then(|list| said(&file.path, list)) {
            return Ok(Some(said));
        }
    }
    let Some(file) = app.read_repo(&join(folder, "lerna.json"))? else { return Ok(None) };
    let json = read::jsonc(&file)?;
    Ok(json.get("packages").and_then(|list| said(&file.path, list)))
}

fn said(path: &str, list: &Node) -> Option<Said> {
    let patterns: Vec<(usize, String)> = list
        .list()
        .iter()
        .filter_map(|node| Some((node.line, node.text()?.to_owned())))
        .filter(|(_, text)| !text.is_empty())
        .collect();
    (!patterns.is_empty()).then(|| Said { path: path.to_owned(), line: list.line, patterns })
}

fn members(app: &App<'_>, root: &str, said: Said) -> Result<Workspace, Refusal> {
    let mut folders = BTreeSet::new();
    for (line, pattern) in &said.patterns {
        let (negated, pattern) = match pattern.strip_prefix('!') {
            Some(pattern) => (true, pattern),
            None => (false, pattern.as_str()),
        };
        let pattern = pattern.trim_start_matches("./").trim_end_matches('/');
        if pattern.is_empty() || pattern == "." || pattern.split('/').any(|part| part == "..") {
            continue;
        }
        let found = folders_of(app, root, pattern);
        if negated {
            folders.retain(|folder| !found.contains(folder));
            continue;
        }
        if found.is_empty() && !pattern.contains(['*', '?', '{', '[']) {
            let path = &said.path;
            let reason = format!("{path}:{line}: the member `{pattern}` has no package.json");
            return Err(Refusal::new(reason, "commit the member, or delete the line"));
        }
        folders.extend(found);
    }
    folders.remove(root);
    let mut packages = Vec::new();
    for folder in folders.into_iter().take(MOST as usize) {
        let Some((_, json)) = package_at(app, &folder)? else { continue };
        packages.push((folder, json));
    }
    let name = |folder: &str, json: &Node| {
        let named = json.get("name").and_then(Node::text).filter(|name| !name.is_empty());
        let last = folder.rsplit('/').next().unwrap_or_default();
        named.unwrap_or(last).to_owned()
    };
    let names: Vec<(String, String)> =
        packages.iter().map(|(folder, json)| (name(folder, json), folder.clone())).collect();
    let members = packages.iter().map(|(folder, json)| Member {
        folder: folder.clone(),
        name: name(folder, json),
        needs: needs(json, &names, folder),
    });
    let manifest = format!("{}:{}", said.path, said.line);
    Ok(Workspace { root: root.to_owned(), manifest, members: members.collect() })
}

/// Returns the folders of the members that a manifest depends on.
fn needs(json: &Node, names: &[(String, String)], own: &str) -> Vec<String> {
    let sections = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
    let mut found = BTreeSet::new();
    for (name, _) in sections.iter().filter_map(|section| json.get(section)).flat_map(Node::map) {
        let member = names.iter().find(|(known, folder)| known == name && folder != own);
        found.extend(member.map(|(_, folder)| folder.clone()));
    }
    found.into_iter().collect()
}

/// Returns the folders with a manifest that a pattern matches.
fn folders_of(app: &App<'_>, root: &str, pattern: &str) -> BTreeSet<String> {
    // A folder's name may hold letters that a pattern reads as its own.
    let plain: String = root.chars().map(|c| if "*?{},[]".contains(c) { '?' } else { c }).collect();
    let names = ["package.json", "package.json5", "package.yaml"];
    let patterns: Vec<String> =
        names.iter().map(|name| join(&plain, &format!("{pattern}/{name}"))).collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let files = app.repo.glob(&patterns, MOST).unwrap_or_default();
    files
        .iter()
        .filter_map(|file| file.rsplit_once('/').map(|(folder, _)| folder))
        .filter(|folder| root.is_empty() || inside(root, folder) != *folder)
        .filter(|folder| !folder.split('/').any(|part| part == "node_modules"))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::above;
    use crate::{App, Refusal, Tree, workspace::Workspace};
    use std::collections::BTreeMap;

    fn find(files: &[(&str, &str)], folder: &str) -> Result<Option<Workspace>, Refusal> {
        let files: BTreeMap<String, String> =
            files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
        let tree = Tree::memory(files);
        above(&App::new(&tree, folder, &[], false, &[]))
    }

    fn folders(workspace: &Workspace) -> Vec<&str> {
        workspace.members.iter().map(|member| member.folder.as_str()).collect()
    }

    #[test]
    fn members_are_those_that_globs_match_and_no_negation_takes_out() {
        let files = [
            (
                "pnpm-workspace.yaml",
                "packages:\n  - 'packages/*'\n  - apps/web\n  - '!packages/old'\n",
            ),
            ("package.json", "{}"),
            ("packages/money/package.json", r#"{"name":"@shop/money"}"#),
            ("packages/old/package.json", "{}"),
            (
                "apps/web/package.json",
                r#"{"name":"web","dependencies":{"@shop/money":"workspace:*"}}"#,
            ),
            ("apps/other/package.json", "{}"),
        ];
        let found = find(&files, "apps/web").unwrap().unwrap();
        assert_eq!(folders(&found), ["apps/web", "packages/money"]);
        assert!(found.root.is_empty() && found.manifest.starts_with("pnpm-workspace.yaml:"));
        assert_eq!(found.member("apps/web").unwrap().needs, ["packages/money"]);
        assert!(find(&files, "apps/other").unwrap().is_none(), "it is no member");
        assert!(find(&files, "").unwrap().is_some(), "the root belongs to its workspace");
    }

    #[test]
    fn workspaces_of_package_json_are_a_list_or_a_map() {
        for said in [r#"["a"]"#, r#"{"packages":["./a/"]}"#] {
            let root = format!("{{\"workspaces\":{said}}}");
            let files = [("x/package.json", root.as_str()), ("x/a/package.json", "{}")];
            let found = find(&files, "x/a").unwrap().unwrap();
            assert_eq!((folders(&found), found.root.as_str()), (vec!["x/a"], "x"), "{said}");
            assert_eq!(
                found.member("x/a").unwrap().name,
                "a",
                "a nameless member has its folder's"
            );
        }
    }

    #[test]
    fn a_member_that_is_missing_is_refused_with_file_and_line() {
        let files = [("package.json", "{\n\"workspaces\": [\n\"packages/*\",\n\"apps/web\"]}")];
        let refusal = find(&files, "").unwrap_err();
        assert_eq!(refusal.reason, "package.json:4: the member `apps/web` has no package.json");
        let none = [("package.json", r#"{"workspaces":["packages/*"]}"#)];
        assert!(find(&none, "").unwrap().is_none(), "a glob without a match is no error");
    }
}
