//! The install of an app's dependencies, and the files that it needs.

use std::rc::Rc;

use super::{Kind, Manager, Package, inside, join, node_version};
use crate::{
    App, BuildSecret, Refusal, RunCommand, Stage, Step,
    read::{self, Node},
    workspace::Workspace,
};
use beside::Beside;

mod beside;
mod legacy;
mod lock;
mod secrets;
mod setup;
mod sources;

/// Install of dependencies: stages, steps and evidence.
#[derive(Clone)]
pub struct Install {
    /// Stages that the setup copies from.
    pub stages: Vec<Stage>,
    /// Steps that bring the manager, on Node's image. A base that has the manager needs none of them.
    pub setup: Vec<Step>,
    /// Variables of the stage that installs.
    pub env: Vec<(String, String)>,
    /// Files and folders that the install needs, relative to the context; a folder ends with `/`. Empty means that
    /// it may read any file, so that the whole tree is copied first. [`Install::copies`] makes the steps.
    pub sources: Vec<String>,
    /// The install.
    pub install: Step,
    /// Removes development dependencies. `None` means that the manager cannot.
    pub prune: Option<Step>,
    /// Returns the argv of a script of package.json. It runs in the app's folder.
    pub run: Rc<dyn Fn(&str) -> Vec<String>>,
    /// The manager as argv.
    pub program: Vec<String>,
    /// Secrets that the install wants.
    pub secrets: Vec<BuildSecret>,
    /// Folder of the repository that is copied: the workspace's root, or the app's own.
    pub context: String,
    /// Folder of the image in which the install runs.
    pub place: String,
    /// Folder of the image that is the app's: `/app`, or the member's below it.
    pub home: String,
    /// Files and rules that decided.
    pub evidence: Vec<String>,
}

impl Install {
    /// Returns the steps that copy [`Install::sources`], each folder to its own.
    #[must_use]
    pub fn copies(&self) -> Vec<Step> {
        sources::copies(&self.sources)
    }

    /// Returns the argv of a tool that is a dependency.
    #[must_use]
    pub fn exec(&self, kind: Kind, tool: &[&str]) -> Vec<String> {
        match kind {
            Kind::Yarn1 | Kind::Berry => {
                let tool = tool.iter().map(|&word| word.to_owned());
                self.program.iter().cloned().chain(tool).collect()
            }
            _ => kind.exec(tool),
        }
    }
}

