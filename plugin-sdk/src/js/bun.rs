//! The question whether an app runs on Bun, or on Node with Bun's installer.

use super::{Output, Package, framework};
use crate::{App, commands, procfile, read::Node};

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

/// Packages that run on Bun alone, or that its starters bring.
const OWN: [&str; 3] = ["elysia", "@types/bun", "bun-types"];

/// Returns whether the app's own start is Bun's: its Procfile, its scripts or its sources say so. A lock of Bun alone
/// does not, and neither does `packageManager` where the start is another program's.
#[must_use]
pub fn runs_on_bun(app: &App<'_>, package: &Package) -> bool {
    let lines = procfile::read(app).unwrap_or_default();
    if let Some(web) = lines.iter().find(|line| line.name == "web") {
        let line = web.command.join(" ");
        let line = line.strip_prefix("sh -c exec ").unwrap_or(&line);
        if !["npm ", "yarn ", "pnpm "].iter().any(|manager| line.starts_with(manager)) {
            return is_of_bun(package, line);
        }
    }
    if let Some(script) = package.script("start") {
        return is_of_bun(package, script);
    }
    // A framework's own start is Node's.
    if matches!(framework(app, package), Ok(Some(found)) if found.output != Output::None) {
        return false;
    }
    let manager = package.json.get("packageManager").and_then(Node::text).unwrap_or_default();
    if manager.starts_with("bun@") || develops(app, package) {
        return true;
    }
    let named = ["module", "main"].iter().filter_map(|key| package.json.get(key)?.text());
    let named = named.map(|path| path.trim_start_matches("./"));
    named.chain(ENTRIES).any(|path| serves(app, path))
}

/// Returns whether an app without `scripts.start` is developed on Bun, as its starters leave it: `bun run --watch
/// src/index.ts`, or a package of Bun and a file that it starts.
fn develops(app: &App<'_>, package: &Package) -> bool {
    let is_source = |word: &str| {
        let word = word.trim_start_matches("./");
        [".ts", ".tsx", ".js"].iter().any(|end| word.ends_with(end)) && app.has(word)
    };
    let by_script = package
        .script("dev")
        .filter(|script| is_of_bun(package, script))
        .is_some_and(|script| script.split_whitespace().any(is_source));
    let has_own = OWN.iter().any(|name| package.any_dependency(name).is_some());
    by_script || (has_own && ENTRIES.iter().any(|path| app.has(path)))
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
