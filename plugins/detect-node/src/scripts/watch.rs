//! Starts that watch files, and what they run.

use windlass_plugin_sdk::{commands, js::Package};

/// Programs that run sources, each with its package.
const RUNNERS: [(&str, &str); 4] = [
    ("ts-node", "ts-node"),
    ("tsx", "tsx"),
    ("babel-node", "@babel/node"),
    ("swc-node", "@swc-node/register"),
];

/// Returns the plain form of a start that watches files, and the tool that watches.
pub(super) fn plain(package: &Package, line: &str) -> Option<(String, &'static str)> {
    let line = line.strip_prefix("npx ").unwrap_or(line);
    let mut words = line.split_whitespace();
    match words.next()? {
        "node" if line.contains(" --watch") => {
            let rest = words.filter(|word| !word.starts_with("--watch"));
            Some((format!("node {}", rest.collect::<Vec<_>>().join(" ")), "--watch"))
        }
        "nodemon" => Some((nodemon(package, line)?, "nodemon")),
        "tsx" if words.next() == Some("watch") && has(package, "tsx") => {
            let rest = words.filter(|word| !word.starts_with("--clear-screen"));
            Some((format!("tsx {}", rest.collect::<Vec<_>>().join(" ")), "tsx watch"))
        }
        "pm2" | "forever" => {
            let rest: Vec<&str> = words.filter(|word| *word != "start").collect();
            let plain =
                rest.first().is_some_and(|file| file.ends_with("js") && !file.starts_with('-'));
            let first = rest.first().copied().unwrap_or_default();
            (plain && !first.contains("ecosystem")).then(|| (format!("node {first}"), "pm2"))
        }
        _ => None,
    }
}

/// Returns what nodemon runs: a file of Node, or a program that is a dependency.
fn nodemon(package: &Package, line: &str) -> Option<String> {
    let words = commands::plain(line)
        .unwrap_or_else(|| line.split_whitespace().map(str::to_owned).collect());
    let mut words = words.iter().skip(1).map(String::as_str);
    let (mut exec, mut rest) = (None, Vec::new());
    while let Some(word) = words.next() {
        match word {
            "-x" | "--exec" => exec = Some(words.next()?),
            "-w" | "--watch" | "-e" | "--ext" | "-i" | "--ignore" | "--delay" => {
                words.next();
            }
            "-r" | "--require" => rest.extend([Some(word), words.next()].into_iter().flatten()),
            // Options of what is run are behind it.
            word if word.starts_with('-') && rest.is_empty() && exec.is_none() => {}
            "-L" | "--legacy-watch" | "-q" | "--quiet" | "-V" | "--verbose" => {}
            word => rest.push(word),
        }
    }
    let is_typescript = rest.iter().any(|word| word.ends_with(".ts"));
    let rest = rest.join(" ");
    let Some(exec) = exec else {
        let runs = if is_typescript { "ts-node" } else { "node" };
        let installed = !is_typescript || has(package, "ts-node");
        return (installed && !rest.is_empty()).then(|| format!("{runs} {rest}"));
    };
    let program = exec.split_whitespace().next()?;
    let installed = program == "node" || has(package, program);
    let whole = format!("{exec} {rest}");
    (installed && commands::plain(&whole).is_some()).then(|| whole.trim().to_owned())
}

/// Returns whether a program that runs sources is a dependency.
fn has(package: &Package, program: &str) -> bool {
    let known = RUNNERS.iter().find(|(name, _)| *name == program);
    known.is_some_and(|(_, name)| package.any_dependency(name).is_some())
}
