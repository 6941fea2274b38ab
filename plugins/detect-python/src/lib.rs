//! Python apps: pip, pipenv, poetry, pdm, uv and packages, in a virtual environment.

use windlass_plugin_sdk::{
    App, Candidate, CopyFiles, Detection, Found, Refusal, Stage, Step, detector, procfile,
    python::{Kind, PATH, Project, install_packages, stages},
    score,
};

mod choose;
mod django;
mod module;
mod script;
mod source;
mod start;
mod web;

#[cfg(test)]
mod tests;

/// Files that make an app of a folder without any manifest.
const LONE: [&str; 5] = ["main.py", "app.py", "server.py", "wsgi.py", "manage.py"];

/// Folders that hold no app.
const ASIDE: [&str; 10] =
    ["docs", "doc", "test", "tests", "example", "examples", "scripts", "tools", "samples", "ci"];

/// Returns how to build and start a Python app.
///
/// # Errors
/// Names file and line of what cannot be planned, and what to do.
pub fn detect(app: &App<'_>) -> Found {
    let project = match Project::read(app)? {
        Some(project) => project,
        None => return elsewhere(app),
    };
    let is_lone = project.manager.kind == Kind::Nothing;
    if is_lone && !LONE.iter().any(|file| app.has(file)) {
        return elsewhere(app);
    }
    if is_lone {
        script::installed(app, &LONE)?;
    }
    let chosen = project.version()?;
    let installed = stages(&project)?;
    let root = installed.workdir.clone().unwrap_or_else(|| "/app".into());
    let lines = procfile::read(app)?;
    if let Some(refusal) = procfile::foreign(&lines, "python") {
        return Err(refusal);
    }
    let has_web = lines.iter().any(|line| line.name == "web");
    let worker = lines.iter().find(|line| line.name != "release");
    let start = match choose::start(app, &project, &root) {
        // A script beside a worker is the worker: a bot that is started twice answers twice.
        Ok(start) if has_web || start.serves || worker.is_none() => start,
        Err(_) if has_web => start::Start { score: score::STARTED, ..start::Start::default() },
        found => match (found, worker) {
            // A worker alone, such as a bot: it is what runs.
            (_, Some(line)) => {
                let source = format!("Procfile:{} {}", line.line, line.name);
                let argv = line.command.clone();
                start::Start { argv, score: score::STARTED, source, ..start::Start::default() }
            }
            (Ok(start), None) => start,
            (Err(refusal), None) => return Err(refusal.with_candidates(candidates(app))),
        },
    };
    let score = match (has_web, is_lone) {
        (true, _) => start.score.max(score::STARTED),
        (false, true) => start.score.min(score::INFERRED),
        (false, false) => start.score,
    };
    let mut found = Detection::new("python", score);
    found.context = installed.context;
    found.tool("python", &chosen);
    if !is_lone {
        found.decide("manager", project.manager.kind.name(), &*project.manager.source);
    }
    for line in installed.evidence.into_iter().chain(start.evidence) {
        found.because(line);
    }
    for (message, fix) in project.warnings.iter().cloned().chain(start.warnings) {
        found.warn(message, fix);
    }
    let mut all = installed.stages;
    if let Some(build) = all.iter_mut().find(|stage| stage.name == "build") {
        build.steps.extend(start.steps);
    }
    // Lines of a Procfile are written for the app's own folder: `cd site && gunicorn …`.
    let workdir = match start.folder.as_ref().filter(|_| !has_web) {
        Some(folder) => Some(format!("{root}/{folder}")),
        None => installed.workdir,
    };
    let copied = |path: &str| {
        let (from, sources) = (Some("build".to_owned()), vec![path.to_owned()]);
        Step::Copy(CopyFiles { from, sources, dest: path.to_owned(), owned: false, why: None })
    };
    let mut run = Stage {
        name: "run".into(),
        base: installed.base,
        workdir,
        env: Vec::new(),
        packages: Vec::new(),
        steps: vec![copied("/venv"), copied("/app")],
        why: None,
    };
    install_packages(&mut run, &chosen.version, &project.system.run);
    all.push(run);
    found.image.stages = all;
    found.image.test_in = Some(installed.test_in);
    found.image.env = vec![("PATH".into(), PATH.into()), ("PYTHONUNBUFFERED".into(), "1".into())];
    found.image.env.extend(start.env);
    found.build_secrets.clone_from(&project.secrets);
    if !has_web {
        found.decide("start", start.argv.join(" "), start.source);
        found.image.start = start.argv;
    }
    for line in &lines {
        if let Some((program, package)) = missing(&line.command, &project) {
            let said = format!("Procfile:{} {}: runs {program}", line.line, line.name);
            let fix = format!("add {package} to {}", project.file());
            found.warn(format!("{said}, and no manifest names {package}"), fix);
        }
    }
    let kept: Vec<_> = lines.into_iter().filter(|line| line.command != found.image.start).collect();
    procfile::apply(kept, &mut found);
    Ok(Some(found))
}

