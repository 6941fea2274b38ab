//! Scripts of package.json, down to the program that they run.

use windlass_plugin_sdk::{commands, js::Package, shell};

mod watch;

/// Scripts that name each other at most.
const DEEPEST: usize = 5;

/// A script, followed to its end.
#[derive(Debug)]
pub(crate) enum Script {
    /// A command to start.
    Runs(Runs),
    /// A development server: its name.
    Development(String),
    /// The script of a workspace's member, or of a folder below. `None` means that it is not known which.
    Delegates(Option<crate::below::Other>),
    /// Scripts that name each other without end.
    Circle,
}

/// A command to start.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) builds: Vec<Build>,
    pub(crate) evidence: Vec<String>,
}

/// A part of a start that belongs to the build.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Build {
    /// A script by name.
    Script(String),
    /// A tool with its arguments.
    Tool(Vec<String>),
}

/// Follows a line: scripts that it names, variables before the program, builds before the start.
pub(crate) fn follow(package: &Package, line: &str) -> Script {
    let mut runs = Runs::default();
    let mut before: Vec<String> = Vec::new();
    let mut line = one_line(line);
    for _ in 0..DEEPEST {
        let (env, rest) = commands::env_prefix(&line);
        let rest = rest.trim().to_owned();
        runs.env.extend(env);
        if delegates(&rest) {
            return Script::Delegates(crate::below::other(&rest));
        }
        if let Some(name) = script_of(&rest).filter(|name| package.script(name).is_some()) {
            let text = one_line(package.script(name).unwrap_or_default());
            runs.evidence.push(package.source(&["scripts", name]));
            if let Some(pre) = package.script(&format!("pre{name}")) {
                let name = format!("pre{name}");
                if builds(&name, pre) {
                    runs.builds.push(Build::Script(name));
                } else {
                    before.push(one_line(pre));
                }
            }
            line = text;
            continue;
        }
        // What is built at each start belongs to the image.
        let Some((head, tail)) = rest.split_once("&&") else {
            line = rest;
            break;
        };
        let head = head.trim();
        let built = match script_of(head) {
            Some(name) if builds(name, package.script(name).unwrap_or_default()) => {
                Some(Build::Script(name.to_owned()))
            }
            Some(_) => None,
            None if builds("", head) => commands::plain(head).map(Build::Tool),
            None => None,
        };
        let Some(built) = built else {
            line = rest;
            break;
        };
        runs.evidence.push(format!("`{head}` is run by the build, not at each start"));
        runs.builds.push(built);
        line = tail.trim().to_owned();
    }
    if script_of(&line).is_some_and(|name| package.script(name).is_some()) {
        return Script::Circle;
    }
    end(package, runs, &before, &line)
}

/// Returns a script without control characters, which an argv of an image cannot hold.
fn one_line(script: &str) -> String {
    script.replace(char::is_control, " ").trim().to_owned()
}

/// Turns the last line into an argv.
fn end(package: &Package, mut runs: Runs, before: &[String], line: &str) -> Script {
    let (env, rest) = commands::env_prefix(line);
    runs.env.extend(env);
    let line = match watch::plain(package, rest) {
        Some((plain, tool)) => {
            runs.evidence.push(format!("{tool} is for development: `{plain}` runs without it"));
            plain
        }
        None => match commands::is_development(rest) {
            Some(tool) => return Script::Development(tool.to_owned()),
            None => rest.to_owned(),
        },
    };
    let line = line.strip_prefix("npx ").map_or(line.as_str(), |rest| {
        let rest = rest.trim_start();
        let flags = ["--yes ", "-y ", "--no-install "];
        flags.iter().find_map(|flag| rest.strip_prefix(flag)).unwrap_or(rest)
    });
    let line = without_managers(package, line);
    let before: Vec<String> = before.iter().map(|line| without_managers(package, line)).collect();
    let line = line.as_str();
    let plain = commands::plain(line).filter(|argv| !argv.is_empty());
    runs.argv = match plain {
        Some(argv) if before.is_empty() => argv,
        _ => {
            let mut whole = before;
            whole.push(line.to_owned());
            runs.evidence.push("a shell starts the app, and is replaced by it".into());
            shell(&whole.join(" && "))
        }
    };
    Script::Runs(runs)
}

/// Commands of managers that are neither scripts nor tools.
const OWN: [&str; 8] = ["install", "i", "add", "ci", "workspace", "workspaces", "global", "node"];

/// Replaces managers that the image of the app lacks: npm runs their scripts, and `PATH` has their tools.
fn without_managers(package: &Package, line: &str) -> String {
    let parts = line.split("&&").map(|part| {
        let part = part.trim();
        let Some((program, rest)) = part.split_once(' ') else { return part.to_owned() };
        if !matches!(program, "yarn" | "pnpm" | "bun" | "bunx") {
            return part.to_owned();
        }
        let rest = rest.trim_start();
        let (verb, after) = rest.split_once(' ').unwrap_or((rest, ""));
        let words = if matches!(verb, "run" | "exec" | "dlx" | "x") { after } else { rest };
        let (name, arguments) = words.split_once(' ').unwrap_or((words, ""));
        let is_own = OWN.contains(&name) || name.is_empty() || name.starts_with('-');
        let is_tool = matches!(verb, "exec" | "dlx" | "x") || !program.starts_with("bun");
        match (package.script(name).is_some(), arguments) {
            (true, "") => format!("npm run {name}"),
            (true, arguments) => {
                format!("npm run {name} -- {}", arguments.trim_start_matches("-- "))
            }
            (false, _) if is_tool && !is_own => words.to_owned(),
            (false, _) => part.to_owned(),
        }
    });
    parts.collect::<Vec<_>>().join(" && ")
}

/// Returns the script's name of `npm start`, `npm run x`, `yarn x`, `pnpm x`, without more arguments.
fn script_of(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().filter(|word| !matches!(*word, "-s" | "--silent"));
    let program = words.next()?;
    if !matches!(program, "npm" | "yarn" | "pnpm" | "bun") {
        return None;
    }
    let first = words.next()?;
    let name = match first {
        "run" | "run-script" => words.next()?,
        "start" | "test" => first,
        name if program != "npm" => name,
        _ => return None,
    };
    (words.next().is_none() && !name.starts_with('-')).then_some(name)
}

/// Returns whether a line starts a member of a workspace.
fn delegates(line: &str) -> bool {
    let mut words = line.split_whitespace();
    match words.next() {
        Some("turbo" | "lerna" | "nx") => true,
        Some("npx") => matches!(words.next(), Some("turbo" | "lerna" | "nx")),
        Some("yarn") => {
            [" workspace ", " workspaces ", " --cwd"].iter().any(|word| line.contains(word))
        }
        Some("npm") => {
            line.contains(" -w ") || line.contains(" --workspace") || line.contains(" --prefix")
        }
        Some("pnpm") => [" --filter", " -F ", " -r ", " --recursive", " -C ", " --dir "]
            .iter()
            .any(|flag| line.contains(flag)),
        _ => false,
    }
}

/// Returns whether a script is a build.
fn builds(name: &str, line: &str) -> bool {
    let program = line.split_whitespace().next().unwrap_or_default();
    name.contains("build")
        || name.contains("compile")
        || line.split("&&").any(|part| {
            let named = script_of(part.trim()).unwrap_or_default();
            named.contains("build") || named.contains("compile")
        })
        || matches!(
            program,
            "tsc" | "webpack" | "rollup" | "esbuild" | "tsup" | "babel" | "swc" | "rimraf"
        )
        || line.contains("run build")
}
