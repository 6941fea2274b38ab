//! The command that starts an app.

use crate::{
    delegate,
    foreign::{built, foreign},
    scripts::{self, Build, Runs, Script},
};
use windlass_plugin_sdk::{
    App, Refusal,
    js::{Framework, Output, Package},
    procfile::Line,
    read::Node,
    score,
};

pub(crate) const LANGUAGE: &str = "node";

/// Dependencies of apps that serve.
const SERVERS: [&str; 16] = [
    "express",
    "fastify",
    "koa",
    "hono",
    "@hapi/hapi",
    "polka",
    "h3",
    "ws",
    "socket.io",
    "apollo-server",
    "@apollo/server",
    "restify",
    "@feathersjs/express",
    "@adonisjs/core",
    "serve",
    "http-server",
];

/// Names of files that start an app, by widespread use.
const USUAL: [&str; 12] = [
    "server.js",
    "index.js",
    "app.js",
    "main.js",
    "server.mjs",
    "index.mjs",
    "app.mjs",
    "server.cjs",
    "src/server.js",
    "src/index.js",
    "src/app.js",
    "src/main.js",
];

/// Folders that builds write.
const BUILT: [&str; 6] = ["dist", "build", "lib", "out", ".output", ".next"];

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

/// Finds the start: Procfile, framework, `scripts.start`, `main`, `bin`, a file of a usual name.
pub(crate) fn find(
    app: &App<'_>,
    package: &Package,
    framework: Option<&Framework>,
    lines: &[Line],
) -> Result<Start, Refusal> {
    if let Some(web) = lines.iter().find(|line| line.name == "web") {
        let source = format!("{}:{} web", app.at("Procfile"), web.line);
        if let Some((program, manifest)) = built(app, &web.command) {
            let reason = format!("{source}: `{program}` is what the build of {manifest} makes");
            let hint = "start a program of Node, or leave the app to the other language";
            return Err(refused(app, score::TOOLS, reason, hint));
        }
        let named = web.command.first().map(String::as_str);
        if !matches!(named, Some("npm" | "yarn" | "pnpm" | "bun")) {
            return checked(app, package, framework, from(web.command.clone(), source));
        }
        let script = scripts::follow(package, &web.command.join(" "));
        return said(app, package, framework, script, &source);
    }
    let script = package.script("start").map(|_| scripts::follow(package, "npm start"));
    let source = package.source(&["scripts", "start"]);
    match framework.map(|framework| &framework.output) {
        Some(Output::Server { .. }) => {
            if let Some(start) =
                framework.and_then(|found| own(app, package, found, script.as_ref()))
            {
                return Ok(start);
            }
        }
        Some(Output::Static { .. }) if !is_server(app, package, script.as_ref()) => {
            let name = framework.map(|framework| framework.name).unwrap_or_default();
            let from = framework.map(|framework| framework.source.clone()).unwrap_or_default();
            let reason = format!("{from}: {name} builds static files only; `static` serves them");
            return Err(refused(app, score::STATIC, reason, "add the plugin `static`"));
        }
        Some(Output::None) if !is_server(app, package, script.as_ref()) => {
            let name = framework.map(|framework| framework.name).unwrap_or_default();
            let from = framework.map(|framework| framework.source.clone()).unwrap_or_default();
            let reason = format!("{from}: an app of {name} has no server");
            let hint = "name the folder of its server in `source.directory`";
            return Err(refused(app, score::TOOLS, reason, hint));
        }
        _ => {}
    }
    if matches!(script, Some(Script::Development(_)) | None)
        && let Some(start) = crate::production::start(app, package, framework)
    {
        return Ok(start);
    }
    match script {
        Some(script) => said(app, package, framework, script, &source),
        None => crate::worker::only(app, package, framework, lines)
            .unwrap_or_else(|| inferred(app, package)),
    }
}

fn refused(app: &App<'_>, score: u8, reason: String, hint: &str) -> Refusal {
    app.refused(LANGUAGE, score, reason, hint)
}

pub(crate) fn from(argv: Vec<String>, source: String) -> Start {
    Start { argv, source, score: score::STARTED, ..Start::default() }
}

