//! Locks that are out of step with their manifest: found before a build finds them.

use crate::{
    App, File, Refusal,
    js::{Kind, Manager, Package, inside, join, manager::read_lock},
    read::{self, Node},
};

use super::beside::is_local;
use nodejs_semver::{Range, Version};

/// Refuses a lock that surely lacks a dependency of the manifest. Where that is unsure, nothing is refused.
pub(super) fn check(
    app: &App<'_>,
    package: &Package,
    manager: &Manager,
    workspace: bool,
    folder: &str,
) -> Result<(), Refusal> {
    let Some(lock) = &manager.lock else { return Ok(()) };
    let text = || read_lock(app, &join(folder, lock));
    let own = inside(folder, app.folder);
    match manager.kind {
        Kind::Npm => npm(package, lock, &text(), own),
        Kind::Yarn1 => yarn(package, lock, &text(), workspace),
        Kind::Pnpm => pnpm(app, package, lock, &text(), own, folder),
        Kind::Berry | Kind::Bun => Ok(()),
    }
}

fn refuse(package: &Package, lock: &str, name: &str, line: usize, command: &str) -> Refusal {
    let file = &package.file.path;
    let reason = format!("{lock} is out of step with {file}:{line} (`{name}`)");
    Refusal::new(reason, format!("run `{command}` and commit {lock}"))
}

/// Compares with the entry of the app in `packages`, which npm writes from lock version 2 on.
fn npm(package: &Package, lock: &str, text: &str, own: &str) -> Result<(), Refusal> {
    let Some((_, packages)) = text.split_once("\"packages\"") else { return Ok(()) };
    let Some(entry) = object(packages, &format!("\"{own}\"")) else { return Ok(()) };
    let slice = File { path: lock.to_owned(), text: entry.to_owned() };
    let Ok(entry) = read::json(&slice) else { return Ok(()) };
    let sections = ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];
    for (_, name, value) in package.dependencies() {
        let Some(spec) = value.text() else { continue };
        let mut locked =
            sections.iter().filter_map(|section| entry.at(&[*section, name]).and_then(Node::text));
        let is_locked = locked.any(|range| !is_range(spec) || range == spec);
        if !is_locked && !holds(packages, own, name, spec) {
            return Err(refuse(package, lock, name, value.line, "npm install"));
        }
    }
    Ok(())
}

/// Returns whether the lock has a release that the range allows, whatever range the lock was made for: `npm ci` takes it.
fn holds(packages: &str, own: &str, name: &str, spec: &str) -> bool {
    let Ok(range) = Range::parse(spec) else { return true };
    let folders = [join(own, "node_modules"), "node_modules".to_owned()];
    let entry = folders.iter().find_map(|folder| object(packages, &format!("\"{folder}/{name}\"")));
    let Some(text) = entry else { return false };
    let file = File { path: String::new(), text: text.to_owned() };
    let Ok(json) = read::json(&file) else { return true };
    let version = json.get("version").and_then(Node::text);
    version
        .and_then(|text| Version::parse(text).ok())
        .is_none_or(|version| range.satisfies(&version))
}

/// Returns the object after a key: from its `{` to the `}` that closes it.
fn object<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let mut found = text.match_indices(key).filter_map(|(at, _)| text.get(at + key.len()..));
    let after = found.find_map(|after| after.trim_start().strip_prefix(':'))?.trim_start();
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for (at, letter) in after.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth = depth.saturating_add(1),
            '}' if !quoted => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return after.get(..=at);
                }
            }
            _ if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Looks for an entry `name@range`. Ranges only: of other specs Yarn writes another form.
fn yarn(package: &Package, lock: &str, text: &str, workspace: bool) -> Result<(), Refusal> {
    if text.is_empty() || package.json.get("resolutions").is_some() {
        return Ok(());
    }
    for (_, name, value) in package.dependencies() {
        let Some(spec) = value.text() else { continue };
        if !is_range(spec) || is_local(value) {
            continue;
        }
        // Members of a workspace are not in the lock.
        let member = workspace && !has(text, &format!("{name}@"));
        if !member && !has(text, &format!("{name}@{spec}")) {
            return Err(refuse(package, lock, name, value.line, "yarn install"));
        }
    }
    Ok(())
}

/// Returns whether a key of the lock begins so.
fn has(text: &str, key: &str) -> bool {
    text.match_indices(key).any(|(at, _)| {
        let before = text.get(..at).unwrap_or_default();
        before.is_empty() || before.ends_with(['\n', ' ', '"', ','])
    })
}

