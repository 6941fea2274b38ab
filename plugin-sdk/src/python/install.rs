//! Stages that install a project: dependencies before the tree, so that a changed line does not install them again.

use super::{
    context::parent,
    dependency::{Dependency, canonical},
    manager::Kind,
    manifests::TESTS,
    project::Project,
    scm, system,
};
use crate::{CopyFiles, Refusal, RunCommand, Stage, Step, read::Node};

/// Search path with the virtual environment.
pub const PATH: &str = "/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Cache of pip.
const PIP: &str = "/root/.cache/pip";

/// Stages of an installed project.
pub struct Installed {
    /// `build`, and `test` where there are dependencies for tests. A stage `packages` is before them where the
    /// package's version is the commit's.
    pub stages: Vec<Stage>,
    /// Base of the stages.
    pub base: String,
    /// Folder of the repository that sources are relative to.
    pub context: String,
    /// Working directory. `None` means `/app`.
    pub workdir: Option<String>,
    /// Stage that has what tests need.
    pub test_in: String,
    /// File and rule of each decision.
    pub evidence: Vec<String>,
}

/// Returns the stages that install a project.
///
/// # Errors
/// Names file and line of what is no version of Python.
pub fn stages(project: &Project) -> Result<Installed, Refusal> {
    let version = project.version()?.version;
    let release = project.system.release().map(|name| format!("-{name}")).unwrap_or_default();
    let base = format!("python:{version}-slim{release}");
    let mut evidence = project.system.evidence.clone();
    let first = first_line(project);
    let is_first = first.is_some();
    evidence.extend(first.map(|line| format!("{line}: all files are there before the install")));
    // `-e .` in a file of requirements builds the package, too.
    let builds_itself =
        project.is_package || project.local.iter().any(|(path, _)| matches!(&**path, "." | "./"));
    if builds_itself {
        evidence.extend(project.scm.iter().map(|(variable, tool)| {
            format!("{}: {tool} asks git for the version; {variable} says it", project.file())
        }));
    }
    let mut build = setup(project, &base);
    let mut stages = Vec::new();
    if is_first {
        build.steps.push(tree(project));
        build.steps.extend(dependencies(project, false));
    } else {
        build.steps.extend(manifests(project));
        build.steps.extend(dependencies(project, true));
    }
    let has_version = builds_itself && !project.scm.is_empty();
    if has_version && !is_first {
        // In one stage, a variable that differs with each commit would have all packages installed again.
        build.name = "packages".into();
        let next = empty("build", "packages", project);
        stages.push(std::mem::replace(&mut build, next));
    }
    if has_version {
        build.env.extend(scm::environment(&project.scm));
    }
    if !is_first {
        build.steps.extend(sources(project));
        build.steps.extend(itself(project));
    }
    stages.push(build);
    let mut test_in = "build";
    let steps = development(project);
    if !steps.is_empty() {
        let mut test = empty("test", "build", project);
        test.why = Some("Dependencies of tests are not in the image".into());
        test.steps = steps;
        stages.push(test);
        test_in = "test";
    }
    Ok(Installed {
        stages,
        base,
        context: project.context.folder.clone(),
        workdir: project.context.workdir(),
        test_in: test_in.into(),
        evidence,
    })
}

impl Project {
    /// Returns one stage, `build`, with everything installed, and its evidence. With `dev` it has the
    /// dependencies for development, too.
    ///
    /// # Errors
    /// Names file and line of what is no version of Python.
    pub fn install_stage(&self, dev: bool) -> Result<(Stage, Vec<String>), Refusal> {
        let installed = stages(self)?;
        let mut all = installed.stages.into_iter().filter(|stage| dev || stage.name != "test");
        let mut whole = all.next().unwrap_or_else(|| empty("build", &installed.base, self));
        for stage in all {
            whole.env.extend(stage.env);
            whole.steps.extend(stage.steps);
        }
        whole.name = "build".into();
        Ok((whole, installed.evidence))
    }
}

/// Returns the line that has the whole tree copied before the install. `None` means that manifests will do.
fn first_line(project: &Project) -> Option<String> {
    match project.manager.kind {
        Kind::Package if project.is_package => Some(project.manager.source.clone()),
        Kind::Nothing => None,
        _ if is_member(project) => None,
        _ => project.local.first().map(|(_, source)| source.clone()),
    }
}

