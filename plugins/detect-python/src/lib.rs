//! Python apps with requirements.txt or pyproject.toml, in a virtual environment.

use windlass_plugin_sdk::{
    Detection, Error, ImagePlan, Toolchain, Tree, copy, copy_from, detector, exists, invalid,
    run_cached, stage, unsupported,
};

mod requirements;
mod version;

/// Version of Python where the repository asks for none.
const VERSION: &str = "3.11";

/// Files of other managers, each with the command that writes a requirements.txt.
const FOREIGN: [(&str, &str); 5] = [
    ("poetry.lock", "poetry export --output requirements.txt"),
    ("pdm.lock", "pdm export --output requirements.txt"),
    ("uv.lock", "uv export --output-file requirements.txt"),
    ("Pipfile.lock", "pipenv requirements > requirements.txt"),
    ("Pipfile", "pipenv requirements > requirements.txt"),
];

fn detect(repo: &Tree, _: Vec<String>) -> Result<Option<Detection>, Error> {
    let requirements = repo.read_text("requirements.txt", 1 << 18)?;
    let project = repo.read_text("pyproject.toml", 1 << 18)?;
    let foreign = FOREIGN.into_iter().find(|(file, _)| exists(repo, file));
    if let (None, Some((file, export))) = (&requirements, foreign) {
        // `pip install .` would install versions that no lock file names.
        return Err(unsupported(
            format!("{file}: pip does not read it, and pip alone is known here"),
            &format!("commit a requirements.txt (`{export}`), or a Dockerfile"),
        ));
    }
    let (file, declared) = match (&requirements, &project) {
        (Some(text), _) => ("requirements.txt", text),
        (None, Some(text)) => ("pyproject.toml", text),
        (None, None) => return Ok(None),
    };
    let mut evidence = vec![format!("{file}: a Python app's dependencies")];
    if let Some((other, _)) = foreign {
        evidence.push(format!("{other}: not read, {file} says the versions"));
    }
    let local = requirements::local(requirements.as_deref().unwrap_or_default())?;
    let version = match repo.read_text(".python-version", 64)? {
        Some(text) => {
            evidence.push(format!(".python-version: {}", text.trim()));
            minor(text.trim())
        }
        None => VERSION.into(),
    };
    let (start, sure) = start(repo, declared, &mut evidence)?;
    let base = format!("python:{version}-slim");
    let install: &[&str] = match requirements {
        Some(_) => &["/venv/bin/pip", "install", "-r", "requirements.txt"],
        None => &["/venv/bin/pip", "install", "."],
    };
    let alone = requirements.is_some() && local.is_none();
    if let Some(line) = local {
        evidence.push(format!("requirements.txt: `{line}`: all files are there before it"));
    }
    let sources: &[&str] = if alone { &["requirements.txt"] } else { &["."] };
    let cache = ["/root/.cache/pip"];
    let mut build = stage(
        "build",
        &base,
        vec![
            run_cached(&["python", "-m", "venv", "/venv"], &[]),
            copy(sources, "./"),
            run_cached(install, &cache),
            copy(&["."], "."),
        ],
    );
    let mut versions = Vec::new();
    // Elsewhere a variable that differs with each commit would have all packages installed again.
    if !alone {
        let setup = ["setup.py", "setup.cfg"].map(|file| repo.read_text(file, 1 << 18));
        let [setup, config] = setup;
        let setup = setup?.unwrap_or_default() + "\n" + &config?.unwrap_or_default();
        versions = version::variables(project.as_deref().unwrap_or_default(), &setup);
    }
    evidence.extend(versions.iter().map(|(variable, tool)| {
        format!("{file}: {tool} asks git for the version; {variable} says it")
    }));
    let path = "/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    build.env = vec![("PATH".into(), path.into()), ("PYTHONDONTWRITEBYTECODE".into(), "1".into())];
    build.env.extend(version::environment(&versions));
    let serve = stage(
        "run",
        &base,
        vec![copy_from("build", "/venv", "/venv"), copy_from("build", "/app", "/app")],
    );
    Ok(Some(Detection {
        language: "python".into(),
        score: match (&requirements, sure) {
            (Some(_), true) => 80,
            (Some(_), false) => 70,
            (None, true) => 60,
            (None, false) => 50,
        },
        toolchains: vec![Toolchain { name: "python".into(), version: Some(version) }],
        evidence,
        image: ImagePlan {
            stages: vec![build, serve],
            test_in: Some("build".into()),
            start,
            port: Some(8080),
            health: None,
            env: vec![("PATH".into(), path.into()), ("PYTHONUNBUFFERED".into(), "1".into())],
            user: 10001,
        },
        attrs: Vec::new(),
    }))
}

/// Reads the minor version: `3.11` of `3.11.7`.
fn minor(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// Returns the command of a Procfile's `web`, or of a start script with a usual name. The flag is false where the
/// name is the only evidence: a tool's script may have such a name, too.
fn start(
    repo: &Tree,
    declared: &str,
    evidence: &mut Vec<String>,
) -> Result<(Vec<String>, bool), Error> {
    let argv = |texts: &[&str]| texts.iter().map(|&text| text.into()).collect::<Vec<String>>();
    if let Some(procfile) = repo.read_text("Procfile", 1 << 14)?
        && let Some(line) = procfile.lines().find_map(|line| line.strip_prefix("web:"))
    {
        evidence.push("Procfile: web".into());
        return Ok((argv(&["sh", "-c", &format!("exec {}", line.trim())]), true));
    }
    for name in ["main.py", "app.py", "server.py"] {
        let Some(text) = repo.read_text(name, 1 << 20)? else { continue };
        if text.contains("__main__") {
            evidence.push(format!("{name}: starts itself"));
            return Ok((argv(&["python", name]), true));
        }
        let module = name.trim_end_matches(".py");
        if declared.contains("gunicorn") && text.contains("app = ") {
            evidence.push(format!("{name}: `app`, with gunicorn"));
            let target = format!("{module}:app");
            let command = format!("exec gunicorn --bind 0.0.0.0:$PORT {target}");
            return Ok((argv(&["sh", "-c", &command]), true));
        }
        evidence.push(format!("{name}: the start script"));
        return Ok((argv(&["python", name]), false));
    }
    Err(invalid(
        "a Python app, but nothing says how to start it".into(),
        "add a main.py, or a Procfile with a `web:` line",
    ))
}

detector!(detect);
