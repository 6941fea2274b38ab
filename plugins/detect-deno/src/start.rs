//! The command that starts the app, and its port.

use crate::config::Config;
use windlass_plugin_sdk::{App, File, PORT, Refusal, commands, js, score, shell};

/// Files that are started where no task says another one.
const ENTRIES: [&str; 14] = [
    "main.ts",
    "server.ts",
    "app.ts",
    "mod.ts",
    "index.ts",
    "main.tsx",
    "main.js",
    "server.js",
    "app.js",
    "index.js",
    "src/main.ts",
    "src/server.ts",
    "src/index.ts",
    "src/app.ts",
];

/// Port of `Deno.serve` and `deno serve` where nothing names another one.
const DEFAULT_PORT: u16 = 8000;

/// Number of tasks that are followed.
const MOST: usize = 5;

/// Command, its file, its port, and the reason.
#[derive(Debug)]
pub(crate) struct Start {
    pub(crate) argv: Vec<String>,
    /// File whose imports are fetched.
    pub(crate) entry: Option<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) port: u16,
    pub(crate) port_source: String,
    pub(crate) score: u8,
    pub(crate) source: String,
    /// Notes for the user.
    pub(crate) evidence: Vec<String>,
}

/// Returns the start by a task, else by a file that serves. `None` means that nothing is started.
pub(crate) fn start(app: &App<'_>, config: Option<&Config>) -> Result<Option<Start>, Refusal> {
    let mut evidence = Vec::new();
    if let Some(config) = config {
        for name in ["start", "preview", "serve", "prod", "production"] {
            let Some((script, source)) = followed(config, name) else { continue };
            if script.trim().is_empty() || script.chars().any(char::is_control) {
                return Err(app.refused(
                    "deno",
                    score::STARTED,
                    format!("{source}: this is no command"),
                    "write one line, such as `deno run --allow-net main.ts`",
                ));
            }
            if is_development(script) {
                evidence.push(format!("{source}: restarts by itself, which is for development"));
                continue;
            }
            return by_task(app, script, source, evidence).map(Some);
        }
    }
    for path in ENTRIES {
        let Some(file) = app.read(path)? else { continue };
        let at = format!("{}:{}", app.at(path), file.line_of("Deno.serve"));
        let verb = if serves(&file.text) {
            "run"
        } else if file.text.contains("export default") && file.text.contains("fetch") {
            "serve"
        } else {
            continue;
        };
        let words = ["deno", verb, "--allow-net", "--allow-env", "--allow-read", path];
        let argv = words.into_iter().map(str::to_owned).collect();
        let mut start = listening(app, argv, Vec::new(), Some(path.to_owned()), at)?;
        start.score = score::INFERRED;
        start.evidence.extend(evidence);
        return Ok(Some(start));
    }
    Ok(None)
}

/// Returns the command of a task, of the last one where a task is another one: `deno task serve`.
fn followed<'a>(config: &'a Config, name: &str) -> Option<(&'a str, String)> {
    let mut found = config.task(name)?;
    for _ in 0..MOST {
        let other = found.0.trim().strip_prefix("deno task ").map(str::trim);
        match other.and_then(|name| config.task(name)) {
            Some(next) => found = next,
            None => break,
        }
    }
    Some(found)
}

fn is_development(script: &str) -> bool {
    script.contains("--watch")
        || script.contains("dev.ts")
        || commands::is_development(script).is_some()
}

/// Returns whether a source listens.
fn serves(text: &str) -> bool {
    let calls = ["Deno.serve(", "Deno.serve<", "Deno.listen(", ".listen("];
    let of_std = ["serve(", "await serve(", "start("];
    calls.iter().any(|call| text.contains(call))
        || text.lines().any(|line| of_std.iter().any(|call| line.starts_with(call)))
}

fn by_task(
    app: &App<'_>,
    script: &str,
    source: String,
    evidence: Vec<String>,
) -> Result<Start, Refusal> {
    let (env, rest) = commands::env_prefix(script);
    let argv = commands::plain(rest);
    let entry = argv.as_deref().and_then(entry);
    if let Some(path) = &entry
        && !path.contains(':')
        && !path.starts_with("_fresh/")
        && !path.starts_with('.')
        && !app.has(path)
    {
        return Err(app.refused(
            "deno",
            score::STARTED,
            format!("{source}: `{path}` is not there"),
            "correct the task, or commit the file",
        ));
    }
    let entry = entry.filter(|path| app.has(path));
    let argv = argv.unwrap_or_else(|| shell(rest));
    let mut start = listening(app, argv, env, entry, source)?;
    start.evidence.extend(evidence);
    Ok(start)
}