/// Plans the install.
///
/// # Errors
/// Dependencies that the manager cannot install: protocols that it does not know, paths that lead out of the repository, members
/// that are missing, a lock that is out of step with its manifest.
pub fn install(
    app: &App<'_>,
    package: &Package,
    manager: &Manager,
    workspace: Option<&Workspace>,
) -> Result<Install, Refusal> {
    // A member with a lock of its own is installed by itself.
    let own_lock = manager.lock.as_deref().is_some_and(|lock| app.has(lock));
    let workspace = workspace.filter(|found| found.root == app.folder || !own_lock);
    let beside = Beside::look(app, package, manager, workspace)?;
    let context = beside.context.clone();
    let home = match inside(&context, app.folder) {
        "" => "/app".to_owned(),
        folder => format!("/app/{folder}"),
    };
    let place = if workspace.is_some() { "/app".to_owned() } else { home.clone() };
    let lock_folder = if workspace.is_some() { context.as_str() } else { app.folder };
    lock::check(app, package, manager, workspace.is_some(), lock_folder)?;
    let mut evidence = Vec::new();
    evidence.extend(manager.lock.iter().map(|lock| format!("{lock}: exact versions")));
    evidence.extend(workspace.map(|workspace| format!("{}: a workspace", workspace.manifest)));
    let sources = match &beside.whole {
        Some(why) => {
            evidence.push(format!("{why}: all files are there before the install"));
            Vec::new()
        }
        None => sources::list(app, package, manager, &context, &beside),
    };
    // A name that a Dockerfile cannot hold comes with the whole tree.
    let odd = sources.iter().find(|path| !sources::is_plain(path)).cloned();
    let sources = if odd.is_some() { Vec::new() } else { sources };
    evidence.extend(odd.map(|path| format!("{path}: all files are there before the install")));
    let secrets = secrets::wanted(app, manager.kind, lock_folder);
    let names: Vec<String> = secrets.iter().map(|secret| secret.variable.clone()).collect();
    let yarnrc = yarnrc(app, manager.kind, lock_folder)?;
    let yarn_path = yarnrc.as_ref().and_then(|rc| rc.get("yarnPath")).and_then(Node::text);
    let program = match yarn_path {
        Some(path) => {
            let path = path.strip_prefix("./").unwrap_or(path);
            if !app.has_repo(&join(lock_folder, path)) {
                let reason = format!(".yarnrc.yml: yarnPath is `{path}`, which is not there");
                return Err(Refusal::new(reason, "commit the file, or delete yarnPath"));
            }
            evidence.push(format!(".yarnrc.yml: yarnPath is {path}"));
            vec!["node".to_owned(), format!("{place}/{path}")]
        }
        None => vec![manager.kind.program().to_owned()],
    };
    let mut env = Vec::new();
    if manager.kind == Kind::Berry && is_pnp(yarnrc.as_ref()) {
        // The cache of Plug'n'Play would stay in the cache mount, and a plain `node` finds modules.
        env.push(("YARN_NODE_LINKER".to_owned(), "node-modules".to_owned()));
        evidence.push("yarn: modules are linked into node_modules, where `node` finds them".into());
    }
    let setup = match yarn_path {
        Some(_) => setup::committed(&node_version(app, package)?),
        None => setup::setup(
            manager,
            || node_version(app, package),
            &setup::Lock { app, folder: lock_folder },
        )?,
    };
    let (node, source) = (node_version(app, package), legacy::webpack(package));
    if let (Ok(node), Some(source)) = (node, source)
        && legacy::has_openssl_3(&node.version)
    {
        env.push(("NODE_OPTIONS".to_owned(), "--openssl-legacy-provider".to_owned()));
        evidence.push(format!("{source}: webpack 4 hashes by MD4, which OpenSSL 3 has as legacy"));
    }
    if setup.corepack {
        env.push(("COREPACK_ENABLE_DOWNLOAD_PROMPT".to_owned(), "0".to_owned()));
    }
    evidence.extend(setup.evidence);
    let step = |command: Vec<String>| {
        let caches = vec![cache(manager.kind).to_owned()];
        Step::Run(RunCommand { command, caches, secrets: names.clone(), why: None })
    };
    let with = |words: &[&str]| -> Vec<String> {
        program.iter().cloned().chain(words.iter().map(|&word| word.to_owned())).collect()
    };
    let install = step(with(command(manager)));
    let member = workspace.filter(|found| found.root != app.folder).map(|_| package.name.as_str());
    let focuses = yarn_focuses(app, manager, yarn_path, lock_folder);
    // What installs once more for production runs scripts without the tools that they call.
    let wants = beside.script.clone().or_else(|| package.dependency_source("@prisma/client"));
    let wants = wants.filter(|_| matches!(manager.kind, Kind::Berry | Kind::Pnpm | Kind::Bun));
    let prune = prune(manager, workspace.is_some(), member, focuses).map(|command| match command {
        Prune::Program(words) => step(with(&words.iter().map(String::as_str).collect::<Vec<_>>())),
        Prune::Shell(line) => step(vec!["sh".into(), "-c".into(), line]),
    });
    let prune = prune.filter(|_| wants.is_none());
    if let Some(source) = wants {
        evidence.push(format!("{source}: may want development dependencies, which stay"));
    } else if prune.is_none() {
        evidence.push("yarn: development dependencies stay, its version cannot remove them".into());
    }
    let runner = program.clone();
    let run = move |script: &str| -> Vec<String> {
        runner.iter().cloned().chain(["run".to_owned(), script.to_owned()]).collect()
    };
    Ok(Install {
        stages: setup.stages,
        setup: setup.steps,
        env,
        sources,
        install,
        prune,
        run: Rc::new(run),
        program,
        secrets,
        context,
        place,
        home,
        evidence,
    })
}