/// Returns the stage up to the manager itself.
fn setup(project: &Project, base: &str) -> Stage {
    let mut stage = empty("build", base, project);
    let version = project.chosen.as_ref().map(|chosen| chosen.version.clone()).unwrap_or_default();
    system::install_packages(&mut stage, &version, &project.system.build);
    let mut env = vec![("PATH", PATH), ("PYTHONDONTWRITEBYTECODE", "1")];
    let tool = match project.manager.kind {
        Kind::Uv => {
            env.extend([
                ("UV_PROJECT_ENVIRONMENT", "/venv"),
                ("UV_LINK_MODE", "copy"),
                // The image's, although .python-version may name another than `[build] versions`.
                ("UV_PYTHON", &*version),
                ("UV_PYTHON_DOWNLOADS", "never"),
            ]);
            Some(pinned(project, "uv", &["tool", "uv", "required-version"]))
        }
        Kind::Poetry => {
            env.extend([("POETRY_VIRTUALENVS_CREATE", "false"), ("VIRTUAL_ENV", "/venv")]);
            Some(poetry(project))
        }
        Kind::Pdm => {
            env.extend([("PDM_CHECK_UPDATE", "false"), ("VIRTUAL_ENV", "/venv")]);
            Some("pdm".to_owned())
        }
        Kind::Pipenv => {
            env.extend([("PIPENV_VERBOSITY", "-1"), ("VIRTUAL_ENV", "/venv")]);
            Some("pipenv".to_owned())
        }
        Kind::Pip | Kind::Package | Kind::Nothing => None,
    };
    stage.env = env.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    stage.steps.extend(tool.map(|tool| {
        let mut command = vec!["pip", "install", &*tool];
        if project.manager.kind == Kind::Pdm {
            command.push("hishel<2");
        }
        let mut step = ran(&command, &[PIP], &[]);
        if let (Kind::Pdm, Step::Run(run)) = (project.manager.kind, &mut step) {
            run.why =
                Some("PDM has no upper bound for hishel, whose 2 lacks what it imports".into());
        }
        step
    }));
    if version.starts_with("2.") {
        // Python 2 has no `venv`.
        stage.steps.push(ran(&["pip", "install", "virtualenv"], &[PIP], &[]));
        stage.steps.push(ran(&["virtualenv", "/venv"], &[], &[]));
    } else if project.manager.kind != Kind::Uv {
        stage.steps.push(ran(&["python", "-m", "venv", "/venv"], &[], &[]));
    }
    stage
}

/// Returns what pip installs for uv: its version where the project pins it.
fn pinned(project: &Project, tool: &str, path: &[&str]) -> String {
    let node = project.pyproject.as_ref().and_then(|root| root.at(path));
    let text = node.and_then(Node::text).map(str::trim);
    match text.filter(|text| text.chars().all(|c| c == ' ' || c.is_ascii_graphic())) {
        None | Some("") => tool.to_owned(),
        Some(text) if text.starts_with(|c: char| c.is_ascii_digit()) => format!("{tool}=={text}"),
        Some(text) => format!("{tool}{}", text.replace(' ', "")),
    }
}

/// Returns what pip installs for Poetry: locks of 1 are read by 1.
fn poetry(project: &Project) -> String {
    let path = ["tool", "poetry", "requires-poetry"];
    let asked = project.pyproject.as_ref().and_then(|root| root.at(&path)).and_then(Node::text);
    if let Some(text) = asked.filter(|text| text.starts_with(['>', '<', '=', '!'])) {
        return format!("poetry{}", text.replace(' ', ""));
    }
    let version = project.lock.as_ref().map(|lock| lock.poetry.as_deref().unwrap_or("1"));
    let python = project.chosen.as_ref().map_or("", |chosen| &*chosen.version);
    let is_old = ["3.6", "3.7", "3.8"].iter().any(|old| {
        python.strip_prefix(old).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    });
    match version {
        // Poetry 2 wants Python 3.9, and 1 reads its locks.
        _ if is_old => "poetry<2".to_owned(),
        Some(version) if version.starts_with("1.") || version == "1" => "poetry<2".to_owned(),
        _ => "poetry>=2,<3".to_owned(),
    }
}

/// Returns the steps that copy the manifests.
fn manifests(project: &Project) -> Vec<Step> {
    let files = match project.manager.kind {
        Kind::Nothing | Kind::Package => Vec::new(),
        Kind::Pip => match &project.requirements {
            Some(required) => required.files.clone(),
            None => Vec::new(),
        },
        Kind::Pipenv => with_lock(project, "Pipfile"),
        Kind::Poetry | Kind::Pdm => with_lock(project, "pyproject.toml"),
        Kind::Uv => {
            let mut files = vec!["pyproject.toml".to_owned()];
            if project.manager.lock.is_some() {
                files.push("uv.lock".to_owned());
            }
            if let Some(workspace) = &project.workspace {
                let prefix = match &*workspace.root {
                    "" => String::new(),
                    root => format!("{root}/"),
                };
                let folders = workspace.members.iter().filter_map(|member| {
                    let folder = member.folder.strip_prefix(&*prefix)?;
                    (!folder.is_empty()).then(|| format!("{folder}/pyproject.toml"))
                });
                files.extend(folders);
            }
            files
        }
    };
    let mut folders: Vec<(&str, Vec<String>)> = Vec::new();
    for file in &files {
        let folder = parent(file);
        match folders.iter_mut().find(|(known, _)| *known == folder) {
            Some((_, all)) => all.push(file.clone()),
            None => folders.push((folder, vec![file.clone()])),
        }
    }
    folders.into_iter().map(|(folder, files)| copied(files, at(project, folder))).collect()
}

