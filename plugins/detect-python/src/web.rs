//! Apps of ASGI and WSGI frameworks: a module, a name in it, and a server that is installed.

use crate::{
    module::module,
    source::{assigned, factory, has_name, imports, made, starts_itself},
    start::Start,
};
use windlass_plugin_sdk::{App, File, Refusal, python::Project, score};

const ASGI: [&str; 9] = [
    "FastAPI",
    "Starlette",
    "Litestar",
    "Quart",
    "Esmerald",
    "BlackSheep",
    "FastHTML",
    // `app, rt = fast_app()`, of FastHTML.
    "fast_app",
    "Sanic",
];
const WSGI: [&str; 7] = ["Flask", "APIFlask", "Bottle", "OpenAPI", "Eve", "Connexion", "FlaskApp"];

/// Files that apps are in, the usual ones first.
const FILES: [&str; 18] = [
    "main.py",
    "app.py",
    "server.py",
    "api.py",
    "asgi.py",
    "run.py",
    "application.py",
    "index.py",
    "app/main.py",
    "app/app.py",
    "app/server.py",
    "app/api.py",
    "app/__init__.py",
    "src/main.py",
    "src/app.py",
    "src/server.py",
    "src/app/main.py",
    "api/main.py",
];

/// Other files that are looked through, at most this many.
const MORE: u32 = 60;

/// An app in a module.
struct Served {
    file: String,
    text: String,
    line: usize,
    /// `app`, or the name of a function that returns it.
    name: String,
    is_factory: bool,
    is_asgi: bool,
}

/// Returns the start of an app of such a framework. `None` means that there is none.
///
/// # Errors
/// Names the line of an app whose server is not installed.
pub(crate) fn find(app: &App<'_>, project: &Project, root: &str) -> Result<Option<Start>, Refusal> {
    let files = files(app);
    let found = wsgi_file(app)
        .or_else(|| of_class(&files))
        .or_else(|| of_made(&files, project))
        .or_else(|| of_factory(&files, project));
    let Some(served) = found else { return Ok(None) };
    if served.is_asgi {
        asgi(app, project, root, &served)
    } else {
        wsgi(app, project, root, &served)
    }
}

fn files(app: &App<'_>) -> Vec<(String, File)> {
    let patterns = [
        "*.py",
        "*/main.py",
        "*/app.py",
        "*/asgi.py",
        "*/server.py",
        "*/__init__.py",
        "*/{api,application,index,run,web,webapp,wsgi}.py",
        "src/*/*.py",
        "*/*/main.py",
    ];
    let more = app.glob(&patterns, MORE);
    let usual = FILES.iter().map(|&path| path.to_owned());
    let is_test = |path: &str| {
        path.split('/').any(|part| {
            part.starts_with("test") || ["conftest.py", "docs", "examples"].contains(&part)
        })
    };
    let mut paths: Vec<String> = Vec::new();
    for path in usual.chain(more) {
        if !paths.contains(&path) && !is_test(&path) {
            paths.push(path);
        }
    }
    let read = paths.into_iter().filter_map(|path| {
        let file = app.read(&path).ok().flatten()?;
        (!is_of_another(app, &path)).then_some((path, file))
    });
    read.collect()
}

/// Returns whether a file is below a folder with a manifest of its own: that is another app.
pub(crate) fn is_of_another(app: &App<'_>, path: &str) -> bool {
    let mut folder = path;
    while let Some((above, _)) = folder.rsplit_once('/') {
        let manifests = ["requirements.txt", "pyproject.toml", "Pipfile"];
        if manifests.iter().any(|file| app.has(&format!("{above}/{file}"))) {
            return true;
        }
        folder = above;
    }
    false
}

