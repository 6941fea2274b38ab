//! Python project: its manifests, and what they say together.

use super::{
    context::Context,
    dependency::{Dependency, canonical},
    interpreter,
    locks::{self, Lock},
    manager::{self, Kind, Manager},
    manifests::{self, Declared, Local},
    requirements::{self, Requirements},
    scm,
    system::{self, System},
};
use crate::{
    App, BuildSecret, EntryKind, Refusal,
    read::{self, Node},
    versions::Chosen,
    workspace::{self, Workspace},
};

/// Python project in an app's folder.
pub struct Project {
    /// Manager that installs it.
    pub manager: Manager,
    /// Direct dependencies, those for development too.
    pub dependencies: Vec<Dependency>,
    /// The whole pyproject.toml. `None` means that there is none.
    pub pyproject: Option<Node>,
    /// Name of the package. `None` means that no manifest names it.
    pub name: Option<String>,
    /// Packages of Debian.
    pub system: System,
    /// Variables that indexes want.
    pub secrets: Vec<BuildSecret>,
    /// Messages, each with what to do.
    pub warnings: Vec<(String, String)>,
    /// uv's workspace that the app belongs to. `None` means that it stands alone.
    pub workspace: Option<Workspace>,
    pub(super) chosen: Result<Chosen, Refusal>,
    pub(super) context: Context,
    pub(super) requirements: Option<Requirements>,
    pub(super) lock: Option<Lock>,
    pub(super) local: Vec<Local>,
    pub(super) scm: Vec<(String, &'static str)>,
    pub(super) development: Vec<Requirements>,
    /// The package itself is installed, not its dependencies alone.
    pub(super) is_package: bool,
}

impl Project {
    /// Reads the project. `None` means that nothing of Python is there.
    ///
    /// # Errors
    /// Names file and line of what cannot be read, or cannot be installed.
    pub fn read(app: &App<'_>) -> Result<Option<Self>, Refusal> {
        let pyproject = app.read("pyproject.toml")?.map(|file| read::toml(&file)).transpose()?;
        let pipfile = app.read("Pipfile")?.map(|file| read::toml(&file)).transpose()?;
        let setup_cfg = app.read("setup.cfg")?;
        for file in ["requirements.txt", "uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock"] {
            if !app.has(file) {
                // A symlink is refused by its name: without it, the app would be built without packages.
                app.read(file)?;
            }
        }
        let setup_py = app.read("setup.py")?;
        let workspace = match &pyproject {
            Some(_) => workspace::uv::above(app)?,
            None => None,
        };
        let above = workspace.as_ref().filter(|workspace| workspace.root != app.folder);
        let above_source = above.map(|workspace| {
            let lock = match &*workspace.root {
                "" => "uv.lock".to_owned(),
                root => format!("{root}/uv.lock"),
            };
            if app.has_repo(&lock) { (lock, true) } else { (workspace.manifest.clone(), false) }
        });
        let file = manager::requirements(app);
        let manager = manager::choose(
            app,
            pyproject.as_ref(),
            file.as_deref(),
            above_source.as_ref().map(|(source, is_locked)| (&**source, *is_locked)),
        );
        if manager.kind == Kind::Nothing {
            conda(app)?;
            if app.glob(&["*.py"], 1).is_empty() {
                return Ok(None);
            }
        }
        let own_lock = manager.lock.as_deref().filter(|lock| {
            above.is_none() && ["uv.lock", "poetry.lock", "pdm.lock"].contains(lock)
        });
        let lock = own_lock.map(|path| locks::read(app, path)).transpose()?.flatten();
        let chosen = interpreter::choose(
            app,
            &interpreter::Files {
                pyproject: pyproject.as_ref(),
                pipfile: pipfile.as_ref(),
                lock: own_lock.zip(lock.as_ref()),
                setup_cfg: setup_cfg.as_ref(),
                setup_py: setup_py.as_ref(),
            },
        );
        let mut declared = Declared::default();
        let mut add = |more: Declared| {
            declared.dependencies.extend(more.dependencies);
            declared.local.extend(more.local);
        };
        let required = match (manager.kind, &file) {
            (Kind::Pip, Some(file)) => requirements::read(app, file, false)?,
            _ => None,
        };
        if manager.kind == Kind::Pipenv {
            add(pipfile.as_ref().map(manifests::pipfile).unwrap_or_default());
        } else {
            add(pyproject.as_ref().map(manifests::pyproject).unwrap_or_default());
        }
        if manager.kind == Kind::Package {
            add(setup_cfg.as_ref().map(manifests::setup_cfg).unwrap_or_default());
            add(setup_py.as_ref().map(manifests::setup_py).unwrap_or_default());
        }
        if let Some(required) = &required {
            // What pip does not install is no dependency: a pyproject.toml beside it has tools' settings.
            declared.dependencies.retain(|one| one.dev);
            declared.dependencies.extend(required.dependencies.iter().cloned());
            declared.local.clone_from(&required.local);
        }
        if let (Some(lock), Some(path)) = (&lock, own_lock) {
            lock.check(path, manager.kind.lock_command(), &declared.dependencies)?;
        }
        if manager.kind == Kind::Pipenv && manager.lock.is_some() {
            pipfile_lock(app, &declared.dependencies)?;
        }
        let development = match manager.kind {
            Kind::Pip | Kind::Package => development(app)?,
            _ => Vec::new(),
        };
        declared.dependencies.extend(development.iter().flat_map(|one| one.dependencies.clone()));
        let context = match above {
            Some(workspace) => Context::of(app.folder, &workspace.root),
            None => Context::holding(
                app.folder,
                declared.local.iter().map(|(path, source)| (&**path, &**source)),
            )?,
        };
        let mut secrets = required.as_ref().map(|one| one.secrets.clone()).unwrap_or_default();
        sources(pipfile.as_ref(), &["source"], "Pipfile", &mut secrets);
        sources(pyproject.as_ref(), &["tool", "pdm", "source"], "pyproject.toml", &mut secrets);
        let text = app.read("pyproject.toml")?.map(|file| file.text).unwrap_or_default();
        let setup = [&setup_py, &setup_cfg].into_iter().flatten().map(|file| &*file.text);
        let name = name(pyproject.as_ref());
        let is_package = is_package(app, manager.kind, pyproject.as_ref(), name.as_deref());
        let mut project = Self {
            system: system::packages(&declared.dependencies),
            scm: scm::variables(&text, &setup.collect::<Vec<_>>().join("\n")),
            warnings: Vec::new(),
            dependencies: declared.dependencies,
            local: declared.local,
            requirements: required,
            manager,
            pyproject,
            name,
            secrets,
            workspace,
            chosen,
            context,
            lock,
            development,
            is_package,
        };
        project.warn();
        Ok(Some(project))
    }

