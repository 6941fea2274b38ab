//! Choice of the start: Procfile, framework, script, file.

use crate::{
    command::{Start, exists_as, file_of, from, is_built, refused},
    foreign::built,
    production,
    said::{checked, configured_in_typescript, said},
    scripts::{self, Script},
    worker,
};
use windlass_plugin_sdk::{
    App, Refusal,
    js::{Framework, Output, Package},
    procfile::Line,
    read::Node,
    score,
};

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
        && let Some(start) = production::start(app, package, framework)
    {
        return Ok(start);
    }
    match script {
        Some(script) => said(app, package, framework, script, &source),
        None => {
            worker::only(app, package, framework, lines).unwrap_or_else(|| inferred(app, package))
        }
    }
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