/// Returns the app of a `wsgi.py`, which exists for servers.
fn wsgi_file(app: &App<'_>) -> Option<Served> {
    let file = app.read("wsgi.py").ok().flatten()?;
    if file.text.contains("django") {
        return None;
    }
    let (name, line) = ["application", "app"]
        .into_iter()
        .find_map(|name| Some((name, has_name(&file.text, name)?)))?;
    Some(Served {
        file: "wsgi.py".into(),
        text: file.text,
        line,
        name: name.into(),
        is_factory: false,
        is_asgi: false,
    })
}

/// Returns an app of one of these classes: of several, the one with the usual name, on which the others are mounted.
fn main_app(text: &str, classes: &[&str]) -> Option<(usize, String)> {
    let of_line = |(index, line)| assigned(line, classes).map(|(_, name)| (index + 1, name));
    let usual = |(_, name): &(usize, String)| matches!(&**name, "app" | "application");
    let mut all = text.lines().enumerate().filter_map(of_line);
    all.find(usual).or_else(|| assigned(text, classes))
}

fn of_class(files: &[(String, File)]) -> Option<Served> {
    files.iter().find_map(|(path, file)| {
        let asgi = main_app(&file.text, &ASGI);
        let is_asgi = asgi.is_some() || file.text.contains("falcon.asgi");
        let falcon = || {
            if imports(&file.text, "falcon") { assigned(&file.text, &["App", "API"]) } else { None }
        };
        let dash = || {
            // Dash has its Flask app below `server`. Of several pages, `index.py` puts them together.
            let (line, _) = assigned(&file.text, &["Dash"])?;
            let index = || files.iter().find(|(path, _)| path == "index.py");
            let whole = || index().is_some_and(|(_, file)| imports(&file.text, "app"));
            if path == "app.py" && whole() {
                return None;
            }
            has_name(&file.text, "server").map(|_| (line, "server".to_owned()))
        };
        let pages = || {
            let is_index = path == "index.py" && imports(&file.text, "dash");
            let line = has_name(&file.text, "server").filter(|_| is_index)?;
            Some((line, "server".to_owned()))
        };
        let found = asgi.or_else(|| assigned(&file.text, &WSGI)).or_else(falcon);
        let found = found.or_else(dash).or_else(pages);
        let (line, name) = found?;
        let (file_name, text) = (path.clone(), file.text.clone());
        Some(Served { file: file_name, text, line, name, is_factory: false, is_asgi })
    })
}

fn of_factory(files: &[(String, File)], project: &Project) -> Option<Served> {
    let has = |name: &str| project.names(name).is_some();
    files
        .iter()
        .find_map(|(path, file)| {
            let (line, name) = factory(&file.text)?;
            let is_asgi = ASGI.iter().any(|class| file.text.contains(&format!("{class}(")));
            let is_wsgi = WSGI.iter().any(|class| file.text.contains(&format!("{class}(")));
            if !is_asgi && !(is_wsgi || has("flask")) {
                return None;
            }
            Some(Served {
                file: path.clone(),
                text: file.text.clone(),
                line,
                name: name.to_owned(),
                is_factory: true,
                is_asgi,
            })
        })
        .or_else(|| of_name(files, project))
}

/// Returns an app that its module makes by a function with arguments, or by one of another module.
fn of_made(files: &[(String, File)], project: &Project) -> Option<Served> {
    let named = |names: &[&str]| names.iter().any(|name| project.names(name).is_some());
    let is_asgi = named(&["fastapi", "starlette", "litestar", "quart"]);
    if !is_asgi && !named(&["flask", "apiflask", "falcon", "bottle"]) {
        return None;
    }
    // A worker makes an app for its context.
    let is_web = |path: &str| !path.contains("celery") && !path.contains("worker");
    files.iter().filter(|(path, _)| is_web(path)).find_map(|(path, file)| {
        let (line, name) = made(&file.text)?;
        let (file, text) = (path.clone(), file.text.clone());
        Some(Served { file, text, line, name, is_factory: false, is_asgi })
    })
}

/// Packages whose apps are no apps of these frameworks, although they depend on them, and a list of all packages that
/// are installed names them.
const OTHERS: [&str; 9] =
    ["aiohttp", "celery", "chainlit", "dash", "gradio", "nicegui", "panel", "streamlit", "tornado"];