/// Reads `.yarnrc.yml` where Yarn 2 or later installs.
fn yarnrc(app: &App<'_>, kind: Kind, folder: &str) -> Result<Option<Node>, Refusal> {
    if kind != Kind::Berry {
        return Ok(None);
    }
    app.read_repo(&join(folder, ".yarnrc.yml"))?.map(|file| read::yaml(&file)).transpose()
}

fn is_pnp(yarnrc: Option<&Node>) -> bool {
    let linker = yarnrc.and_then(|rc| rc.get("nodeLinker")).and_then(Node::text);
    !matches!(linker, Some("node-modules" | "pnpm"))
}

fn cache(kind: Kind) -> &'static str {
    match kind {
        Kind::Npm => "/root/.npm",
        Kind::Yarn1 => "/usr/local/share/.cache/yarn",
        Kind::Berry => "/root/.yarn/berry/cache",
        Kind::Pnpm => "/root/.local/share/pnpm/store",
        Kind::Bun => "/root/.bun/install/cache",
    }
}

fn command(manager: &Manager) -> &'static [&'static str] {
    match (manager.kind, manager.lock.is_some()) {
        (Kind::Npm, true) => &["ci"],
        (Kind::Yarn1 | Kind::Pnpm | Kind::Bun, true) => &["install", "--frozen-lockfile"],
        (Kind::Berry, true) => &["install", "--immutable"],
        (_, false) => &["install"],
    }
}

/// Returns whether `yarn workspaces focus` is there: it is part of Yarn 4, and was a plugin before.
fn yarn_focuses(app: &App<'_>, manager: &Manager, path: Option<&str>, folder: &str) -> bool {
    let named = || {
        let (_, version) = path?.rsplit_once("yarn-")?;
        version.split('.').next()?.parse::<u32>().ok()
    };
    let plugin = ".yarn/plugins/@yarnpkg/plugin-workspace-tools.cjs";
    named().or_else(|| manager.major()).is_none_or(|major| major >= 4)
        || app.has_repo(&join(folder, plugin))
}

enum Prune {
    Program(Vec<String>),
    Shell(String),
}

/// Returns the command that removes development dependencies. `member` names the app within its workspace.
fn prune(manager: &Manager, workspace: bool, member: Option<&str>, focuses: bool) -> Option<Prune> {
    let words =
        |words: &[&str]| Some(Prune::Program(words.iter().map(|&word| word.to_owned()).collect()));
    // pnpm and bun remove nothing of a workspace's members: they install once more, from their cache.
    let again = |line: String| {
        Some(Prune::Shell(format!(
            "find . -name node_modules -prune -exec rm -rf {{}} + && exec {line}"
        )))
    };
    let locked = manager.lock.is_some();
    let frozen = if locked { " --frozen-lockfile" } else { "" };
    match manager.kind {
        Kind::Npm => words(&["prune", "--omit=dev"]),
        Kind::Yarn1 => {
            let mut found = vec!["install", "--production"];
            found.extend(locked.then_some("--frozen-lockfile"));
            found.extend(["--ignore-scripts", "--prefer-offline"]);
            words(&found)
        }
        Kind::Berry if !focuses => None,
        Kind::Berry => match member {
            Some(member) => words(&["workspaces", "focus", member, "--production"]),
            None => words(&["workspaces", "focus", "--production"]),
        },
        Kind::Pnpm if workspace => {
            let filter = member.filter(|name| is_plain(name));
            let filter = filter.map(|name| format!(" --filter {name}...")).unwrap_or_default();
            again(format!("pnpm install --prod{frozen} --prefer-offline{filter}"))
        }
        Kind::Pnpm => words(&["prune", "--prod"]),
        Kind::Bun => again(format!("bun install --production{frozen}")),
    }
}

/// Returns whether a package's name needs no quotes in a shell.
fn is_plain(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || "@/._-".contains(c))
}
