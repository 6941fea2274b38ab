//! Django: its own entry is `manage.py`, its server is one of the app's dependencies.

use crate::{source::literal_after, start::Start};
use windlass_plugin_sdk::{App, File, Refusal, RunCommand, Step, assets, python::Project, score};

/// Returns the start of a Django project. `None` means that there is none.
///
/// # Errors
/// Names the line to add where no server is installed.
pub(crate) fn find(app: &App<'_>, project: &Project) -> Result<Option<Start>, Refusal> {
    let Some((folder, manage)) = manage(app)? else { return Ok(None) };
    let Some(settings) = literal_after(&manage.text, "DJANGO_SETTINGS_MODULE") else {
        return Ok(None);
    };
    let at = |path: &str| match &*folder {
        "" => path.to_owned(),
        folder => format!("{folder}/{path}"),
    };
    let manage_path = at("manage.py");
    let line = manage.line_of("DJANGO_SETTINGS_MODULE");
    let package = settings.split(".settings").next().unwrap_or(settings);
    let packages = [package, settings.split('.').next().unwrap_or(settings), "config"];
    let entry = |kind: &str| {
        let named = packages.iter().find_map(|package| {
            let path = at(&format!("{}/{kind}.py", package.replace('.', "/")));
            app.has(&path).then(|| format!("{package}.{kind}"))
        });
        let top = || app.has(&at(&format!("{kind}.py"))).then(|| kind.to_owned());
        named.or_else(top)
    };
    let mut texts = settings_texts(app, &at(&settings.replace('.', "/")));
    let declared = |key: &str| {
        let named = texts.iter().find_map(|(_, text)| literal_after(text, key))?;
        let module = named.strip_suffix(".application")?;
        app.has(&at(&format!("{}.py", module.replace('.', "/")))).then(|| module.to_owned())
    };
    let wsgi = entry("wsgi").or_else(|| declared("WSGI_APPLICATION"));
    let asgi = entry("asgi").or_else(|| declared("ASGI_APPLICATION"));
    // The server's entry often names other settings than manage.py: those of production.
    let file = wsgi.as_ref().or(asgi.as_ref()).map(|module| module.replace('.', "/"));
    let file = file.and_then(|path| app.read(&at(&format!("{path}.py"))).ok().flatten());
    let named = file.as_ref().and_then(|file| literal_after(&file.text, "DJANGO_SETTINGS_MODULE"));
    let mut production = None;
    if let Some(named) = named.filter(|named| *named != settings) {
        let read = settings_texts(app, &at(&named.replace('.', "/")));
        if !read.is_empty() {
            texts = read;
            production = Some(named);
        }
    }
    if wsgi.is_none() && asgi.is_none() {
        let reason =
            format!("{manage_path}:{line}: Django, and there is no wsgi.py beside its settings");
        let hint =
            format!("add {}/wsgi.py with `application = get_wsgi_application()`", at(package));
        return Err(app.refused("python", score::FRAMEWORK, reason, hint));
    }
    let source = format!("{manage_path}:{line} Django");
    let Some(mut start) = server(project, wsgi, asgi, &texts, source) else {
        let file = project.file();
        let reason = match project.names("django") {
            Some(declared) => format!("{declared}: Django needs a server, and none is installed"),
            None => format!("{manage_path}:{line}: Django needs a server, and none is installed"),
        };
        let hint = format!("Django needs a server: add gunicorn to {file}");
        return Err(app.refused("python", score::FRAMEWORK, reason, hint));
    };
    if app.has("package.json") {
        start.steps.push(assets());
    }
    let is_root = |line: &str| line.trim_start().starts_with("STATIC_ROOT");
    let collected =
        texts.iter().find_map(|(path, text)| Some((path, text.lines().position(is_root)? + 1)));
    let elsewhere = texts.iter().find_map(|(path, text)| Some((path, stored_elsewhere(text)?)));
    if let Some((path, line)) = elsewhere {
        let why = "static files are stored elsewhere: collectstatic is not run";
        start.evidence.push(format!("{path}:{line}: {why}"));
    } else if let Some((path, line)) = collected {
        start.evidence.push(format!("{path}:{line}: STATIC_ROOT: collectstatic in the build"));
        start.steps.push(collect(&manage_path, production, &texts));
    }
    start.evidence.push(format!("{manage_path}: `migrate` is not run: run it by a hook"));
    start.folder = (!folder.is_empty()).then_some(folder);
    Ok(Some(start))
}

/// Returns the line that stores static files outside of the image, such as in a bucket: a build has no key of it. What
/// depends on a condition does not count.
fn stored_elsewhere(text: &str) -> Option<usize> {
    let is_away = |line: &str| {
        let value = line.split_once(['=', ':']).map_or("", |(_, value)| value);
        let value = value.to_ascii_lowercase();
        let names = ["s3", "storages.backends", "gcloud", "azure", "google"];
        names.iter().any(|name| value.contains(name)) && !value.contains("whitenoise")
    };
    // `STORAGES = {`, then `"staticfiles": {`, then its `"BACKEND"`.
    let (mut in_table, mut is_static) = (false, false);
    text.lines().enumerate().find_map(|(index, line)| {
        let code = line.split('#').next().unwrap_or_default();
        if code.starts_with(|c: char| c.is_ascii_alphabetic()) {
            in_table = code.starts_with("STORAGES");
            is_static = false;
        }
        if in_table && code.contains("\"staticfiles\"") || code.contains("'staticfiles'") {
            is_static = in_table;
        }
        let backend = is_static && code.contains("BACKEND");
        let found = (backend || code.starts_with("STATICFILES_STORAGE")) && is_away(code);
        is_static &= !backend;
        found.then_some(index + 1)
    })
}