    /// Returns where a package that production needs is declared. `None` means nowhere.
    #[must_use]
    pub fn names(&self, dependency: &str) -> Option<String> {
        self.dependency(dependency).map(|found| found.source.clone())
    }

    /// Returns a dependency of production.
    #[must_use]
    pub fn dependency(&self, name: &str) -> Option<&Dependency> {
        let name = canonical(name);
        self.dependencies.iter().find(|one| one.name == name && !one.dev)
    }

    /// Returns where a package is declared, also one for development.
    #[must_use]
    pub fn names_any(&self, dependency: &str) -> Option<String> {
        let name = canonical(dependency);
        self.dependencies.iter().find(|one| one.name == name).map(|one| one.source.clone())
    }

    /// Returns the version of Python.
    ///
    /// # Errors
    /// Names file and line of what is no version.
    pub fn version(&self) -> Result<Chosen, Refusal> {
        self.chosen.clone()
    }

    /// Returns whether the package itself is installed, with its console scripts.
    #[must_use]
    pub fn installs_itself(&self) -> bool {
        self.is_package
    }

    /// Returns the file that a user adds a dependency to.
    #[must_use]
    pub fn file(&self) -> &str {
        match (self.manager.kind, &self.requirements) {
            (_, Some(required)) => &required.file,
            (Kind::Pipenv, None) => "Pipfile",
            (Kind::Nothing, None) => "requirements.txt",
            (Kind::Package, None) => {
                self.manager.source.split(':').next().unwrap_or("pyproject.toml")
            }
            _ => "pyproject.toml",
        }
    }