/// Returns the server that a line runs and that is not installed, with its package.
fn missing(command: &[String], project: &Project) -> Option<(&'static str, &'static str)> {
    let servers = [
        ("daphne", "daphne"),
        ("gunicorn", "gunicorn"),
        ("uwsgi", "uwsgi"),
        ("waitress-serve", "waitress"),
    ];
    let mut words = command.iter().flat_map(|part| part.split([' ', ';', '&', '|']));
    let named = words.find_map(|word| servers.into_iter().find(|(program, _)| *program == word))?;
    // `channels[daphne]` brings it.
    let brings = |extra: &String| extra == named.1;
    let is_there = project
        .dependencies
        .iter()
        .any(|one| !one.dev && (one.name == named.1 || one.extras.iter().any(brings)));
    (!is_there).then_some(named)
}

/// Refuses a folder whose apps are below it. Nothing of Python is no answer.
fn elsewhere(app: &App<'_>) -> Found {
    let all = candidates(app);
    if all.is_empty() {
        let notebooks = app.glob(&["*.ipynb"], 1);
        return match notebooks.first() {
            None => Ok(None),
            Some(file) => {
                let reason = format!("{file}: a notebook serves nothing");
                let hint = "commit a script that starts a server, and requirements.txt";
                Err(app.refused("python", score::TOOLS, reason, hint))
            }
        };
    }
    let first = all.first().map_or("", |candidate| &*candidate.folder);
    let reason = format!("{first}: a Python app below this folder, which has none itself");
    let hint = "name one as `source.directory`";
    Err(Refusal::new(reason, hint).of("python", score::TOOLS).with_candidates(all))
}

/// Returns the folders below that have manifests of their own.
fn candidates(app: &App<'_>) -> Vec<Candidate> {
    let patterns = [
        "*/requirements.txt",
        "*/pyproject.toml",
        "*/Pipfile",
        "*/*/requirements.txt",
        "*/*/pyproject.toml",
    ];
    let mut all: Vec<Candidate> = Vec::new();
    for path in app.glob(&patterns, 200) {
        let Some((folder, _)) = path.rsplit_once('/') else { continue };
        let is_aside =
            folder.split('/').any(|part| ASIDE.contains(&part) || part == "requirements");
        let full = app.at(folder);
        let starts = [
            "main.py",
            "app.py",
            "server.py",
            "manage.py",
            "wsgi.py",
            "Procfile",
            "app/main.py",
            "src/main.py",
        ];
        let is_app = starts.iter().any(|file| app.has(&format!("{folder}/{file}")));
        if is_aside || !is_app || all.iter().any(|known| known.folder == full) {
            continue;
        }
        let name = folder.rsplit('/').next().unwrap_or(folder).to_owned();
        all.push(Candidate { folder: full, language: "python".into(), name });
    }
    all
}

detector!(detect, language = "python");