/// Returns `manage.py` with its folder: the app's own, or the only one below it.
fn manage(app: &App<'_>) -> Result<Option<(String, File)>, Refusal> {
    if let Some(file) = app.read("manage.py")? {
        return Ok(Some((String::new(), file)));
    }
    // The nearest, where no other is as near.
    let near = app.glob(&["*/manage.py"], 2);
    let found = if near.is_empty() { app.glob(&["*/*/manage.py"], 2) } else { near };
    let [path] = &*found else { return Ok(None) };
    let folder = path.strip_suffix("/manage.py").unwrap_or_default().to_owned();
    Ok(app.read(path)?.map(|file| (folder, file)))
}

/// Returns the settings' files, as far as they are where Django's guide has them.
fn settings_texts(app: &App<'_>, path: &str) -> Vec<(String, String)> {
    let folder = path.rsplit_once('/').map_or(path, |(folder, _)| folder);
    let near = ["base", "common", "production", "prod"].map(|name| format!("{folder}/{name}.py"));
    let inside = ["__init__", "base", "production"].map(|name| format!("{path}/{name}.py"));
    let all = [format!("{path}.py")].into_iter().chain(inside).chain(near);
    let read = all.filter_map(|path| {
        let file = app.read(&path).ok().flatten()?;
        Some((path, file.text))
    });
    read.collect()
}

fn server(
    project: &Project,
    wsgi: Option<String>,
    asgi: Option<String>,
    settings: &[(String, String)],
    source: String,
) -> Option<Start> {
    let has = |name: &str| project.names(name).is_some();
    let start = |line: &str| Some(Start::line(score::FRAMEWORK, source.clone(), line));
    let speaks_asgi = has("channels")
        || has("daphne")
        || settings.iter().any(|(_, text)| text.contains("ASGI_APPLICATION"));
    if let Some(asgi) = asgi.as_ref().filter(|_| speaks_asgi) {
        if has("daphne")
            || project
                .dependency("channels")
                .is_some_and(|one| one.extras.iter().any(|extra| extra == "daphne"))
        {
            return start(&format!("daphne -b 0.0.0.0 -p $PORT {asgi}:application"));
        }
        if has("uvicorn") {
            return start(&format!("uvicorn {asgi}:application --host 0.0.0.0 --port $PORT"));
        }
    }
    if let Some(wsgi) = &wsgi {
        if has("gunicorn") {
            return start(&format!("gunicorn {wsgi} --bind 0.0.0.0:$PORT"));
        }
        if has("waitress") {
            return start(&format!("waitress-serve --port=$PORT {wsgi}:application"));
        }
        if has("uwsgi") || has("pyuwsgi") {
            return start(&format!("uwsgi --http :$PORT --master --module {wsgi}:application"));
        }
        if has("granian") {
            return start(&format!(
                "granian --interface wsgi --host 0.0.0.0 --port $PORT {wsgi}:application"
            ));
        }
    }
    let asgi = asgi?;
    if has("uvicorn") {
        return start(&format!("uvicorn {asgi}:application --host 0.0.0.0 --port $PORT"));
    }
    if has("hypercorn") {
        return start(&format!("hypercorn {asgi}:application --bind 0.0.0.0:$PORT"));
    }
    if has("gunicorn") && has("uvicorn-worker") {
        return start(&format!(
            "gunicorn {asgi}:application -k uvicorn_worker.UvicornWorker --bind 0.0.0.0:$PORT"
        ));
    }
    None
}

/// Returns the step that collects static files. Settings that want a variable get one for this step alone.
fn collect(manage: &str, module: Option<&str>, settings: &[(String, String)]) -> Step {
    let mut wanted: Vec<(String, &str)> = Vec::new();
    if let Some(module) = module {
        wanted.push(("DJANGO_SETTINGS_MODULE".to_owned(), module));
    }
    for (_, text) in settings {
        for (name, value) in variables(text) {
            if wanted.iter().all(|(one, _)| *one != name) {
                wanted.push((name, value));
            }
        }
    }
    let mut command = Vec::new();
    if !wanted.is_empty() {
        command.push("env".to_owned());
    }
    command.extend(wanted.into_iter().take(30).map(|(name, value)| format!("{name}={value}")));
    command.extend(["python", manage, "collectstatic", "--noinput"].map(str::to_owned));
    let why = Some("Static files, without a database".to_owned());
    Step::Run(RunCommand { command, caches: Vec::new(), secrets: Vec::new(), why })
}