    fn warn(&mut self) {
        let manager = &self.manager;
        let tool = matches!(manager.kind, Kind::Uv | Kind::Poetry | Kind::Pdm | Kind::Pipenv);
        if tool && manager.lock.is_none() {
            let command = manager.kind.lock_command();
            self.warnings.push((
                format!("{}: no lock file: versions are those of the day", manager.source),
                format!("run `{command}` and commit the lock"),
            ));
        }
        for other in &manager.others {
            self.warnings.push((
                format!("{other} is not read: {} decides", manager.source),
                format!("delete {other}, or the files of {}", manager.kind.name()),
            ));
        }
    }
}

/// Refuses a project of conda alone.
fn conda(app: &App<'_>) -> Result<(), Refusal> {
    match ["environment.yml", "environment.yaml"].into_iter().find(|file| app.has(file)) {
        None => Ok(()),
        Some(file) => {
            let reason = format!("{file} is conda's, which is not supported");
            let hint = "commit requirements.txt (`pip list --format=freeze > requirements.txt`)";
            Err(Refusal::new(reason, hint).of("python", 60))
        }
    }
}

/// Refuses a Pipfile.lock that lacks a package of the Pipfile.
fn pipfile_lock(app: &App<'_>, dependencies: &[Dependency]) -> Result<(), Refusal> {
    let Some(file) = app.read_large("Pipfile.lock", 16 << 20)? else { return Ok(()) };
    let json = read::json(&file)?;
    let Some(locked) = json.get("default") else { return Ok(()) };
    let locked: Vec<String> = locked.keys().map(canonical).collect();
    match dependencies.iter().find(|one| !one.dev && !locked.contains(&one.name)) {
        None => Ok(()),
        Some(one) => {
            let reason = format!(
                "Pipfile.lock is out of step with {}: it has no `{}`",
                one.source, one.name
            );
            let hint = "run `pipenv lock` and commit Pipfile.lock";
            Err(Refusal::new(reason, hint).of("python", 80))
        }
    }
}

/// Reads the files for development. Of several, one that names pytest: two may contradict each other.
fn development(app: &App<'_>) -> Result<Vec<Requirements>, Refusal> {
    let mut first = None;
    for path in manager::DEVELOPMENT_FILES {
        let Some(read) = requirements::read(app, path, true)? else { continue };
        if read.dependencies.iter().any(|one| one.name == "pytest") {
            return Ok(vec![read]);
        }
        first = first.or(Some(read));
    }
    Ok(first.into_iter().collect())
}

/// Adds the variables in the addresses of a list of sources.
fn sources(root: Option<&Node>, path: &[&str], file: &str, all: &mut Vec<BuildSecret>) {
    for source in root.and_then(|root| root.at(path)).map(Node::list).unwrap_or_default() {
        if let Some(url) = source.get("url")
            && let Some(text) = url.text()
        {
            requirements::secrets(text, &format!("{file}:{}", url.line), all);
        }
    }
}

/// Returns the name of the package.
fn name(pyproject: Option<&Node>) -> Option<String> {
    let root = pyproject?;
    let node = root.at(&["project", "name"]).or_else(|| root.at(&["tool", "poetry", "name"]))?;
    node.text().map(str::to_owned)
}

/// Names of folders that setuptools does not take for the package.
const FOLDERS: [&str; 27] = [
    "benchmark",
    "benchmarks",
    "bin",
    "build",
    "changelog",
    "ci",
    "debian",
    "doc",
    "docs",
    "documentation",
    "example",
    "examples",
    "exercise",
    "exercises",
    "htmlcov",
    "manpages",
    "news",
    "newsfragments",
    "python",
    "scripts",
    "test",
    "tests",
    "tools",
    "unit_test",
    "unit_tests",
    "util",
    "utils",
];

/// Names of modules that setuptools does not take for the package: other ones than of folders.
const MODULES: [&str; 19] = [
    "benchmark",
    "benchmarks",
    "build",
    "conanfile",
    "conftest",
    "dodo",
    "example",
    "examples",
    "exercise",
    "exercises",
    "fabfile",
    "manage",
    "noxfile",
    "pavement",
    "setup",
    "tasks",
    "test",
    "tests",
    "toxfile",
];

/// Returns whether setuptools would refuse to guess the package: nothing names a build, and there are several
/// folders or several modules. `pip install .` fails there, and the dependencies are all that is installed.
fn is_loose(app: &App<'_>, pyproject: Option<&Node>) -> bool {
    let Some(root) = pyproject.filter(|root| root.at(&["project", "dependencies"]).is_some())
    else {
        return false;
    };
    let names_build =
        root.get("build-system").is_some() || root.at(&["tool", "setuptools"]).is_some();
    if names_build || app.has("setup.py") || app.has("setup.cfg") || app.has_dir("src") {
        return false;
    }
    let entries = app.repo.read_dir(app.folder, 1000).unwrap_or_default();
    let is_counted = |name: &str, aside: &[&str]| {
        !name.contains('.') && !name.starts_with('_') && !aside.contains(&name)
    };
    let folders = entries.iter().filter(|one| {
        // A folder whose name has a dash is no package.
        one.kind == EntryKind::Dir && is_counted(&one.path, &FOLDERS) && !one.path.contains('-')
    });
    let modules = entries.iter().filter(|one| {
        let module = one.path.strip_suffix(".py");
        one.kind == EntryKind::File && module.is_some_and(|name| is_counted(name, &MODULES))
    });
    match folders.count() {
        0 => modules.count() > 1,
        folders => folders > 1,
    }
}

/// Returns whether the manager installs the package itself after its dependencies.
fn is_package(app: &App<'_>, kind: Kind, pyproject: Option<&Node>, name: Option<&str>) -> bool {
    let flag = |path: &[&str]| pyproject.and_then(|root| root.at(path)).and_then(Node::bool);
    let is_built = pyproject.is_some_and(|root| root.get("build-system").is_some());
    match kind {
        Kind::Package => !is_loose(app, pyproject),
        Kind::Uv => flag(&["tool", "uv", "package"]).unwrap_or(is_built),
        Kind::Pdm => {
            name.is_some() && is_built && flag(&["tool", "pdm", "distribution"]).unwrap_or(true)
        }
        Kind::Poetry => {
            let says =
                pyproject.and_then(|root| root.at(&["tool", "poetry", "packages"])).is_some();
            let module = name.map(|name| canonical(name).replace('-', "_")).unwrap_or_default();
            // Without its folder, Poetry fails: `No file/folder found for package`.
            let is_there = !module.is_empty()
                && (app.has_dir(&module)
                    || app.has_dir(&format!("src/{module}"))
                    || app.has(&format!("{module}.py")));
            flag(&["tool", "poetry", "package-mode"]).unwrap_or(true) && (says || is_there)
        }
        Kind::Pipenv | Kind::Pip | Kind::Nothing => false,
    }
}
