//! The command that starts an app, and the files and packages that it needs.

use crate::scripts::{self, Build, Runs, Script};
use windlass_plugin_sdk::{App, Refusal, js::Package, read::Node, score};

pub(crate) const LANGUAGE: &str = "node";

/// Folders that builds write.
const BUILT: [&str; 6] = ["dist", "build", "lib", "out", ".output", ".next"];

/// Commands whose package has another name.
const COMMANDS: [(&str, &str); 8] = [
    ("tsc", "typescript"),
    ("sequelize", "sequelize-cli"),
    ("babel-node", "@babel/node"),
    ("dotenv", "dotenv-cli"),
    ("nest", "@nestjs/cli"),
    ("pm2-runtime", "pm2"),
    ("remix-serve", "@remix-run/serve"),
    ("react-router-serve", "@react-router/serve"),
];

/// Commands of packages that frameworks start by their file.
const HOISTED: [(&str, &str); 4] = [
    ("node_modules/next/dist/bin/next", "next"),
    ("node_modules/nuxt/bin/nuxt.js", "nuxt"),
    ("node_modules/@remix-run/serve/dist/cli.js", "remix-serve"),
    ("node_modules/@react-router/serve/bin.js", "react-router-serve"),
];

/// The start of an app.
#[derive(Debug, Default)]
pub(crate) struct Start {
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) source: String,
    pub(crate) score: u8,
    pub(crate) evidence: Vec<String>,
    pub(crate) builds: Vec<Build>,
    /// Development dependency that the start needs.
    pub(crate) keeps: Option<String>,
    /// The start is the framework's own.
    pub(crate) framework: bool,
}

pub(crate) fn refused(app: &App<'_>, score: u8, reason: String, hint: &str) -> Refusal {
    app.refused(LANGUAGE, score, reason, hint)
}

pub(crate) fn from(argv: Vec<String>, source: String) -> Start {
    Start { argv, source, score: score::STARTED, ..Start::default() }
}

/// Returns the file that `node` runs. `None` means that the argv is none of `node FILE`.
pub(crate) fn file_of(argv: &[String]) -> Option<&str> {
    let mut words = argv.iter().map(String::as_str);
    if words.next()? != "node" {
        return None;
    }
    while let Some(word) = words.next() {
        match word {
            "-r"
            | "--require"
            | "--import"
            | "--loader"
            | "--experimental-loader"
            | "-C"
            | "--conditions"
            | "--env-file"
            | "--env-file-if-exists" => {
                words.next();
            }
            "-e" | "--eval" | "-p" | "--print" => return None,
            word if word.starts_with('-') => {}
            word if word.starts_with('/') || word.contains("node_modules/") => return None,
            word => return Some(word),
        }
    }
    None
}

pub(crate) fn exists(app: &App<'_>, package: &Package, file: &str) -> bool {
    let file = file.trim_start_matches("./").trim_end_matches('/');
    if file.is_empty() || file == "." {
        let main = package.json.get("main").and_then(Node::text).unwrap_or("index.js");
        return main == "." || main.is_empty() || exists_as(app, main.trim_start_matches("./"));
    }
    exists_as(app, file)
}

/// Returns whether Node finds a file of that name.
pub(crate) fn exists_as(app: &App<'_>, file: &str) -> bool {
    app.has(file)
        || ["js", "mjs", "cjs", "json"].iter().any(|end| app.has(&format!("{file}.{end}")))
        || app.has(&format!("{file}/index.js"))
}

/// Returns whether a build surely writes files of that folder.
pub(crate) fn is_built(app: &App<'_>, package: &Package, file: &str) -> bool {
    let file = match file.trim_start_matches("./") {
        "" | "." => package.json.get("main").and_then(Node::text).unwrap_or_default(),
        file => file,
    };
    let Some((folder, _)) = file.trim_start_matches("./").split_once('/') else { return false };
    if BUILT.contains(&folder) {
        return true;
    }
    let named = ["build", "heroku-postbuild", "postinstall", "prestart"]
        .iter()
        .filter_map(|name| package.script(name))
        .any(|line| line.split(['/', ' ', '=']).any(|word| word == folder));
    let tsconfig = app.read("tsconfig.json").ok().flatten();
    let out = tsconfig.and_then(|file| windlass_plugin_sdk::read::jsonc(&file).ok());
    let out = out.as_ref().and_then(|json| json.at(&["compilerOptions", "outDir"]));
    let out =
        out.and_then(Node::text).map(|out| out.trim_start_matches("./").trim_end_matches('/'));
    named || out.is_some_and(|out| out == folder || out.starts_with(&format!("{folder}/")))
}

/// Returns the command of a process as the image can run it: scripts are followed, since the image has no manager but
/// npm. One that cannot be followed is as it was.
pub(crate) fn process(package: &Package, command: &[String]) -> Vec<String> {
    let named = command.first().map(String::as_str);
    if !matches!(named, Some("npm" | "yarn" | "pnpm" | "bun")) {
        return command.to_vec();
    }
    match scripts::follow(package, &command.join(" ")) {
        Script::Runs(Runs { argv, env, .. }) if env.is_empty() => argv,
        Script::Runs(Runs { argv, env, .. }) => {
            let env = env.into_iter().map(|(name, value)| format!("{name}={value}"));
            std::iter::once("env".to_owned()).chain(env).chain(argv).collect()
        }
        _ => command.to_vec(),
    }
}

/// Returns the development dependency that a start runs or loads.
pub(crate) fn kept(package: &Package, argv: &[String]) -> Option<String> {
    let is_development =
        |name: &str| package.dependency(name).is_none() && package.any_dependency(name).is_some();
    let shell: Vec<&str> = match argv {
        [program, _, line] if program == "sh" => line.split_whitespace().collect(),
        _ => argv.iter().map(String::as_str).collect(),
    };
    // A script that npm runs is a part of the line.
    let called = shell.windows(2).filter_map(|pair| match pair {
        ["run", name] => package.script(name),
        _ => None,
    });
    let called: Vec<&str> = called.flat_map(str::split_whitespace).collect();
    shell.iter().chain(&called).find_map(|word| {
        let word = word.rsplit_once('=').map_or(*word, |(_, value)| value);
        let word =
            COMMANDS.iter().find(|(known, _)| *known == word).map_or(word, |(_, name)| *name);
        // `tsx`, `ts-node/register`, `@swc/register`.
        let parts = if word.starts_with('@') { 2 } else { 1 };
        let name = word.split('/').take(parts).collect::<Vec<_>>().join("/");
        is_development(&name).then_some(name)
    })
}

/// Returns the start of a workspace's member. npm, Yarn and Bun install most packages at the root, so that the file is
/// not below the member: the command is found by `PATH`, which has both folders.
pub(crate) fn hoisted(argv: Vec<String>) -> Vec<String> {
    let [program, file, rest @ ..] = argv.as_slice() else { return argv };
    let known = HOISTED.iter().find(|(path, _)| program == "node" && file == path);
    match known {
        Some((_, command)) => {
            std::iter::once((*command).to_owned()).chain(rest.iter().cloned()).collect()
        }
        None => argv,
    }
}