/// Returns whether a value is a plain range. Of other values managers write another form into the lock.
fn is_range(spec: &str) -> bool {
    spec.starts_with(|c: char| c.is_ascii_digit() || "^~<>=".contains(c))
        && !spec.contains([':', '/'])
}

/// Compares with the importer's specifiers.
fn pnpm(
    app: &App<'_>,
    package: &Package,
    lock: &str,
    text: &str,
    own: &str,
    root: &str,
) -> Result<(), Refusal> {
    // Overrides and hooks change what the lock says.
    let settings = app.read_repo(&join(root, "pnpm-workspace.yaml")).ok().flatten();
    let changed = settings.is_some_and(|file| file.text.contains("verrides:"))
        || text.lines().any(|line| line.starts_with("overrides:"))
        || text.lines().any(|line| line.starts_with("pnpmfileChecksum:"));
    if changed || package.json.get("pnpm").is_some() {
        return Ok(());
    }
    let Some(specifiers) = importer(text, if own.is_empty() { "." } else { own }) else {
        return Ok(());
    };
    for (_, name, value) in package.dependencies() {
        let Some(spec) = value.text().filter(|_| !is_local(value)) else { continue };
        if !specifiers
            .iter()
            .any(|(known, range)| *known == name && (!is_range(spec) || *range == spec))
        {
            return Err(refuse(package, lock, name, value.line, "pnpm install"));
        }
    }
    Ok(())
}

/// Reads names and specifiers of an importer, by the form that pnpm writes: two blanks a level. `None` means another
/// form.
fn importer<'a>(text: &'a str, name: &str) -> Option<Vec<(&'a str, &'a str)>> {
    let mut lines = text.lines().skip_while(|line| line.trim_end() != "importers:").skip(1);
    lines.by_ref().find(|line| {
        let key = line.strip_prefix("  ").filter(|rest| !rest.starts_with(' '));
        key.is_some_and(|key| unquoted(key.trim_end().trim_end_matches(':')) == name)
    })?;
    let mut found = Vec::new();
    let mut dependency = None;
    for line in lines {
        let line = line.trim_end();
        let depth = line.len() - line.trim_start_matches(' ').len();
        match depth {
            _ if line.is_empty() => {}
            0 | 2 => break,
            6 => dependency = line.trim().strip_suffix(':').map(unquoted),
            8 => {
                if let (Some(name), Some(range)) =
                    (dependency, line.trim().strip_prefix("specifier:"))
                {
                    found.push((name, unquoted(range.trim())));
                }
            }
            _ => {}
        }
    }
    Some(found)
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['\'', '"'])
}

#[cfg(test)]
mod tests {
    use super::{holds, importer, object};

    #[test]
    fn an_object_ends_at_its_own_brace() {
        let text = r#": { "": { "name": "}{\"", "x": {} }, "a": 1 }"#;
        assert_eq!(object(text, "\"\""), Some(r#"{ "name": "}{\"", "x": {} }"#));
        assert_eq!(object("\"\": [", "\"\""), None);
        assert_eq!(object("\"\": {", "\"\""), None);
    }

    #[test]
    fn a_release_that_the_range_allows_is_no_step_away() {
        let packages = r#": { "": {}, "node_modules/a": { "version": "1.4.0" }, "web/node_modules/b": { "version": "2.0.0" } }"#;
        assert!(holds(packages, "", "a", "^1.2.0"), "`npm ci` installs it");
        assert!(!holds(packages, "", "a", "^2.0.0"));
        assert!(!holds(packages, "", "c", "^1.0.0"));
        assert!(holds(packages, "web", "b", ">=2") && holds(packages, "web", "a", "1"));
    }

    #[test]
    fn an_importer_s_specifiers_are_read_from_the_lock() {
        let lock = "lockfileVersion: '9.0'\n\nimporters:\n\n  .:\n    dependencies:\n      '@a/b':\n        specifier: ^1.0.0\n        version: 1.0.0\n\n  apps/web:\n    devDependencies:\n      c:\n        specifier: 'workspace:*'\n        version: link:../c\n\npackages:\n";
        assert_eq!(importer(lock, "."), Some(vec![("@a/b", "^1.0.0")]));
        assert_eq!(importer(lock, "apps/web"), Some(vec![("c", "workspace:*")]));
        assert_eq!(importer(lock, "nothing"), None);
        assert_eq!(importer("importers:", "."), None);
    }
}
