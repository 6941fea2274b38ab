//! Package managers: which one installs, by the manifest's word and by lock files.

use super::{
    join,
    package::{self, Package},
};
use crate::{App, Refusal, read::Node, workspace::Workspace};

/// Bytes of a lock file that are read at most.
pub(crate) const LOCK: u32 = 16 << 20;

/// Kind of package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// npm.
    Npm,
    /// Yarn 1.
    Yarn1,
    /// Yarn 2 and later.
    Berry,
    /// pnpm.
    Pnpm,
    /// Bun as the installer.
    Bun,
}

impl Kind {
    /// Returns the program's name.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Yarn1 | Self::Berry => "yarn",
            Self::Pnpm => "pnpm",
            Self::Bun => "bun",
        }
    }

    /// Returns the argv of a script of package.json.
    #[must_use]
    pub fn run(self) -> fn(&str) -> Vec<String> {
        fn of(program: &str, script: &str) -> Vec<String> {
            [program, "run", script].map(str::to_owned).to_vec()
        }
        match self {
            Self::Npm => |script| of("npm", script),
            Self::Yarn1 | Self::Berry => |script| of("yarn", script),
            Self::Pnpm => |script| of("pnpm", script),
            Self::Bun => |script| of("bun", script),
        }
    }

    /// Returns the argv of an installed tool.
    #[must_use]
    pub fn exec(self, tool: &[&str]) -> Vec<String> {
        let head: &[&str] = match self {
            Self::Npm => &["npx", "--no-install"],
            Self::Yarn1 | Self::Berry => &["yarn"],
            Self::Pnpm => &["pnpm", "exec"],
            Self::Bun => &["bun", "x"],
        };
        head.iter().chain(tool).map(|&word| word.to_owned()).collect()
    }
}

/// The manager that installs an app.
#[derive(Clone, Debug)]
pub struct Manager {
    /// Kind.
    pub kind: Kind,
    /// Version as `packageManager` says it, without its hash. `None` means that nothing says one.
    pub version: Option<String>,
    /// Name of the lock file, in the app's folder or the workspace's root. `None` means that there is none.
    pub lock: Option<String>,
    /// File, line and key that decided.
    pub source: String,
    /// Warnings, each with what to do.
    pub warnings: Vec<(String, String)>,
}

impl Manager {
    /// Returns the major version, where the version is known.
    #[must_use]
    pub fn major(&self) -> Option<u32> {
        let digits = self.version.as_deref()?.trim_start_matches(['^', '~', '=', 'v', '>', ' ']);
        digits.split(['.', '-']).next()?.parse().ok()
    }
}

/// Lock files in the order in which one of several is taken.
const LOCKS: [(&str, Kind); 6] = [
    ("pnpm-lock.yaml", Kind::Pnpm),
    ("yarn.lock", Kind::Yarn1),
    ("npm-shrinkwrap.json", Kind::Npm),
    ("package-lock.json", Kind::Npm),
    ("bun.lock", Kind::Bun),
    ("bun.lockb", Kind::Bun),
];

/// Decides which manager installs: `packageManager` of the app, then of the workspace's root, else the lock files, of
/// several the one that `devEngines.packageManager` names, else npm.
///
/// # Errors
/// A manager that nobody knows, or a file that cannot be read.
pub fn manager(
    app: &App<'_>,
    package: &Package,
    workspace: Option<&Workspace>,
) -> Result<Manager, Refusal> {
    let root =
        workspace.map(|workspace| workspace.root.as_str()).filter(|root| *root != app.folder);
    let above = match root {
        Some(root) => package::at(app, root)?,
        None => None,
    };
    let own = (package.file.path.as_str(), &package.json);
    let manifests =
        || std::iter::once(own).chain(above.iter().map(|(file, json)| (file.path.as_str(), json)));
    let mut locks = locks(app, app.folder);
    if let (true, Some(root)) = (locks.is_empty(), root) {
        locks = self::locks(app, root);
    }
    let mut named = None;
    for (path, json) in manifests() {
        if let Some(node) = json.get("packageManager") {
            named = Some(package_manager(path, node, has_yarnrc(app, root))?);
            break;
        }
    }
    let wanted = named.clone().or_else(|| {
        manifests().find_map(|(path, json)| dev_engine(path, json, has_yarnrc(app, root))).filter(
            |(kind, ..)| locks.is_empty() || locks.iter().any(|(_, lock)| program(*lock, *kind)),
        )
    });
    let chosen = match &wanted {
        Some((kind, ..)) => locks.iter().find(|(_, lock)| program(*lock, *kind)),
        None => locks.first(),
    };
    let (kind, version, source) = match (&wanted, chosen) {
        // Yarn's generation is what the lock file has, where the manifest says no version.
        (Some((kind, None, source)), Some((_, lock))) if program(*kind, *lock) => {
            (*lock, None, source.clone())
        }
        (Some((kind, version, source)), _) => (*kind, version.clone(), source.clone()),
        (None, Some((file, kind))) => (*kind, None, file.clone()),
        (None, None) if has_yarnrc(app, root) => (Kind::Berry, None, ".yarnrc.yml".to_owned()),
        (None, None) => (Kind::Npm, None, "default".to_owned()),
    };
    let lock = chosen.map(|(file, _)| file.clone());
    let installs = workspace.is_some() || package.dependencies().next().is_some();
    let warnings = warnings(&locks, lock.as_deref(), installs, kind, &source);
    Ok(Manager { kind, version, lock, source, warnings })
}

