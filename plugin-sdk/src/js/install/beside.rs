//! Things that an install reads besides its manifest: local packages, scripts, members of a workspace.

use crate::{
    App, Refusal,
    js::{Kind, Manager, Package, inside, join, package_at},
    leads_out,
    read::Node,
    workspace::Workspace,
};

/// Manifests of a workspace that are copied one by one. Of more, the whole tree is.
const MOST: usize = 200;

/// Protocols of dependencies that npm and Yarn 1 do not know.
const FOREIGN: [&str; 4] = ["workspace:", "catalog:", "portal:", "patch:"];

/// Scripts of package.json that an install runs: they may read any file.
const SCRIPTS: [&str; 5] = ["preinstall", "install", "postinstall", "prepublish", "prepare"];

/// Commands of such scripts that need no file, or only those that are copied.
const HARMLESS: [&str; 9] = [
    "husky",
    "is-ci",
    "lefthook",
    "simple-git-hooks",
    "patch-package",
    "prisma generate",
    "true",
    "exit 0",
    "echo",
];

/// Files that an install reads besides its manifest.
pub(super) struct Beside {
    /// Folder that holds all of it.
    pub(super) context: String,
    /// Paths of all manifests, from the repository's root.
    pub(super) manifests: Vec<String>,
    /// Reason why any file may be read.
    pub(super) whole: Option<String>,
    /// Source of a script that each install runs.
    pub(super) script: Option<String>,
}

impl Beside {
    /// Looks at the app's manifest, and at those of its workspace.
    pub(super) fn look(
        app: &App<'_>,
        package: &Package,
        manager: &Manager,
        workspace: Option<&Workspace>,
    ) -> Result<Self, Refusal> {
        let context = workspace.map_or(app.folder, |workspace| workspace.root.as_str());
        let path = join(app.folder, name(&package.file.path));
        let mut found =
            Self { context: context.into(), manifests: vec![path], whole: None, script: None };
        found.package(app, app.folder, package, manager, workspace)?;
        let Some(workspace) = workspace else { return Ok(found) };
        let root = std::iter::once(workspace.root.as_str());
        let members = workspace.members.iter().map(|member| member.folder.as_str());
        for folder in root.chain(members).filter(|folder| *folder != app.folder) {
            if found.manifests.len() > MOST {
                found.whole = Some(format!("{}: more than {MOST} members", workspace.manifest));
                break;
            }
            let Some((file, json)) = package_at(app, folder)? else {
                continue;
            };
            let path = join(folder, name(&file.path));
            if found.manifests.contains(&path) {
                continue;
            }
            found.manifests.push(path);
            let other = Package { file, json, name: String::new() };
            found.package(app, folder, &other, manager, Some(workspace))?;
        }
        Ok(found)
    }

    fn package(
        &mut self,
        app: &App<'_>,
        folder: &str,
        package: &Package,
        manager: &Manager,
        workspace: Option<&Workspace>,
    ) -> Result<(), Refusal> {
        for (section, name, value) in package.dependencies() {
            let Some(spec) = value.text() else { continue };
            let entry =
                format!("{}:{} {section}: {name} is `{spec}`", package.file.path, value.line);
            protocol(&entry, name, spec, manager, workspace)?;
            let Some(path) = local(spec) else { continue };
            let target = target(folder, path).ok_or_else(|| {
                let reason = format!("{entry}, outside of the repository");
                Refusal::new(reason, "commit the package into the repository, or publish it")
            })?;
            // Symfony's packages bring those of npm, once Composer has installed them.
            let is_of_composer = app.has("composer.json") && spec.contains(":vendor/");
            if !is_of_composer && !exists(app, &target) {
                let reason = format!("{entry}, and `{target}` is not there");
                return Err(Refusal::new(reason, "commit it, or remove the dependency"));
            }
            let context = common(&self.context, &target);
            if let (Some(workspace), true) = (workspace, context != self.context) {
                let reason = format!("{entry}, outside of the workspace of {}", workspace.manifest);
                return Err(Refusal::new(reason, "make it a member of the workspace"));
            }
            self.context = context;
            self.because(entry);
        }
        for script in SCRIPTS {
            let Some(line) = package.script(script) else { continue };
            self.script.get_or_insert_with(|| package.source(&["scripts", script]));
            if !line.split("&&").flat_map(|part| part.split("||")).all(is_harmless) {
                self.because(package.source(&["scripts", script]));
            }
        }
        Ok(())
    }

    fn because(&mut self, reason: String) {
        self.whole.get_or_insert(reason);
    }
}

