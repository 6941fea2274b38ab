//! Starts of everything else: tools with servers of their own, console scripts, packages, scripts.

use crate::{
    source::{assigned, imported, imports, starts_itself},
    start::Start,
    web::loopback,
};
use windlass_plugin_sdk::{App, Refusal, python::Project, read::Node, score};

/// Scripts with usual names.
const SCRIPTS: [&str; 15] = [
    "main.py",
    "app.py",
    "server.py",
    "run.py",
    "wsgi.py",
    "bot.py",
    "index.py",
    "start.py",
    "worker.py",
    "__main__.py",
    "src/main.py",
    "src/app.py",
    "src/bot.py",
    "app/main.py",
    "bot/main.py",
];

/// Packages that servers, bots and jobs import, and that Python does not bring.
const FOREIGN: [&str; 26] = [
    "aiogram",
    "aiohttp",
    "boto3",
    "bottle",
    "celery",
    "dash",
    "discord",
    "django",
    "falcon",
    "fastapi",
    "flask",
    "gradio",
    "nicegui",
    "numpy",
    "openai",
    "pandas",
    "psycopg2",
    "pydantic",
    "redis",
    "requests",
    "sanic",
    "sqlalchemy",
    "starlette",
    "streamlit",
    "tornado",
    "uvicorn",
];

/// Package, its own program's command, and options.
const OTHERS: [(&str, &str, &str); 4] = [
    ("panel", "serve", "--address 0.0.0.0 --port $PORT --allow-websocket-origin '*'"),
    ("shiny", "run", "--host 0.0.0.0 --port $PORT"),
    ("solara", "run", "--host 0.0.0.0 --port $PORT --production"),
    ("marimo", "run", "--host 0.0.0.0 --port $PORT --headless"),
];

/// Checks that scripts without a manifest import nothing that has to be installed.
///
/// # Errors
/// Names the line of such an import.
pub(crate) fn installed(app: &App<'_>, files: &[&str]) -> Result<(), Refusal> {
    for path in files {
        let Some(file) = app.read(path)? else { continue };
        for (number, line) in file.lines().filter(|(_, line)| !line.starts_with([' ', '\t'])) {
            let Some(name) = imported(line).find(|name| FOREIGN.contains(name)) else { continue };
            if app.has(&format!("{name}.py")) || app.has_dir(name) {
                continue;
            }
            let reason = format!("{path}:{number}: imports {name}, and no manifest names it");
            let hint = format!("commit a requirements.txt with {name}");
            return Err(app.refused("python", score::INFERRED, reason, hint));
        }
    }
    Ok(())
}

/// Returns the start of an app of Streamlit, Chainlit, Gradio or Dash. `None` means that it is none.
pub(crate) fn tool(app: &App<'_>, project: &Project) -> Option<Start> {
    let usual = ["streamlit_app.py", "app.py", "main.py", "Home.py", "src/app.py", "src/main.py"];
    let file = |package: &str| {
        let declared = project.names(package)?;
        let mut all: Vec<String> = usual.iter().map(|&path| path.to_owned()).collect();
        all.extend(app.glob(&["*.py", "src/*.py", "app/*.py"], 30));
        let found = all.into_iter().find(|path| {
            let file = app.read(path).ok().flatten();
            file.is_some_and(|file| imports(&file.text, package))
        });
        found.map(|path| (path, declared))
    };
    if let Some((path, declared)) = file("streamlit") {
        let line = format!(
            "streamlit run {path} --server.port $PORT --server.address 0.0.0.0 --server.headless true"
        );
        return Some(Start::line(score::STARTED, format!("{declared} streamlit"), &line));
    }
    if let Some((path, declared)) = file("chainlit") {
        let line = format!("chainlit run {path} --host 0.0.0.0 --port $PORT --headless");
        return Some(Start::line(score::STARTED, format!("{declared} chainlit"), &line));
    }
    for (package, command, options) in OTHERS {
        if let Some((path, declared)) = file(package) {
            let line = format!("{package} {command} {path} {options}");
            return Some(Start::line(score::STARTED, format!("{declared} {package}"), &line));
        }
    }
    if let Some((path, declared)) = file("gradio") {
        let text = app.read(&path).ok().flatten().map(|file| file.text).unwrap_or_default();
        // Mounted on FastAPI, uvicorn serves it.
        if assigned(&text, &["FastAPI"]).is_some() {
            return None;
        }
        let line = format!("env GRADIO_SERVER_PORT=$PORT python {path}");
        let mut start = Start::line(score::STARTED, format!("{declared} gradio"), &line);
        start.env.push(("GRADIO_SERVER_NAME".into(), "0.0.0.0".into()));
        return Some(start);
    }
    dash(app, project)
}