/// Returns the framework's own start, unless the app has a server of its own.
fn own(
    app: &App<'_>,
    package: &Package,
    framework: &Framework,
    script: Option<&Script>,
) -> Option<Start> {
    let Output::Server { start, .. } = &framework.output else { return None };
    let custom = match script {
        Some(Script::Runs(runs)) => file_of(&runs.argv).is_some_and(|file| app.has(file)),
        _ => false,
    };
    if custom || !serves(&framework.output) {
        return None;
    }
    Some(Start {
        argv: start.clone(),
        source: framework.source.clone(),
        score: band(framework.name, package),
        evidence: vec![format!("{}: {}", framework.source, framework.name)],
        keeps: configured_in_typescript(app, package, framework),
        framework: true,
        ..Start::default()
    })
}

/// Returns TypeScript where Next compiles its own configuration by it at each start, and it is a development
/// dependency. A standalone server has its configuration built in.
fn configured_in_typescript(
    app: &App<'_>,
    package: &Package,
    framework: &Framework,
) -> Option<String> {
    let compiles = framework.name == "Next"
        && matches!(framework.output, Output::Server { needs_modules: true, .. })
        && ["next.config.ts", "next.config.mts"].iter().any(|file| app.has(file));
    let is_development = package.dependency("typescript").is_none()
        && package.any_dependency("typescript").is_some();
    (compiles && is_development).then(|| "typescript".to_owned())
}

/// Returns whether `scripts.start` is a server although a framework builds static files.
fn is_server(app: &App<'_>, package: &Package, script: Option<&Script>) -> bool {
    let Some(Script::Runs(runs)) = script else { return false };
    let ejected = package.any_dependency("react-dev-utils").is_some();
    if ejected && file_of(&runs.argv) == Some("scripts/start.js") {
        return false;
    }
    let depends = SERVERS.iter().any(|name| package.dependency(name).is_some());
    depends || file_of(&runs.argv).is_some_and(|file| app.has(file))
}

/// Returns the start that a script says.
pub(crate) fn said(
    app: &App<'_>,
    package: &Package,
    framework: Option<&Framework>,
    script: Script,
    source: &str,
) -> Result<Start, Refusal> {
    match script {
        Script::Runs(Runs { argv, env, builds, evidence }) => {
            let start = Start { env, builds, evidence, ..from(argv, source.to_owned()) };
            checked(app, package, framework, start)
        }
        Script::Development(tool) => {
            let reason = format!("{source} is a development server ({tool})");
            let hint =
                "start what the build leaves, such as `node dist/server.js`, in scripts.start";
            Err(refused(app, score::INFERRED, reason, hint))
        }
        Script::Circle => {
            let reason = format!("{source} names scripts that name each other");
            Err(refused(app, score::INFERRED, reason, "start a program in scripts.start"))
        }
        Script::Delegates(other) => {
            if let Some(start) = other.and_then(|it| delegate::start(app, package, &it, source)) {
                return Ok(start);
            }
            let reason = format!("{source} starts a member of the workspace");
            let hint = "name the member's folder in `source.directory`";
            Err(refused(app, score::INFERRED, reason, hint))
        }
    }
}

/// Refuses a start whose file is missing, and finds the development dependency that it needs.
pub(crate) fn checked(
    app: &App<'_>,
    package: &Package,
    framework: Option<&Framework>,
    mut start: Start,
) -> Result<Start, Refusal> {
    if let Some(program) = foreign(&start.argv) {
        let reason = format!("{}: `{program}` is no program of Node", start.source);
        let hint = "start a program of Node, or commit a Dockerfile";
        return Err(refused(app, score::TOOLS, reason, hint));
    }
    without_env_file(app, &mut start);
    if let Some(file) = file_of(&start.argv) {
        let builds = package.script("build").is_some()
            || package.script("postinstall").is_some()
            || package.script("heroku-postbuild").is_some()
            || !start.builds.is_empty()
            || framework.is_some_and(|framework| framework.build().is_some());
        if !exists(app, package, file) && !(builds && is_built(app, package, file)) {
            let reason = format!("{}: `{file}` is not there, and no build makes it", start.source);
            let hint = "commit the file, or correct the start";
            return Err(refused(app, score::STARTED, reason, hint));
        }
    }
    start.keeps =
        kept(package, &start.argv).or_else(|| configured_in_typescript(app, package, framework?));
    if let Some(name) = &start.keeps {
        let source = package.dependency_source(name).unwrap_or_default();
        start.evidence.push(format!("{source}: the start needs it, so that nothing is pruned"));
        start
            .evidence
            .push(format!("{name}: a start of compiled files would be smaller and faster"));
    }
    Ok(start)
}