/// Returns whether both are of one program.
fn program(left: Kind, right: Kind) -> bool {
    left.program() == right.program()
}

fn warnings(
    locks: &[(String, Kind)],
    lock: Option<&str>,
    installs: bool,
    kind: Kind,
    source: &str,
) -> Vec<(String, String)> {
    let mut warnings = Vec::new();
    let program = kind.program();
    let others: Vec<&str> =
        locks.iter().map(|(file, _)| file.as_str()).filter(|file| Some(*file) != lock).collect();
    if !others.is_empty() {
        let read = lock.unwrap_or(source);
        let message = format!("{} is not read: {program} installs, by {read}", others.join(", "));
        warnings.push((message, format!("delete {}", others.join(", "))));
    }
    if lock.is_none() && installs {
        let file = match kind {
            Kind::Npm => "package-lock.json",
            Kind::Yarn1 | Kind::Berry => "yarn.lock",
            Kind::Pnpm => "pnpm-lock.yaml",
            Kind::Bun => "bun.lock",
        };
        let message = "no lock file: versions are those of the day".to_owned();
        warnings.push((message, format!("commit {file}")));
    }
    warnings
}

fn has_yarnrc(app: &App<'_>, root: Option<&str>) -> bool {
    app.has(".yarnrc.yml") || root.is_some_and(|root| app.has_repo(&join(root, ".yarnrc.yml")))
}

/// Lists the lock files of a folder of the repository.
fn locks(app: &App<'_>, folder: &str) -> Vec<(String, Kind)> {
    let mut found = Vec::new();
    for (name, kind) in LOCKS {
        let path = join(folder, name);
        if !app.has_repo(&path) {
            continue;
        }
        let kind = if kind == Kind::Yarn1 { yarn(app, folder, &path) } else { kind };
        found.push((name.to_owned(), kind));
    }
    found
}

/// Returns Yarn's generation, by the head of its lock file.
fn yarn(app: &App<'_>, folder: &str, path: &str) -> Kind {
    let text = read_lock(app, path);
    let head = || text.lines().take(20);
    if head().any(|line| line.starts_with("# yarn lockfile v1")) {
        return Kind::Yarn1;
    }
    let berry = head().any(|line| line.starts_with("__metadata:"))
        || app.has_repo(&join(folder, ".yarnrc.yml"));
    if berry { Kind::Berry } else { Kind::Yarn1 }
}

/// Reads a lock file of the repository. What is no text, or longer than 16 MiB, is `""`: the manager reads it itself.
pub(crate) fn read_lock(app: &App<'_>, path: &str) -> String {
    app.repo.read_text(path, LOCK).ok().flatten().unwrap_or_default()
}

type Named = (Kind, Option<String>, String);

fn package_manager(path: &str, node: &Node, berry: bool) -> Result<Named, Refusal> {
    let text = node.want_text(path, "packageManager")?;
    let source = format!("{path}:{} packageManager", node.line);
    let (name, version) = match text.split_once('@') {
        Some((name, version)) => (name, version.split('+').next().unwrap_or_default().trim()),
        None => (text, ""),
    };
    kind(name.trim(), version, berry)
        .map(|(kind, version)| (kind, version, source.clone()))
        .ok_or_else(|| {
            let reason = format!("{source} is `{text}`: none of npm, yarn, pnpm, bun");
            Refusal::new(reason, "name one of them, such as `pnpm@9.15.9`")
        })
}

fn dev_engine(path: &str, json: &Node, berry: bool) -> Option<Named> {
    let entry = json.at(&["devEngines", "packageManager"])?;
    let one = std::iter::once(entry).chain(entry.list()).find(|node| node.get("name").is_some())?;
    let name = one.get("name").and_then(Node::text)?;
    let version = one.get("version").and_then(Node::text).unwrap_or_default();
    let exact =
        version.split('.').count() == 3 && version.starts_with(|c: char| c.is_ascii_digit());
    let (kind, found) = kind(name, version, berry)?;
    let source = format!("{path}:{} devEngines.packageManager", one.line);
    Some((kind, found.filter(|_| exact), source))
}

fn kind(name: &str, version: &str, berry: bool) -> Option<(Kind, Option<String>)> {
    let said = (!version.is_empty()).then(|| version.to_owned());
    let major = version.trim_start_matches(['^', '~', '=', 'v', '>', ' ']).split('.').next();
    let kind = match name {
        "npm" => Kind::Npm,
        "pnpm" => Kind::Pnpm,
        "bun" => Kind::Bun,
        "yarn" => match major {
            Some("0" | "1" | "classic") => Kind::Yarn1,
            Some("") | None if !berry => Kind::Yarn1,
            _ => Kind::Berry,
        },
        _ => return None,
    };
    Some((kind, said))
}
