//! Version of Python that a project asks for.

use super::{
    locks::Lock,
    manifests::{setup_cfg_value, setup_py_value},
};
use crate::{
    App, File, Refusal,
    read::Node,
    versions::{Asked, Chain, Chosen, Grammar, Runtime},
};

/// Files that may name a version.
pub(super) struct Files<'a> {
    pub(super) pyproject: Option<&'a Node>,
    pub(super) pipfile: Option<&'a Node>,
    pub(super) lock: Option<(&'a str, &'a Lock)>,
    pub(super) setup_cfg: Option<&'a File>,
    pub(super) setup_py: Option<&'a File>,
}

/// Chooses the version.
///
/// # Errors
/// Names file and line of what is no version of `CPython`.
pub(super) fn choose(app: &App<'_>, files: &Files<'_>) -> Result<Chosen, Refusal> {
    let pipfile = |key: &str| {
        let node = files.pipfile?.get("requires")?.get(key)?;
        let source = format!("Pipfile:{} requires.{key}", node.line);
        Some(Asked { text: node.scalar()?, source, grammar: Grammar::Plain })
    };
    let pyproject = |path: &[&str]| {
        let node = files.pyproject?.at(path)?;
        let text = node.text()?;
        let source = format!("pyproject.toml:{} {}", node.line, path.join("."));
        Some(asked(text, source))
    };
    let lock = files.lock.and_then(|(path, lock)| {
        let (line, text) = lock.python.as_ref()?;
        Some(asked(text, format!("{path}:{line} requires-python")))
    });
    let cfg = files.setup_cfg.and_then(|file| {
        let (line, text) = setup_cfg_value(file, "options", "python_requires")?;
        Some(asked(&text, format!("setup.cfg:{line} python_requires")))
    });
    let py = files.setup_py.and_then(|file| {
        let (line, text) = setup_py_value(file, "python_requires")?;
        Some(asked(&text, format!("setup.py:{line} python_requires")))
    });
    Chain::of(app, Runtime::Python)
        .first(version_file(app, ".python-version")?)
        .first(version_file(app, "runtime.txt")?)
        .then(pipfile("python_full_version"))
        .then(pipfile("python_version"))
        .then(lock)
        .then(pyproject(&["project", "requires-python"]))
        .then(pyproject(&["tool", "poetry", "dependencies", "python"]))
        .then(cfg)
        .then(py)
        .then(compiled(app)?)
        .choose()
}

/// Words before the version in the head of a file that pip-compile or uv made.
const COMPILED: [&str; 4] = [
    "by pip-compile with Python ",
    "by pip-compile with python ",
    "--python-version ",
    "--python-version=",
];

/// Returns the version that a compiled file of requirements was made for, as its head says.
fn compiled(app: &App<'_>) -> Result<Option<Asked>, Refusal> {
    let Some(file) = app.read("requirements.txt")? else { return Ok(None) };
    let found = file.lines().take(12).find_map(|(number, line)| {
        let line = line.strip_prefix('#')?;
        let mut said = COMPILED.iter().filter_map(|words| line.split_once(words));
        let (_, rest) = said.next()?;
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let text = rest.get(..end)?.trim_end_matches('.').to_owned();
        let source = format!("requirements.txt:{number} compiled");
        let is_version = text.starts_with("3.") || text.starts_with("2.");
        is_version.then_some(Asked { text, source, grammar: Grammar::Plain })
    });
    Ok(found)
}

/// Returns the first version of a file with a version in each line.
fn version_file(app: &App<'_>, name: &str) -> Result<Option<Asked>, Refusal> {
    let file = match name {
        "runtime.txt" => app.read(name)?,
        _ => app.read_above(name)?,
    };
    let Some(file) = file else { return Ok(None) };
    let mut odd = None;
    for (index, line) in file.text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() || line == "system" {
            continue;
        }
        let source = format!("{name}:{}", index + 1);
        let lower = line.to_ascii_lowercase();
        if ["pypy", "graalpy", "jython", "ironpython", "miniconda", "anaconda", "stackless"]
            .iter()
            .any(|other| lower.starts_with(other))
        {
            let reason = format!("{source}: `{line}` is another Python than CPython");
            let hint = "name a version of CPython, such as 3.12, or commit a Dockerfile";
            return Err(Refusal::new(reason, hint).of("python", 80));
        }
        let bare = lower.trim_start_matches("cpython").trim_start_matches("python");
        let bare = bare.trim_start_matches(['-', '@', '=', ' ', 'v']);
        // `3.12.4-linux-x86_64`, `3.12.4/envs/shop`, `3.11.x`.
        let bare = bare.split(['-', '/', '+']).next().unwrap_or_default();
        let bare = bare.trim_end_matches(".x").trim_end_matches(".*");
        if bare.starts_with(|c: char| c.is_ascii_digit()) {
            return Ok(Some(Asked { text: bare.to_owned(), source, grammar: Grammar::Plain }));
        }
        let range = line.starts_with(['>', '<', '=', '~', '^', '!']);
        let found = if range {
            asked(line, source)
        } else {
            Asked { text: line.to_owned(), source, grammar: Grammar::Plain }
        };
        odd = odd.or(Some(found));
    }
    Ok(odd)
}

/// Returns a range in the grammar that it is written in: Poetry has `^` and `~` beside PEP 440.
fn asked(text: &str, source: String) -> Asked {
    let text = text.trim();
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let npm = text.contains('^')
        || text.contains("||")
        || text.replace("~=", "").contains('~')
        || digits && text.contains('*');
    if npm {
        // A comma joins as a blank does there.
        return Asked { text: text.replace(',', " "), source, grammar: Grammar::Npm };
    }
    let grammar = if digits { Grammar::Plain } else { Grammar::Pep440 };
    Asked { text: text.to_owned(), source, grammar }
}
