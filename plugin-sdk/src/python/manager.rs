//! Package managers: which one a project has, and what says so.

use crate::{App, read::Node};

/// Package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By `uv.lock` or `[tool.uv]`.
    Uv,
    /// By `poetry.lock` or `[tool.poetry]`.
    Poetry,
    /// By `pdm.lock` or `[tool.pdm]`.
    Pdm,
    /// By `Pipfile.lock` or `Pipfile`.
    Pipenv,
    /// By files of requirements.
    Pip,
    /// `pip install .`: setuptools, flit, hatch and all others that build a package.
    Package,
    /// Nothing to install: the standard library.
    Nothing,
}

impl Kind {
    /// Returns the name of its command.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Uv => "uv",
            Self::Poetry => "poetry",
            Self::Pdm => "pdm",
            Self::Pipenv => "pipenv",
            Self::Pip | Self::Package | Self::Nothing => "pip",
        }
    }

    /// Returns the command that writes its lock.
    pub(super) fn lock_command(self) -> &'static str {
        match self {
            Self::Uv => "uv lock",
            Self::Poetry => "poetry lock",
            Self::Pdm => "pdm lock",
            Self::Pipenv => "pipenv lock",
            Self::Pip | Self::Package | Self::Nothing => "pip freeze > requirements.txt",
        }
    }
}

/// Manager that a project is installed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manager {
    /// The manager.
    pub kind: Kind,
    /// Lock, or file of requirements. `None` means that versions are those of the day.
    pub lock: Option<String>,
    /// File, and line where a table says it.
    pub source: String,
    /// Files of other managers, which are not read.
    pub others: Vec<String>,
}

/// Files of requirements, the first that is there counts.
const REQUIREMENTS: [&str; 8] = [
    "requirements.txt",
    "requirements/production.txt",
    "requirements/prod.txt",
    "requirements/base.txt",
    "requirements/common.txt",
    "requirements/main.txt",
    "requirements/requirements.txt",
    "requirements/app.txt",
];

/// Words in names of files that are for development.
const DEVELOPMENT: [&str; 12] = [
    "dev",
    "develop",
    "development",
    "test",
    "tests",
    "testing",
    "lint",
    "doc",
    "docs",
    "ci",
    "local",
    "build",
];

/// Files of requirements for development and tests.
pub(super) const DEVELOPMENT_FILES: [&str; 11] = [
    "requirements-dev.txt",
    "requirements_dev.txt",
    "dev-requirements.txt",
    "requirements/dev.txt",
    "requirements/development.txt",
    "requirements-test.txt",
    "requirements_test.txt",
    "test-requirements.txt",
    "requirements/test.txt",
    "requirements/tests.txt",
    "requirements/testing.txt",
];

/// Returns the file of requirements that production is installed from.
pub(super) fn requirements(app: &App<'_>) -> Option<String> {
    if let Some(file) = REQUIREMENTS.into_iter().find(|file| app.has(file)) {
        return Some(file.to_owned());
    }
    let all = app.glob(&["requirements*.txt", "*requirements.txt", "requirements/*.txt"], 50);
    let mut left = all.into_iter().filter(|file| {
        let name = file.to_ascii_lowercase();
        !name.split(['-', '_', '.', '/']).any(|word| DEVELOPMENT.contains(&word))
    });
    let only = left.next();
    if left.next().is_some() { None } else { only }
}

/// Chooses: locks before requirements, requirements before tables, tables before setup files. `above` is
/// what says that the app belongs to a workspace of uv above it, and whether that has a lock.
pub(super) fn choose(
    app: &App<'_>,
    pyproject: Option<&Node>,
    requirements: Option<&str>,
    above: Option<(&str, bool)>,
) -> Manager {
    let mut found: Vec<Manager> = Vec::new();
    let mut add = |kind: Kind, lock: Option<&str>, source: String| {
        let lock = lock.map(str::to_owned);
        found.push(Manager { kind, lock, source, others: Vec::new() });
    };
    if let Some((source, is_locked)) = above {
        add(Kind::Uv, is_locked.then_some("uv.lock"), source.to_owned());
    }
    for (kind, lock) in
        [(Kind::Uv, "uv.lock"), (Kind::Poetry, "poetry.lock"), (Kind::Pdm, "pdm.lock")]
    {
        // A lock without its manifest is nothing that its tool would install.
        if app.has(lock) && pyproject.is_some() {
            add(kind, Some(lock), lock.to_owned());
        }
    }
    if app.has("Pipfile.lock") && app.has("Pipfile") {
        add(Kind::Pipenv, Some("Pipfile.lock"), "Pipfile.lock".to_owned());
    }
    if let Some(file) = requirements {
        add(Kind::Pip, Some(file), file.to_owned());
    }
    for (kind, table) in [(Kind::Uv, "uv"), (Kind::Poetry, "poetry"), (Kind::Pdm, "pdm")] {
        if let Some(node) = pyproject.and_then(|root| root.at(&["tool", table])) {
            // `[tool.poetry]` beside another manager's lock has settings only.
            add(kind, None, format!("pyproject.toml:{} tool.{table}", node.line));
        }
    }
    if app.has("Pipfile") {
        add(Kind::Pipenv, None, "Pipfile".to_owned());
    }
    let builds = |root: &Node| root.get("project").is_some() || root.get("build-system").is_some();
    if pyproject.is_some_and(builds) {
        add(Kind::Package, None, "pyproject.toml".to_owned());
    }
    // A setup.cfg often has settings of tools alone.
    let declares = |text: &str| {
        text.lines().any(|line| line.starts_with("[metadata]") || line.starts_with("[options]"))
    };
    let cfg = app.read("setup.cfg").ok().flatten().filter(|file| declares(&file.text));
    let cfg = cfg.map(|_| "setup.cfg");
    if let Some(file) = Some("setup.py").filter(|file| app.has(file)).or(cfg) {
        add(Kind::Package, None, file.to_owned());
    }
    let mut all = found.into_iter();
    let Some(mut first) = all.next() else {
        let source = "no manifest".to_owned();
        return Manager { kind: Kind::Nothing, lock: None, source, others: Vec::new() };
    };
    first.others = all
        .filter(|other| other.kind != first.kind && other.kind != Kind::Package)
        .filter_map(|other| other.lock)
        .collect();
    first
}
