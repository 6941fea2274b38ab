//! The question whether an app runs on Bun, or on Node with Bun's installer.

use super::Package;
use crate::{App, commands, read::Node};

/// Files that Bun starts where `package.json` names none.
pub const ENTRIES: [&str; 8] = [
    "index.ts",
    "src/index.ts",
    "server.ts",
    "src/server.ts",
    "index.tsx",
    "index.js",
    "src/index.js",
    "server.js",
];

/// Number of scripts that are followed.
const MOST: usize = 5;

/// Returns whether the app's own start is Bun's: its scripts or its sources say so. A lock of Bun alone does not.
#[must_use]
pub fn runs_on_bun(app: &App<'_>, package: &Package) -> bool {
    let manager = package.json.get("packageManager").and_then(Node::text).unwrap_or_default();
    if manager.starts_with("bun@") {
        return true;
    }
    match package.script("start") {
        Some(script) => is_of_bun(package, script),
        None => {
            let named = ["module", "main"].iter().filter_map(|key| package.json.get(key)?.text());
            let named = named.map(|path| path.trim_start_matches("./"));
            named.chain(ENTRIES).any(|path| serves(app, path))
        }
    }
}

/// Returns whether a script starts Bun itself, and no program of Node by it.
#[must_use]
pub fn is_of_bun(package: &Package, script: &str) -> bool {
    let mut script = script;
    for _ in 0..MOST {
        let (_, rest) = commands::env_prefix(script);
        // Of several commands the last one stays.
        let last = rest.rsplit("&&").next().unwrap_or_default();
        let mut words = last.split_whitespace();
        if words.next() != Some("bun") {
            return false;
        }
        let mut words = words.skip_while(|word| word.starts_with('-'));
        let first = words.next().unwrap_or_default();
        let name = if first == "run" {
            words.find(|word| !word.starts_with('-')).unwrap_or_default()
        } else {
            first
        };
        match package.script(name) {
            Some(next) if next != script => script = next,
            Some(_) => return false,
            None => return !name.is_empty(),
        }
    }
    false
}

/// Returns whether a file of the app listens by Bun's own server.
fn serves(app: &App<'_>, path: &str) -> bool {
    let file = app.read(path).ok().flatten();
    file.is_some_and(|file| file.text.contains("Bun.serve(") || file.text.contains("from \"bun\""))
}