/// Returns the start of an app of Dash that serves itself. `None` means that there is none.
fn dash(app: &App<'_>, project: &Project) -> Option<Start> {
    let declared = project.names("dash")?;
    let path = ["index.py", "app.py", "main.py", "run.py"].into_iter().find(|path| {
        let file = app.read(path).ok().flatten();
        file.is_some_and(|file| starts_itself(&file.text) && imports(&file.text, "dash"))
    })?;
    let source = format!("{declared} dash, {path} starts itself");
    let mut start = Start::plain(score::STARTED, source, &["python", path]);
    start.env.push(loopback());
    Some(start)
}

/// Packages that a script serves with by itself.
const SERVERS: [&str; 8] =
    ["aiohttp", "tornado", "sanic", "bottle", "http", "socketserver", "cherrypy", "robyn"];

/// Returns the start of a script that starts a server of its own. `None` means that there is none.
pub(crate) fn server(app: &App<'_>) -> Option<Start> {
    SCRIPTS.iter().find_map(|path| {
        let text = app.read(path).ok().flatten()?.text;
        let package = SERVERS.iter().find(|package| imports(&text, package))?;
        let source = format!("{path}: starts itself, with {package}");
        starts_itself(&text).then(|| Start::plain(score::STARTED, source, &["python", path]))
    })
}

/// Returns the start by a console script of the package. `None` means that there is none, or several.
pub(crate) fn console(project: &Project) -> Option<Start> {
    if !project.installs_itself() {
        return None;
    }
    let root = project.pyproject.as_ref()?;
    let table = root
        .at(&["project", "scripts"])
        .or_else(|| root.at(&["tool", "poetry", "scripts"]))
        .map(Node::map)?;
    let same = |name: &str| project.name.as_deref() == Some(name);
    let serves = |name: &str| matches!(name, "serve" | "server" | "web" | "start");
    let (name, node) = table
        .iter()
        .find(|(name, _)| serves(name))
        .or_else(|| table.iter().find(|(name, _)| same(name)))
        .or_else(|| if let [one] = table { Some(one) } else { None })?;
    let score = if serves(name) { score::STARTED } else { score::INFERRED };
    let source = format!("pyproject.toml:{} scripts.{name}", node.line);
    Some(Start::plain(score, source, &[&format!("/venv/bin/{name}")]))
}

/// Returns the start of a worker of Celery that has no app beside it. `None` means that there is none.
fn celery(app: &App<'_>, project: &Project, root: &str) -> Option<Start> {
    project.names("celery")?;
    let named = ["tasks.py", "celery_app.py", "celeryapp.py", "worker.py", "app.py", "main.py"];
    let mut all: Vec<String> = named.iter().map(|&path| path.to_owned()).collect();
    all.extend(app.glob(&["*/{celery,celery_app,tasks,worker}.py"], 20));
    let (path, line, text) = all.into_iter().find_map(|path| {
        let text = app.read(&path).ok().flatten()?.text;
        let (line, _) = assigned(&text, &["Celery"])?;
        Some((path, line, text))
    })?;
    if SCRIPTS.iter().any(|script| *script != path && app.has(script)) {
        return None;
    }
    let source = format!("{path}:{line} Celery");
    // `-A shop` is `shop.celery`, whose own import of Celery names no neighbour.
    if let Some(folder) = path.strip_suffix("/celery.py") {
        return Some(Start::plain(score::INFERRED, source, &["celery", "-A", folder, "worker"]));
    }
    let found = crate::module::module(app, &path, &text);
    let start = Start::plain(score::INFERRED, source, &["celery", "-A", &found.name, "worker"]);
    Some(start.importing(root, found.path))
}