fn with_lock(project: &Project, manifest: &str) -> Vec<String> {
    let mut files = vec![manifest.to_owned()];
    files.extend(project.manager.lock.clone());
    files
}

/// Returns the steps that install dependencies: with `alone`, before the tree is there; else with the package.
fn dependencies(project: &Project, alone: bool) -> Vec<Step> {
    let kind = project.manager.kind;
    let is_locked = project.manager.lock.is_some();
    let mut command: Vec<&str> = Vec::new();
    let mut steps = Vec::new();
    let file = project.requirements.as_ref().map_or("requirements.txt", |one| &*one.file);
    let member = project.name.as_deref().unwrap_or_default();
    match kind {
        Kind::Nothing => return steps,
        Kind::Package if project.is_package => command.extend(["/venv/bin/pip", "install", "."]),
        // Several folders and no build: there is no package, and pip has no option for dependencies alone.
        Kind::Package => {
            let all: Vec<&str> = project
                .dependencies
                .iter()
                .filter(|one| !one.dev)
                .map(|one| &*one.text)
                .take(200)
                .collect();
            if all.is_empty() {
                return steps;
            }
            command.extend(["/venv/bin/pip", "install"]);
            command.extend(all);
        }
        Kind::Pip => command.extend(["/venv/bin/pip", "install", "-r", file]),
        Kind::Uv => {
            command.extend(uv(project, false));
            if is_member(project) {
                command.extend(["--no-install-workspace", "--package", member]);
            } else if alone && project.workspace.is_some() {
                command.push("--no-install-workspace");
            } else if alone {
                command.push("--no-install-project");
            }
        }
        Kind::Poetry => {
            command.extend(["poetry", "install", "--only", "main"]);
            if alone || !project.is_package {
                command.push("--no-root");
            }
            command.push("--no-interaction");
        }
        Kind::Pdm => {
            steps.push(ran(&["pdm", "use", "-f", "/venv/bin/python"], &[], &[]));
            command.extend(["pdm", if is_locked { "sync" } else { "install" }, "--prod"]);
            if alone || !project.is_package {
                command.push("--no-self");
            }
        }
        Kind::Pipenv => command.extend([
            "pipenv",
            "install",
            if is_locked { "--deploy" } else { "--skip-lock" },
        ]),
    }
    steps.push(mounted(project, &command));
    steps
}

/// Returns the step that installs the package after the tree.
fn itself(project: &Project) -> Option<Step> {
    let member = project.name.as_deref().unwrap_or_default();
    let command: Vec<&str> = match project.manager.kind {
        Kind::Uv => {
            let mut command: Vec<&str> = uv(project, false);
            if is_member(project) {
                command.extend(["--package", member]);
            }
            command
        }
        Kind::Poetry if project.is_package => {
            vec!["poetry", "install", "--only", "main", "--no-interaction"]
        }
        Kind::Pdm if project.is_package => {
            let verb = if project.manager.lock.is_some() { "sync" } else { "install" };
            vec!["pdm", verb, "--prod"]
        }
        _ => return None,
    };
    Some(mounted(project, &command))
}

/// Returns uv's command, with the groups for development or without.
fn uv(project: &Project, dev: bool) -> Vec<&'static str> {
    let mut command = vec!["uv", "sync"];
    if project.manager.lock.is_some() {
        command.push("--frozen");
    }
    command.push(if dev { "--all-groups" } else { "--no-dev" });
    command
}

