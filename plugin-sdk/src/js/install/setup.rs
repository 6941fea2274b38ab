//! Steps that bring a package manager to Node's image.

use crate::{
    App, CopyFiles, Refusal, RunCommand, Stage, Step,
    js::{Kind, Manager, join, manager::read_lock},
    read,
    versions::Chosen,
};

/// First version of Node whose image has no corepack.
const WITHOUT_COREPACK: u32 = 25;

/// Folder of the lock file.
pub(super) struct Lock<'a> {
    pub(super) app: &'a App<'a>,
    pub(super) folder: &'a str,
}

#[derive(Default)]
pub(super) struct Setup {
    pub(super) stages: Vec<Stage>,
    pub(super) steps: Vec<Step>,
    pub(super) corepack: bool,
    pub(super) evidence: Vec<String>,
}

/// Returns the steps before the install. `node` is asked only where the steps depend on it.
pub(super) fn setup(
    manager: &Manager,
    node: impl FnOnce() -> Result<Chosen, Refusal>,
    lock: &Lock<'_>,
) -> Result<Setup, Refusal> {
    let mut setup = Setup::default();
    match manager.kind {
        Kind::Npm => return Ok(setup),
        Kind::Bun => {
            let base = match &manager.version {
                Some(version) => format!("oven/bun:{version}-slim"),
                None => "oven/bun:1-slim".to_owned(),
            };
            setup.stages.push(Stage {
                name: "bun".into(),
                base,
                workdir: None,
                env: Vec::new(),
                packages: Vec::new(),
                steps: Vec::new(),
                why: Some("bun installs, node runs".into()),
            });
            setup.steps.push(Step::Copy(CopyFiles {
                from: Some("bun".into()),
                sources: vec!["/usr/local/bin/bun".into()],
                dest: "/usr/local/bin/bun".into(),
                owned: false,
                why: None,
            }));
            return Ok(setup);
        }
        Kind::Yarn1 | Kind::Berry | Kind::Pnpm => {}
    }
    let node = node()?;
    let bare = is_bare(&node);
    if manager.kind == Kind::Yarn1 && manager.version.is_none() {
        if bare {
            setup.steps.push(run(&["npm", "install", "--global", "yarn@1"]));
        }
        return Ok(setup);
    }
    setup.corepack = true;
    if bare {
        setup.steps.push(run(&["npm", "install", "--global", "corepack"]));
    } else if is_pinned(&node) {
        setup.steps.push(run(&["npm", "install", "--global", "--force", "corepack@0.24.1"]));
    }
    setup.steps.push(run(&["corepack", "enable"]));
    if let Some((version, why)) = prepared(manager, lock) {
        let spec = format!("{}@{version}", manager.kind.program());
        setup.steps.push(run(&["corepack", "prepare", &spec, "--activate"]));
        setup.evidence.push(format!("{why}: {spec}"));
    }
    Ok(setup)
}

/// Returns the setup of an app that commits Yarn itself. Tests call `yarn`: Yarn 1 of the image hands over to the
/// committed one, and images of Node 25 and later have none.
pub(super) fn committed(node: &Chosen) -> Setup {
    let mut setup = Setup::default();
    if is_bare(node) {
        setup.steps.push(run(&["npm", "install", "--global", "yarn@1"]));
    }
    setup
}

fn is_bare(node: &Chosen) -> bool {
    let major = node.version.split(['.', '-']).next().and_then(|text| text.parse::<u32>().ok());
    major.is_some_and(|major| major >= WITHOUT_COREPACK)
}

/// Returns whether an exact release was asked for, whose corepack may be one of those (0.27 to 0.30) that know npm's old
/// keys only, and so install nothing. The images of a major version have a newer one.
fn is_pinned(node: &Chosen) -> bool {
    let parts: Vec<u32> = node.version.split('.').map_while(|part| part.parse().ok()).collect();
    match *parts.as_slice() {
        [18, minor, ..] => minor >= 20,
        [20, minor, ..] => (12..19).contains(&minor),
        [21, ..] => true,
        [22, minor, ..] => minor < 14,
        [23, minor, ..] => minor < 8,
        _ => false,
    }
}

/// Returns the version that corepack is asked for. `None` means that it reads `packageManager` by itself, in the folder
/// where the install runs.
fn prepared(manager: &Manager, lock: &Lock<'_>) -> Option<(String, String)> {
    if let Some(version) = &manager.version {
        let root = join(lock.folder, "package.json");
        let reads = manager.source.ends_with(" packageManager")
            && manager.source.starts_with(&format!("{root}:"));
        return (!reads).then(|| (version.clone(), manager.source.clone()));
    }
    let Some(name) = &manager.lock else {
        let version = if manager.kind == Kind::Pnpm { "10" } else { "4" };
        return Some((version.into(), "no lock file".into()));
    };
    let text = read_lock(lock.app, &join(lock.folder, name));
    if manager.kind != Kind::Pnpm {
        return Some((yarn(&text).into(), name.clone()));
    }
    let version = pnpm(&text);
    // Releases 9 and 10 write the same form.
    match settings(lock).filter(|_| version == "9") {
        Some(source) => Some(("10".into(), source)),
        None => Some((version.into(), name.clone())),
    }
}

/// Returns file and line of a pnpm-workspace.yaml that only pnpm 10 reads: it has settings, which pnpm 9 does not
/// know, or names no `packages`, without which pnpm 9 fails.
fn settings(lock: &Lock<'_>) -> Option<String> {
    let path = join(lock.folder, "pnpm-workspace.yaml");
    let file = lock.app.read_repo(&path).ok().flatten()?;
    let yaml = read::yaml(&file).ok()?;
    let known = ["packages", "catalog", "catalogs"];
    let setting = yaml.map().iter().find(|(key, _)| !known.contains(&key.as_str()));
    match setting {
        Some((key, node)) => Some(format!("{path}:{} {key}", node.line)),
        None if yaml.get("packages").is_none() => Some(format!("{path}:1 no packages")),
        None => None,
    }
}

/// Returns pnpm's major version that writes a lock of this form.
fn pnpm(lock: &str) -> &'static str {
    let said = lock.lines().take(20).find_map(|line| line.strip_prefix("lockfileVersion:"));
    let said = said.unwrap_or_default().trim().trim_matches(['\'', '"']);
    match said.split('.').next() {
        Some("5") => "7",
        Some("6") => "8",
        _ => "9",
    }
}

/// Returns Yarn's major version that writes a lock of this form.
fn yarn(lock: &str) -> &'static str {
    let said = lock.lines().take(20).find_map(|line| line.trim_start().strip_prefix("version:"));
    match said.unwrap_or_default().trim() {
        "4" | "5" => "2",
        "6" | "7" => "3",
        _ => "4",
    }
}

fn run(words: &[&str]) -> Step {
    let command = words.iter().map(|&word| word.to_owned()).collect();
    Step::Run(RunCommand { command, caches: Vec::new(), secrets: Vec::new(), why: None })
}

#[cfg(test)]
mod tests {
    use super::{pnpm, yarn};

    #[test]
    fn the_form_of_a_lock_says_which_major_version_wrote_it() {
        assert_eq!(pnpm("lockfileVersion: 5.4\n"), "7");
        assert_eq!(pnpm("lockfileVersion: '6.0'\r\n"), "8");
        assert_eq!(pnpm("lockfileVersion: '9.0'\n"), "9");
        assert_eq!(pnpm(""), "9");
        assert_eq!(yarn("__metadata:\n  version: 6\n"), "3");
        assert_eq!(yarn("__metadata:\n  version: 8\n"), "4");
    }
}