/// Returns what the app's usual file calls its app, however that is made: `app = container.web()`.
fn of_name(files: &[(String, File)], project: &Project) -> Option<Served> {
    let named = |names: &[&str]| names.iter().any(|name| project.names(name).is_some());
    let is_asgi = named(&["fastapi", "starlette", "litestar", "quart"]);
    if !is_asgi && !named(&["flask", "apiflask", "falcon"]) {
        return None;
    }
    let is_other = |text: &str| OTHERS.iter().any(|package| imports(text, package));
    let usual = files.iter().filter(|(path, _)| FILES.contains(&&**path));
    usual.filter(|(_, file)| !is_other(&file.text)).find_map(|(path, file)| {
        let (line, name) = file.text.lines().enumerate().find_map(|(index, line)| {
            let (left, right) = line.split_once('=')?;
            let name = left.split(':').next().unwrap_or_default().trim_end();
            // A function or an attribute: a class that is not known may be anything.
            let value = right.trim_start().split('(').next()?.rsplit('.').next()?;
            let is_made = value.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
            (matches!(name, "app" | "application") && is_made).then_some((index + 1, name))
        })?;
        let (file, text) = (path.clone(), file.text.clone());
        Some(Served { file, text, line, name: name.into(), is_factory: false, is_asgi })
    })
}

fn asgi(
    app: &App<'_>,
    project: &Project,
    root: &str,
    served: &Served,
) -> Result<Option<Start>, Refusal> {
    let has = |name: &str| project.names(name).is_some();
    let extra = |name: &str| {
        let standard = |extra: &String| matches!(&**extra, "standard" | "all");
        project.dependency(name).is_some_and(|one| one.extras.iter().any(standard))
    };
    let found = module(app, &served.file, &served.text);
    let target = format!("{}:{}", found.name, served.name);
    let factory = if served.is_factory { " --factory" } else { "" };
    let source = format!("{}:{} {}", served.file, served.line, served.name);
    if has("sanic") && served.text.contains("Sanic(") {
        if starts_itself(&served.text) && listens(&served.text) {
            let start = Start::plain(score::STARTED, source, &["python", &served.file]);
            return Ok(Some(start.importing(root, found.path)));
        }
        // Its own server, which a script without `app.run()` does not start.
        let line = format!("sanic {target}{factory} --host 0.0.0.0 --port $PORT");
        let start = Start::line(score::STARTED, source, &line);
        return Ok(Some(start.importing(root, found.path)));
    }
    let line = if has("uvicorn") || extra("fastapi") || extra("litestar") || has("python-fasthtml")
    {
        format!("uvicorn {target}{factory} --host 0.0.0.0 --port $PORT")
    } else if has("hypercorn") || has("quart") {
        // Quart depends on Hypercorn.
        let target = if served.is_factory { format!("'{target}()'") } else { target };
        format!("hypercorn {target} --bind 0.0.0.0:$PORT")
    } else if has("granian") {
        format!("granian --interface asgi{factory} --host 0.0.0.0 --port $PORT {target}")
    } else if has("daphne") && !served.is_factory {
        format!("daphne -b 0.0.0.0 -p $PORT {target}")
    } else if starts_itself(&served.text) && imports(&served.text, "uvicorn") {
        let message = format!("{source}: uvicorn is imported, and no manifest names it");
        let fix = format!("add uvicorn to {}", project.file());
        let mut start = Start::plain(score::INFERRED, source, &["python", &served.file]);
        start.warnings.push((message, fix));
        return Ok(Some(start));
    } else {
        let reason = format!("{source}: an ASGI app needs a server, and none is installed");
        let hint = format!("add uvicorn to {}", project.file());
        return Err(app.refused("python", score::STARTED, reason, hint));
    };
    Ok(Some(Start::line(score::STARTED, source, &line).importing(root, found.path)))
}