/// Returns the steps that install what tests need beside the rest.
fn development(project: &Project) -> Vec<Step> {
    let has = project.dependencies.iter().any(|one| one.dev);
    let is_locked = project.manager.lock.is_some();
    let member = project.name.as_deref().unwrap_or_default();
    if let Some(file) = project.development.first() {
        return vec![mounted(project, &["/venv/bin/pip", "install", "-r", &file.file])];
    }
    match project.manager.kind {
        _ if !has => Vec::new(),
        Kind::Uv => {
            let mut command: Vec<&str> = uv(project, true);
            if let Some(extra) = extra(project) {
                command.extend(["--extra", extra]);
            }
            if is_member(project) {
                command.extend(["--package", member]);
            }
            vec![mounted(project, &command)]
        }
        Kind::Poetry => {
            let mut command = vec!["poetry", "install", "--no-interaction"];
            if !project.is_package {
                command.push("--no-root");
            }
            if let Some(extra) = extra(project) {
                command.extend(["--extras", extra]);
            }
            vec![mounted(project, &command)]
        }
        Kind::Pdm => {
            let mut command = vec!["pdm", if is_locked { "sync" } else { "install" }, "-d"];
            if !project.is_package {
                command.push("--no-self");
            }
            vec![mounted(project, &command)]
        }
        Kind::Pipenv if is_locked => vec![mounted(project, &["pipenv", "sync", "--dev"])],
        Kind::Pipenv => vec![mounted(project, &["pipenv", "install", "--dev", "--skip-lock"])],
        Kind::Package if project.is_package && extra(project).is_some() => {
            let target = format!(".[{}]", extra(project).unwrap_or_default());
            vec![mounted(project, &["/venv/bin/pip", "install", &target])]
        }
        Kind::Pip | Kind::Package | Kind::Nothing => {
            // A group of pyproject.toml: pip reads groups since 25.1 only.
            let mut command = vec!["/venv/bin/pip", "install"];
            // `shop[dev]` names the project's own extra, not a package of the index.
            let own = project.name.as_deref().map(canonical);
            let is_other = |one: &&Dependency| one.dev && Some(&one.name) != own.as_ref();
            let group = project.dependencies.iter().filter(is_other);
            command.extend(group.map(|one| &*one.text).take(100));
            if command.len() == 2 { Vec::new() } else { vec![mounted(project, &command)] }
        }
    }
}

/// Returns the extra of the project that has what tests need.
fn extra(project: &Project) -> Option<&'static str> {
    let extras = project.pyproject.as_ref()?.at(&["project", "optional-dependencies"])?;
    TESTS.into_iter().find(|name| extras.get(name).is_some())
}

/// Returns the step that copies the whole context.
fn tree(project: &Project) -> Step {
    let dest = if project.context.rest.is_empty() { "." } else { "/app/" };
    copied(vec![".".to_owned()], dest.to_owned())
}

/// Returns the steps that copy the sources: of a workspace, the app and the members that it needs.
fn sources(project: &Project) -> Vec<Step> {
    let (true, Some(workspace)) = (is_member(project), &project.workspace) else {
        return vec![tree(project)];
    };
    let folder = match &*project.context.folder {
        "" => project.context.rest.clone(),
        root => format!("{root}/{}", project.context.rest),
    };
    let root = match &*workspace.root {
        "" => String::new(),
        root => format!("{root}/"),
    };
    let closure = workspace.closure(&folder).into_iter();
    let members = closure.filter_map(|member| member.folder.strip_prefix(&*root));
    let members = members.filter(|member| !member.is_empty());
    members.map(|member| copied(vec![member.to_owned()], at(project, member))).collect()
}

fn is_member(project: &Project) -> bool {
    project.manager.kind == Kind::Uv
        && project.workspace.is_some()
        && !project.context.rest.is_empty()
}

/// Returns the destination of files of a folder of the context.
fn at(project: &Project, folder: &str) -> String {
    let root = if project.context.rest.is_empty() { "./" } else { "/app/" };
    if folder.is_empty() { root.to_owned() } else { format!("{root}{folder}/") }
}

fn empty(name: &str, base: &str, project: &Project) -> Stage {
    Stage {
        name: name.to_owned(),
        base: base.to_owned(),
        workdir: project.context.workdir(),
        env: Vec::new(),
        packages: Vec::new(),
        steps: Vec::new(),
        why: None,
    }
}

fn copied(sources: Vec<String>, dest: String) -> Step {
    Step::Copy(CopyFiles { from: None, sources, dest, owned: false, why: None })
}

/// Returns a command with the manager's cache and the project's secrets.
fn mounted(project: &Project, command: &[&str]) -> Step {
    let cache = match project.manager.kind {
        Kind::Uv => "/root/.cache/uv",
        Kind::Poetry => "/root/.cache/pypoetry",
        Kind::Pdm => "/root/.cache/pdm",
        Kind::Pipenv => "/root/.cache/pipenv",
        Kind::Pip | Kind::Package | Kind::Nothing => PIP,
    };
    let secrets: Vec<_> = project.secrets.iter().map(|secret| &*secret.variable).collect();
    ran(command, &[cache], &secrets)
}

fn ran(command: &[&str], caches: &[&str], secrets: &[&str]) -> Step {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Step::Run(RunCommand {
        command: owned(command),
        caches: owned(caches),
        secrets: owned(secrets),
        why: None,
    })
}
