//! The command that starts the app, and its port.

use windlass_plugin_sdk::{
    App, PORT, Refusal, commands,
    js::{self, Framework, Output, Package, bun::ENTRIES},
    read::Node,
    score, shell,
};

/// Number of scripts that are followed.
const MOST: usize = 5;

/// Command, the environment that its script sets, and the reason.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) score: u8,
    pub(crate) source: String,
}

/// Returns the start by the script, the framework, the manifest's module, or a file that is there.
///
/// # Errors
/// Nothing is started, or the script starts a server for development.
pub(crate) fn start(
    app: &App<'_>,
    package: &Package,
    framework: Option<&Framework>,
    is_built: bool,
) -> Result<Start, Refusal> {
    if let Some(script) = package.script("start") {
        return by_script(app, package, script, framework, is_built);
    }
    if let Some(start) = by_framework(framework) {
        return Ok(start);
    }
    for key in ["module", "main"] {
        let Some(path) = package.json.get(key).and_then(Node::text) else { continue };
        let path = path.trim_start_matches("./");
        if app.has(path) || is_built {
            return Ok(inferred(path, package.source(&[key])));
        }
    }
    for path in ENTRIES {
        if app.has(path) {
            return Ok(inferred(path, app.at(path)));
        }
    }
    Err(app.refused(
        "bun",
        score::TOOLS,
        format!("{}: neither `scripts.start` nor `module` is there", package.file.path),
        "add `scripts.start` to package.json, such as `bun src/index.ts`",
    ))
}

fn inferred(path: &str, source: String) -> Start {
    let argv = ["bun", path].map(str::to_owned).to_vec();
    Start { argv, env: Vec::new(), score: score::INFERRED, source }
}

fn by_framework(framework: Option<&Framework>) -> Option<Start> {
    let framework = framework?;
    let Output::Server { start, .. } = &framework.output else { return None };
    let mut argv = start.clone();
    if let Some(first) = argv.first_mut().filter(|first| first.as_str() == "node") {
        "bun".clone_into(first);
    }
    let source = framework.source.clone();
    Some(Start { argv, env: Vec::new(), score: score::STARTED, source })
}

fn by_script(
    app: &App<'_>,
    package: &Package,
    script: &str,
    framework: Option<&Framework>,
    is_built: bool,
) -> Result<Start, Refusal> {
    let mut name = "start";
    let mut script = script;
    for _ in 0..MOST {
        let words: Vec<&str> = script.split_whitespace().collect();
        let next = match words.as_slice() {
            ["bun", "run", next] | ["bun", next] => *next,
            _ => break,
        };
        match package.script(next) {
            Some(other) if next != name => (name, script) = (next, other),
            _ => break,
        }
    }
    let source = package.source(&["scripts", name]);
    let reloads = ["--hot", "--watch"].into_iter().find(|flag| script.contains(flag));
    if let Some(tool) = commands::is_development(script).or(reloads) {
        return Err(app.refused(
            "bun",
            score::STARTED,
            format!("{source}: `{tool}` is for development"),
            "start the app without it, such as `bun src/index.ts`",
        ));
    }
    let (env, rest) = commands::env_prefix(script);
    let Some(argv) = commands::plain(rest) else {
        return Ok(Start { argv: shell(rest), env, score: score::STARTED, source });
    };
    if argv.first().is_none_or(|first| first != "bun") {
        // A tool of node_modules: the framework's own start goes without a launcher.
        if let Some(start) = by_framework(framework) {
            return Ok(Start { env, source, ..start });
        }
        let argv = ["bun", "run", name].map(str::to_owned).to_vec();
        return Ok(Start { argv, env, score: score::STARTED, source });
    }
    if let Some(path) = file(&argv)
        && !is_built
        && !app.has(path)
    {
        return Err(app.refused(
            "bun",
            score::STARTED,
            format!("{source}: `{path}` is not there"),
            "correct the script, or commit the file",
        ));
    }
    Ok(Start { argv, env, score: score::STARTED, source })
}

/// Returns the file that `bun` starts: the first argument that is no option and has an ending.
fn file(argv: &[String]) -> Option<&str> {
    let mut words = argv.iter().skip(1).map(String::as_str).filter(|word| *word != "run");
    let first = words.find(|word| !word.starts_with('-'))?;
    let first = first.trim_start_matches("./");
    let is_source = [".ts", ".js", ".tsx", ".mjs", ".cjs"].iter().any(|end| first.ends_with(end));
    is_source.then_some(first)
}

/// Returns the port, and what says so. Bun's own server reads `PORT`.
pub(crate) fn port(app: &App<'_>, start: &Start) -> (u16, String) {
    let mut files: Vec<String> = file(&start.argv).map(str::to_owned).into_iter().collect();
    files.extend(app.glob(&["*.{ts,tsx,js}", "src/**/*.{ts,tsx,js}"], 40));
    let read = |path: &String| app.read(path).ok().flatten();
    let files: Vec<_> = files.iter().filter_map(read).collect();
    for file in &files {
        for name in ["env.PORT", "env[\"PORT\"]", "env['PORT']"] {
            if file.text.contains(name) {
                return (PORT, format!("{}:{} reads PORT", file.path, file.line_of(name)));
            }
        }
    }
    for file in &files {
        for (line, text) in file.lines() {
            if let Some(port) = literal(text) {
                return (port, format!("{}:{line}", file.path));
            }
        }
    }
    (PORT, "default: Bun.serve reads PORT".into())
}

/// Returns the number after `port:` or `.listen(` of a line.
fn literal(line: &str) -> Option<u16> {
    js::port_after(line, &["port:", ".listen("])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_the_first_argument_with_an_ending() {
        for (line, path) in [
            ("bun run --smol src/index.ts", Some("src/index.ts")),
            ("bun ./a.js --port 1", Some("a.js")),
            ("bun run serve", None),
            ("bun", None),
        ] {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(file(&argv), path, "{line}");
        }
        assert_eq!(literal("  port: 3000,"), Some(3000));
        assert_eq!(literal("app.listen(Number(x))"), None);
    }
}