/// Removes `--env-file` of a file that is not committed: `node` would end at once. The cluster sets variables.
fn without_env_file(app: &App<'_>, start: &mut Start) {
    if start.argv.first().is_none_or(|program| program != "node") {
        return;
    }
    let mut kept: Vec<String> = Vec::new();
    let mut words = std::mem::take(&mut start.argv).into_iter().peekable();
    while let Some(word) = words.next() {
        let file = match word.strip_prefix("--env-file=") {
            Some(file) => Some(file.to_owned()),
            None if word == "--env-file" => words.peek().cloned(),
            None => None,
        };
        match file.filter(|file| !app.has(file)) {
            Some(file) => {
                let why = format!(
                    "{}: `{file}` is not committed, so that `--env-file` is left out",
                    start.source
                );
                start.evidence.push(why);
                if word == "--env-file" {
                    words.next();
                }
            }
            None => kept.push(word),
        }
    }
    start.argv = kept;
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
fn exists_as(app: &App<'_>, file: &str) -> bool {
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

/// Returns the start that the tree suggests.
fn inferred(app: &App<'_>, package: &Package) -> Result<Start, Refusal> {
    let start = |file: &str, source: String| Start {
        argv: vec!["node".to_owned(), file.to_owned()],
        evidence: vec![format!("{source}: the start, which nothing says")],
        source,
        score: score::INFERRED,
        ..Start::default()
    };
    let builds = package.script("build").is_some();
    let usable = |file: &str| {
        (exists_as(app, file) && !is_of_page(app, package, file))
            || (builds && file.ends_with("js") && is_built(app, package, file))
    };
    let main =
        package.json.get("main").and_then(Node::text).map(|main| main.trim_start_matches("./"));
    if let Some(main) =
        main.filter(|main| !main.is_empty() && !main.starts_with('/') && usable(main))
    {
        return Ok(start(main, package.source(&["main"])));
    }
    let bin = package.json.get("bin");
    let only = bin.and_then(|bin| match bin.map() {
        [(_, node)] => node.text(),
        _ => bin.text(),
    });
    let only = only.map(|file| file.trim_start_matches("./"));
    if let Some(file) = only.filter(|file| !file.starts_with('/') && usable(file)) {
        return Ok(start(file, package.source(&["bin"])));
    }
    if let Some(file) = USUAL.iter().find(|file| app.has(file) && !is_of_page(app, package, file)) {
        return Ok(start(file, app.at(file)));
    }
    if USUAL.iter().chain(main.iter()).any(|file| is_of_page(app, package, file)) {
        let page = app.at("index.html");
        let reason = format!("{}: starts no server beside {page}", package.file.path);
        return Err(refused(app, score::TOOLS, reason, "`static` serves the page as it is"));
    }
    let reason = format!("{} has neither scripts.start nor main", package.file.path);
    Err(refused(app, score::TOOLS, reason, "add `scripts.start` to package.json"))
}

/// Commands of packages that frameworks start by their file.
const HOISTED: [(&str, &str); 4] = [
    ("node_modules/next/dist/bin/next", "next"),
    ("node_modules/nuxt/bin/nuxt.js", "nuxt"),
    ("node_modules/@remix-run/serve/dist/cli.js", "remix-serve"),
    ("node_modules/@react-router/serve/bin.js", "react-router-serve"),
];

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

/// Returns whether a file is likely a script of the page beside it: no server is a dependency, and the file makes none.
fn is_of_page(app: &App<'_>, package: &Package, file: &str) -> bool {
    if !app.has("index.html") || SERVERS.iter().any(|name| package.dependency(name).is_some()) {
        return false;
    }
    let names = [file.to_owned(), format!("{file}.js"), format!("{file}/index.js")];
    let found = names.iter().find_map(|name| app.read(name).ok().flatten());
    found.is_some_and(|file| {
        !["createServer", ".listen("].iter().any(|word| file.text.contains(word))
    })
}

/// Returns the score of a start: one that a framework leaves to guess is inferred.
fn band(name: &str, package: &Package) -> u8 {
    let nitro = ["nitro", "nitropack", "vinxi"];
    let guessed = name == "TanStack Start"
        && !nitro.iter().any(|dependency| package.any_dependency(dependency).is_some());
    if guessed { score::INFERRED } else { score::STARTED }
}

/// Returns whether a framework's output is a server with a start of its own.
fn serves(output: &Output) -> bool {
    matches!(output, Output::Server { start, .. } if !start.is_empty())
}