/// Returns the start by the only script of a package. `None` means that there is none, or several.
fn inside(app: &App<'_>, root: &str) -> Option<Start> {
    let patterns = ["*/{main,app,server,run,bot}.py", "src/*/{main,app,server,run,bot}.py"];
    let all = app.glob(&patterns, 20);
    let aside = |path: &str| {
        path.starts_with("test")
            || path.starts_with("docs/")
            || path.starts_with("examples/")
            || crate::web::is_of_another(app, path)
    };
    let mut left = all.iter().filter(|path| !aside(path) && !SCRIPTS.contains(&&***path));
    let path = left.next()?;
    if left.next().is_some() || SCRIPTS.iter().any(|script| app.has(script)) {
        return None;
    }
    let text = app.read(path).ok().flatten().filter(|file| starts_itself(&file.text))?.text;
    let found = crate::module::module(app, path, &text);
    let serves = SERVERS.iter().any(|package| imports(&text, package));
    let score = if serves { score::STARTED } else { score::INFERRED };
    let start =
        Start::plain(score, format!("{path}: starts itself"), &["python", "-m", &found.name]);
    Some(start.importing(root, found.path))
}

/// Returns the start by `python -m`, or by Celery. `None` means that there is no such package, or several.
pub(crate) fn package(app: &App<'_>, project: &Project, root: &str) -> Option<Start> {
    if let Some(start) = celery(app, project, root) {
        return Some(start);
    }
    let found = app.glob(&["*/__main__.py", "src/*/__main__.py"], 10);
    let mut found = found.iter().filter(|path| !path.starts_with("test"));
    let Some(path) = found.next() else { return inside(app, root) };
    if found.next().is_some() {
        return None;
    }
    let folder = path.strip_suffix("/__main__.py")?;
    let name = folder.strip_prefix("src/").unwrap_or(folder);
    let start = Start::plain(score::INFERRED, path.clone(), &["python", "-m", name]);
    let is_outside = folder != name && !project.installs_itself();
    Some(start.importing(root, is_outside.then(|| "src".to_owned())))
}

/// Returns the start by a script: one with a usual name, or the only one.
pub(crate) fn script(app: &App<'_>) -> Option<Start> {
    let usual = SCRIPTS.iter().find_map(|path| {
        let file = app.read(path).ok().flatten()?;
        Some(((*path).to_owned(), file.text))
    });
    if let Some((path, text)) = usual {
        let itself = starts_itself(&text);
        let score = if itself { score::STARTED } else { score::INFERRED };
        let rule = if itself { "starts itself" } else { "the start script" };
        return Some(Start::plain(score, format!("{path}: {rule}"), &["python", &path]));
    }
    let no_app = [
        "setup.py",
        "conftest.py",
        "noxfile.py",
        "tasks.py",
        "fabfile.py",
        "versioneer.py",
        "manage.py",
        "gunicorn.conf.py",
        "__init__.py",
    ];
    let all = app.glob(&["*.py"], 50);
    let mut left =
        all.iter().filter(|path| !no_app.contains(&&***path) && !path.starts_with("test"));
    let only = left.next()?;
    if left.next().is_some() {
        return None;
    }
    let text = app.read(only).ok().flatten()?.text;
    if !starts_itself(&text) {
        return None;
    }
    let source = format!("{only}: the only script, starts itself");
    Some(Start::plain(score::INFERRED, source, &["python", only]))
}