fn wsgi(
    app: &App<'_>,
    project: &Project,
    root: &str,
    served: &Served,
) -> Result<Option<Start>, Refusal> {
    let has = |name: &str| project.names(name).is_some();
    let found = module(app, &served.file, &served.text);
    let target = format!("{}:{}", found.name, served.name);
    let source = format!("{}:{} {}", served.file, served.line, served.name);
    let called = if served.is_factory { format!("'{target}()'") } else { target.clone() };
    let line = if has("gunicorn") {
        format!("gunicorn {called} --bind 0.0.0.0:$PORT")
    } else if has("waitress") {
        let call = if served.is_factory { " --call" } else { "" };
        format!("waitress-serve --port=$PORT{call} {target}")
    } else if has("uwsgi") || has("pyuwsgi") {
        let name =
            if served.is_factory { format!("{}()", served.name) } else { served.name.clone() };
        format!("uwsgi --http :$PORT --master --module '{}:{name}'", found.name)
    } else if has("granian") && !served.is_factory {
        format!("granian --interface wsgi --host 0.0.0.0 --port $PORT {target}")
    } else if starts_itself(&served.text) && listens(&served.text) {
        // The app serves itself, which says more than a development server that is inferred.
        let mut start = Start::plain(score::STARTED, source, &["python", &served.file]);
        start.env.extend(has("dash").then(loopback));
        return Ok(Some(start.importing(root, found.path)));
    } else if let Some(runner) = runner(app) {
        let source = format!("{runner}: starts itself");
        let mut start = Start::plain(score::STARTED, source, &["python", runner]);
        start.env.extend(has("dash").then(loopback));
        return Ok(Some(start));
    } else if has("flask") {
        let message = format!("{source}: `flask run` is a development server");
        let fix = format!("add gunicorn to {}", project.file());
        let target = if served.is_factory { found.name.clone() } else { target };
        let line = format!("flask --app {target} run --host 0.0.0.0 --port $PORT");
        let itself = starts_itself(&served.text);
        let score = if itself { score::STARTED } else { score::INFERRED };
        let mut start = Start::line(score, source, &line).importing(root, found.path);
        if itself {
            let why = "its `app.run()` listens on a port of its own, not on $PORT";
            start.evidence.push(format!("{}: {why}", served.file));
        }
        start.warnings.push((message, fix));
        return Ok(Some(start));
    } else {
        let reason = format!("{source}: a WSGI app needs a server, and none is installed");
        let hint = format!("add gunicorn to {}", project.file());
        return Err(app.refused("python", score::STARTED, reason, hint));
    };
    Ok(Some(Start::line(score::STARTED, source, &line).importing(root, found.path)))
}

/// Returns whether a script that starts itself may listen on `$PORT`: Flask's `run` without one listens on port 5000
/// of the loopback interface alone, where nothing reaches it. Sanic's does so on port 8000.
fn listens(text: &str) -> bool {
    let runs = ["app.run(", "application.run(", "socketio.run("];
    let runs = runs.iter().any(|call| text.contains(call));
    let is_known = imports(text, "flask") || imports(text, "sanic");
    let says_port = text.contains("PORT\"") || text.contains("PORT'");
    // An address of all interfaces, or one that is read beside the port.
    let is_open = ["0.0.0.0", "\"::\"", "'::'", "HOST"].iter().any(|host| text.contains(host));
    !(runs && is_known) || says_port && is_open
}

/// Returns the variable without which Dash listens on the loopback interface alone. The port is its `$PORT`.
pub(crate) fn loopback() -> (String, String) {
    ("HOST".into(), "0.0.0.0".into())
}

/// Returns a script at the root that starts itself, where the app is in a package.
fn runner(app: &App<'_>) -> Option<&'static str> {
    ["run.py", "main.py", "index.py", "app.py", "server.py", "wsgi.py"].into_iter().find(|path| {
        let file = app.read(path).ok().flatten();
        file.is_some_and(|file| starts_itself(&file.text) && listens(&file.text))
    })
}