/// Returns the file that `deno run` or `deno serve` starts: the first argument that is no option.
fn entry(argv: &[String]) -> Option<String> {
    let mut words = argv.iter().map(String::as_str);
    if words.next()? != "deno" || !matches!(words.next()?, "run" | "serve") {
        return None;
    }
    let mut takes_value = false;
    for word in words {
        if takes_value {
            takes_value = false;
        } else if matches!(word, "-c" | "--config" | "--import-map" | "--host" | "--port" | "-L") {
            takes_value = true;
        } else if !word.starts_with('-') {
            return Some(word.trim_start_matches("./").to_owned());
        }
    }
    None
}

/// Adds the port to a start.
fn listening(
    app: &App<'_>,
    argv: Vec<String>,
    env: Vec<(String, String)>,
    entry: Option<String>,
    source: String,
) -> Result<Start, Refusal> {
    let mut start = Start {
        argv,
        entry,
        env,
        port: DEFAULT_PORT,
        port_source: "default of Deno.serve".into(),
        score: score::STARTED,
        source,
        evidence: Vec::new(),
    };
    let is_serve =
        matches!(start.argv.as_slice(), [deno, serve, ..] if deno == "deno" && serve == "serve");
    let says_port =
        start.argv.iter().find_map(|word| word.strip_prefix("--port=")?.parse::<u16>().ok());
    if is_serve && says_port.is_none() && !start.argv.iter().any(|word| word == "--port") {
        let words: Vec<String> = start.argv.iter().skip(2).map(|word| quoted(word)).collect();
        start.argv = shell(&format!("deno serve --host 0.0.0.0 --port=$PORT {}", words.join(" ")));
        start.port = PORT;
        start.port_source = "--port of deno serve".into();
        return Ok(start);
    }
    if let Some(port) = says_port {
        start.port = port;
        start.port_source = format!("{} --port", start.source);
        return Ok(start);
    }
    if start.argv.iter().any(|word| word.contains("$PORT")) {
        start.port = PORT;
        start.port_source.clone_from(&start.source);
        return Ok(start);
    }
    let mut files: Vec<File> = Vec::new();
    if let Some(path) = &start.entry {
        files.extend(app.read(path)?);
    }
    for path in app.glob(&["*.{ts,tsx,js}", "src/**/*.{ts,tsx,js}", "server/**/*.ts"], 40) {
        // A source that is no text belongs to no program.
        files.extend(app.read(&path).ok().flatten());
    }
    for file in &files {
        for name in ["\"PORT\"", "'PORT'", "`PORT`", "env.PORT", "$fresh/server.ts"] {
            if file.text.contains(name) {
                start.port = PORT;
                start.port_source = format!("{}:{} reads PORT", file.path, file.line_of(name));
                return Ok(start);
            }
        }
    }
    for file in &files {
        for (line, text) in file.lines() {
            if let Some(port) = literal(text) {
                start.port = port;
                start.port_source = format!("{}:{line}", file.path);
                return Ok(start);
            }
        }
    }
    Ok(start)
}

/// Returns the number after `port:` or `port =` of a line.
fn literal(line: &str) -> Option<u16> {
    js::port_after(&line.to_ascii_lowercase(), &["port:", "port =", "port="])
}

/// Returns a word as a shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_is_the_first_argument_that_is_no_option() {
        for (line, path) in [
            ("deno run -A main.ts --fast", Some("main.ts")),
            ("deno serve --port 80 ./src/web.ts", Some("src/web.ts")),
            ("deno task x", None),
            ("node a.js", None),
            ("deno", None),
        ] {
            let argv: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(entry(&argv).as_deref(), path, "{line}");
        }
    }

    #[test]
    fn ports_are_read_from_options() {
        assert_eq!(literal("Deno.serve({ port: 3000 }, serve);"), Some(3000));
        assert_eq!(literal("const PORT = 8001;"), Some(8001));
        assert_eq!(literal("port: Number(x)"), None);
        assert_eq!(quoted("a b'c"), "'a b'\\''c'");
    }
}