/// Returns the last part of a path.
fn name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn is_harmless(command: &str) -> bool {
    let command = command.trim();
    HARMLESS.iter().any(|known| {
        command.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    })
}

fn protocol(
    entry: &str,
    name: &str,
    spec: &str,
    manager: &Manager,
    workspace: Option<&Workspace>,
) -> Result<(), Refusal> {
    let known = |protocol: &str| match manager.kind {
        Kind::Npm | Kind::Yarn1 => false,
        Kind::Bun => !matches!(protocol, "portal:"),
        Kind::Berry | Kind::Pnpm => true,
    };
    let foreign =
        FOREIGN.into_iter().find(|protocol| spec.starts_with(protocol) && !known(*protocol));
    let link = (manager.kind == Kind::Npm && spec.starts_with("link:")).then_some("link:");
    if let Some(protocol) = foreign.or(link) {
        let program = manager.kind.program();
        let reason =
            format!("{entry}, and {program} does not know `{protocol}` ({})", manager.source);
        let hint = "commit the lock file of the manager that does (pnpm-lock.yaml, yarn.lock), or \
                    name it by `packageManager`";
        return Err(Refusal::new(reason, hint));
    }
    let Some(range) = spec.strip_prefix("workspace:") else { return Ok(()) };
    // `workspace:./folder` and `workspace:other@range` name their member otherwise.
    if range.starts_with(['.', '/']) || range.trim_start_matches('@').contains('@') {
        return Ok(());
    }
    let members = workspace.map(|workspace| workspace.members.as_slice()).unwrap_or_default();
    if members.iter().any(|member| member.name == name) {
        return Ok(());
    }
    let (reason, hint) = match workspace {
        Some(workspace) => (
            format!("{entry}, and {} has no member `{name}`", workspace.manifest),
            "add its folder to the workspace and commit it",
        ),
        None => (
            format!("{entry}, and no workspace is at the app's folder or above it"),
            "commit the workspace's manifest (pnpm-workspace.yaml, or `workspaces` of package.json)",
        ),
    };
    Err(Refusal::new(reason, hint))
}

/// Returns the path of a dependency that lies in the repository.
fn local(spec: &str) -> Option<&str> {
    let named = ["file:", "link:", "portal:"].iter().find_map(|scheme| spec.strip_prefix(scheme));
    // `~1.2` is a range, and `~/x` a path.
    let bare = || spec.starts_with(['.', '/']) || spec.starts_with("~/");
    named.or_else(|| bare().then_some(spec))
}

/// Returns the path from the repository's root. `None` means that it leads out.
fn target(folder: &str, path: &str) -> Option<String> {
    if path.starts_with('/') || path.starts_with("~/") {
        return None;
    }
    let whole = join(folder, path);
    if leads_out(&whole) {
        return None;
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in whole.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn exists(app: &App<'_>, path: &str) -> bool {
    path.is_empty() || matches!(app.repo.stat(path), Ok(Some(_)))
}

/// Returns the nearest folder that holds both.
fn common(folder: &str, path: &str) -> String {
    let mut context = folder;
    while !context.is_empty() && inside(context, path) == path && context != path {
        context = context.rsplit_once('/').map_or("", |(above, _)| above);
    }
    context.to_owned()
}

/// Returns whether a value names a local package.
pub(super) fn is_local(value: &Node) -> bool {
    value.text().is_some_and(|spec| local(spec).is_some())
}

#[cfg(test)]
mod tests {
    use super::{common, is_harmless, local, target};

    #[test]
    fn local_packages_are_paths_and_not_ranges() {
        for (spec, path) in [
            ("file:../x", Some("../x")),
            ("./x", Some("./x")),
            ("link:x", Some("x")),
            ("~1.2.0", None),
            ("user/repository", None),
            ("https://x/y.tgz", None),
            ("^1.0.0", None),
        ] {
            assert_eq!(local(spec), path, "{spec}");
        }
        assert_eq!(target("apps/web", "../../shared").as_deref(), Some("shared"));
        assert_eq!(target("apps/web", "../../../shared"), None);
        assert_eq!(target("", "/etc"), None);
        assert_eq!(common("apps/web", "apps/shared"), "apps");
        assert_eq!(common("apps/web", "apps/web/x"), "apps/web");
        assert_eq!(common("a", "ab"), "");
    }

    #[test]
    fn hooks_of_git_need_no_file_of_the_tree() {
        assert!(is_harmless("husky install"));
        assert!(is_harmless(" husky"));
        assert!(!is_harmless("huskyish"));
        assert!(!is_harmless("npm run build"));
    }
}