/// Calls and indexes that read a variable. `get_env_variable` and its like are settings' own, of a well-known book.
const READERS: [&str; 8] = [
    "environ[",
    "env(",
    "config(",
    "getenv(",
    "get_env_variable(",
    "get_env_value(",
    "get_env_setting(",
    "env_required(",
];

/// Types that `env` reads as `env.int(`, with a value of each.
const TYPED: [(&str, &str); 13] = [
    ("env.str(", BUILD_ONLY),
    ("env.bool(", "0"),
    ("env.int(", "0"),
    ("env.float(", "0"),
    ("env.list(", BUILD_ONLY),
    ("env.tuple(", BUILD_ONLY),
    ("env.json(", "{}"),
    ("env.dict(", ""),
    ("env.url(", "http://localhost"),
    ("env.cache(", "locmemcache://"),
    ("env.email(", "consolemail://"),
    ("env.db(", DATABASE),
    ("env.db_url(", DATABASE),
];

const BUILD_ONLY: &str = "build-only";
const DATABASE: &str = "sqlite://:memory:";

/// Returns the variables that settings read without a default, each with a value that it can be read from. A call may
/// have several lines, and a line several calls.
fn variables(text: &str) -> Vec<(String, &'static str)> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    let code = lines.collect::<Vec<_>>().join("\n");
    let readers = READERS.iter().map(|reader| (*reader, None));
    let typed = TYPED.iter().map(|(reader, value)| (*reader, Some(*value)));
    let mut found: Vec<(usize, String, &str)> = Vec::new();
    for (reader, value) in readers.chain(typed) {
        for (at, _) in code.match_indices(reader) {
            let Some(before) = code.get(..at) else { continue };
            let Some(rest) = code.get(at + reader.len()..) else { continue };
            // `my_config(` is another function.
            if before.ends_with(|c: char| c.is_alphanumeric() || c == '_') {
                continue;
            }
            found.extend(variable(before, rest, value).map(|(name, value)| (at, name, value)));
        }
    }
    for (at, _) in code.match_indices("env.db()").chain(code.match_indices("env.db_url()")) {
        found.push((at, "DATABASE_URL".to_owned(), DATABASE));
    }
    found.sort_by_key(|(at, _, _)| *at);
    found.into_iter().map(|(_, name, value)| (name, value)).collect()
}

/// Returns the variable of a call, by what is before and in its parentheses. `value` is that of its type.
fn variable(
    before: &str,
    rest: &str,
    value: Option<&'static str>,
) -> Option<(String, &'static str)> {
    let rest = rest.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (name, after) = rest.get(1..)?.split_once(quote)?;
    let good = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let is_name =
        name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && name.chars().all(good);
    let after = after.trim_start().trim_start_matches(',').trim_start();
    let (arguments, _) = after.split_once([')', ']']).unwrap_or((after, ""));
    // `config("DEBUG", cast=bool)` has no default, either.
    let is_plain = arguments.trim().is_empty()
        || arguments.starts_with("cast") && !arguments.contains("default");
    // `x["A"] = 1` and `os.environ["A"] = "b"` set it.
    let sets = after.strip_prefix(']').is_some_and(|rest| {
        let rest = rest.trim_start();
        rest.starts_with('=') && !rest.starts_with("==")
    });
    if !is_name || !is_plain || sets {
        return None;
    }
    let call = before.trim_end_matches("os.");
    let is_number = ["int(", "bool(", "float("].iter().any(|typed| call.ends_with(typed))
        || ["cast=int", "cast=bool", "cast=float"].iter().any(|cast| arguments.contains(cast));
    let value = match value {
        Some(value) => value,
        None if is_number || name.ends_with("PORT") => "0",
        None if name.contains("DATABASE_URL") || name.ends_with("DB_URL") => DATABASE,
        None => BUILD_ONLY,
    };
    Some((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_read_in_several_lines_and_several_times_in_a_line() {
        for (text, expected) in [
            ("A = os.environ[\"A\"] + os.environ['B']", "A=build-only B=build-only"),
            (
                "A = env(\n    \"A\",  # ours\n)\nB = env(\n    \"B\",\n    default=\"x\",\n)",
                "A=build-only",
            ),
            ("A = int(os.environ['A'])\nB = config('B', cast=int)", "A=0 B=0"),
            (
                "C = {'NAME': config('DB_NAME'), 'PORT': config('DB_PORT', cast=int)}",
                "DB_NAME=build-only DB_PORT=0",
            ),
            (
                "A = get_env_variable('A')\nB = env.json('B')\nC = env.db('C_URL')",
                "A=build-only B={} C_URL=sqlite://:memory:",
            ),
            ("DATABASES = {'default': env.db()}", "DATABASE_URL=sqlite://:memory:"),
            (
                "A = os.environ.get('A')\nB = config('B', default='x')\nmy_config('C')\nos.environ['D'] = 'x'",
                "",
            ),
            ("DEBUG = env.bool('DEBUG', False)\n# env('X')", ""),
        ] {
            let all = variables(text);
            let all: Vec<_> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!(all.join(" "), expected, "{text}");
        }
    }
}
