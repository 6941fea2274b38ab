//! Cargo's own settings, and the folder that a build needs.

use crate::program::is_plain;
use std::collections::BTreeSet;
use windlass_plugin_sdk::{
    App, BuildSecret, Refusal, join,
    read::{self, Node},
    rust::Manifest,
    within,
};

/// Number of local packages that are looked at.
const MOST: usize = 200;

/// Settings of the build in `.cargo/config.toml`.
#[derive(Debug, Default)]
pub(crate) struct Config {
    /// Platform that is built for, and the line that says so. `None` means the image's own.
    pub(crate) target: Option<(String, String)>,
    /// Tokens of private registries.
    pub(crate) secrets: Vec<BuildSecret>,
    /// Linkers that the image lacks, by Debian's names, and the line that names each.
    pub(crate) linkers: Vec<(&'static str, String)>,
}

/// Linkers that people put into Cargo's settings.
const LINKERS: [&str; 3] = ["clang", "lld", "mold"];

/// Returns the linkers that the settings of builds for Linux name, each with its line.
fn linkers(root: &Node, path: &str) -> Vec<(&'static str, String)> {
    let targets = root.get("target").map(Node::map).unwrap_or_default().iter();
    let targets = targets.filter(|(name, _)| {
        name.starts_with("x86_64-unknown-linux")
            || name.starts_with("cfg(") && !name.contains("windows")
    });
    let tables = targets.map(|(_, table)| table).chain(root.get("build"));
    let nodes = tables.flat_map(|table| ["linker", "rustflags"].map(|key| table.get(key)));
    let mut found: Vec<(&'static str, String)> = Vec::new();
    for node in nodes.flatten() {
        let texts = node.list().iter().chain([node]).filter_map(Node::text);
        let text = texts.collect::<Vec<_>>().join(" ");
        for linker in LINKERS {
            let names = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == linker);
            if names && !found.iter().any(|(known, _)| *known == linker) {
                found.push((linker, format!("{path}:{}: links by {linker}", node.line)));
            }
        }
    }
    found
}

/// Reads Cargo's settings in the app's folder, and above it up to the context.
pub(crate) fn config(app: &App<'_>, context: &str) -> Result<Config, Refusal> {
    let mut config = Config::default();
    for folder in BTreeSet::from([app.folder, context]).into_iter().rev() {
        for name in [".cargo/config.toml", ".cargo/config"] {
            let path = within(folder, name);
            let Some(file) = app.read_repo(&path)? else { continue };
            let root = read::toml(&file)?;
            config.linkers.extend(linkers(&root, &path));
            if let Some(node) = root.at(&["build", "target"])
                && config.target.is_none()
            {
                let target = node.text().or_else(|| node.list().first()?.text());
                let target = target.unwrap_or_default();
                let source = format!("{path}:{} build.target", node.line);
                if !is_plain(target) || !target.contains("linux") || !target.starts_with("x86_64") {
                    return Err(app.refused(
                        "rust",
                        windlass_plugin_sdk::score::STARTED,
                        format!("{source}: `{target}` is not what runs here"),
                        "take `build.target` out, or name x86_64-unknown-linux-musl",
                    ));
                }
                config.target = Some((target.to_owned(), source));
            }
            let registries = root.get("registries").map(Node::map).unwrap_or_default();
            for (name, node) in registries.iter().filter(|(name, _)| name != "crates-io") {
                let variable = name.to_ascii_uppercase().replace('-', "_");
                let is_variable = |c: char| c.is_ascii_alphanumeric() || c == '_';
                if !variable.chars().all(is_variable) {
                    continue;
                }
                config.secrets.push(BuildSecret {
                    variable: format!("CARGO_REGISTRIES_{variable}_TOKEN"),
                    source: format!("{path}:{}", node.line),
                    required: false,
                });
            }
        }
    }
    config.secrets.dedup_by(|a, b| a.variable == b.variable);
    Ok(config)
}

/// Returns the folder that holds a package and all packages of the repository that it depends on, where no workspace
/// does, and the reason.
///
/// # Errors
/// Names file, line and path of what leads out of the repository, or is not there.
pub(crate) fn common(
    app: &App<'_>,
    manifest: &Manifest,
) -> Result<(String, Option<String>), Refusal> {
    let mut seen = BTreeSet::from([manifest.folder.clone()]);
    let mut unread = vec![manifest.clone()];
    let mut context = manifest.folder.clone();
    let mut why = None;
    while let Some(package) = unread.pop() {
        for local in package.locals(None) {
            let named = format!("{}:{} {}", package.path, local.line, local.name);
            let Some(at) = join(&local.base, &local.path) else {
                return Err(app.refused(
                    "rust",
                    windlass_plugin_sdk::score::STARTED,
                    format!("{named}: `{}` is outside of the repository", local.path),
                    "commit that package too, or name a version of it",
                ));
            };
            if seen.len() >= MOST || !seen.insert(at.clone()) {
                continue;
            }
            let Some(found) = Manifest::read(app, &at)? else {
                return Err(app.refused(
                    "rust",
                    windlass_plugin_sdk::score::STARTED,
                    format!("{named}: `{}` has no Cargo.toml", local.path),
                    "commit that folder, or correct the path",
                ));
            };
            let shared = shared(&context, &at);
            if shared != context {
                context = shared;
                why = Some(format!("{named}: `{}` is beside the app's folder", local.path));
            }
            unread.push(found);
        }
    }
    Ok((context, why))
}

/// Returns the nearest folder that is above both.
fn shared(a: &str, b: &str) -> String {
    let same = a.split('/').zip(b.split('/')).take_while(|(a, b)| a == b);
    same.map(|(part, _)| part).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::shared;

    #[test]
    fn the_shared_folder_is_the_nearest_one() {
        assert_eq!(shared("apps/api", "apps/money"), "apps");
        assert_eq!(shared("api", "money"), "");
        assert_eq!(shared("api", "api/money"), "api");
        assert_eq!(shared("", "money"), "");
    }
}
