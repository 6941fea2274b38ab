//! Builds of a site in a workspace: what the site needs of other members is built before it.

use windlass_plugin_sdk::{
    App, join,
    js::{Install, Kind, Manager, Package},
    workspace::{Member, Workspace},
};

/// Members that are built before a site at most. A workspace of more is built by a tool of its own.
const MOST: usize = 100;

/// Returns the commands that build the site, `own` the last of them, in order. They run in the site's folder.
pub(crate) fn builds(
    app: &App<'_>,
    package: &Package,
    script: &str,
    own: Vec<String>,
    manager: &Manager,
    install: &Install,
    workspace: Option<&Workspace>,
) -> Vec<Vec<String>> {
    let Some(workspace) = workspace.filter(|_| install.place != install.home) else {
        return vec![own];
    };
    let name = package.name.as_str();
    if !name.is_empty() && script == "build" {
        let root = App::new(app.repo, &workspace.root, &[], false, &[]);
        let has = |tool: &str| {
            let package = Package::read(&root).ok().flatten();
            package.is_some_and(|package| package.any_dependency(tool).is_some())
        };
        if app.has_repo(&at(&workspace.root, "turbo.json")) && has("turbo") {
            let argv = ["turbo", "run", "build", "--filter", name];
            return vec![install.exec(manager.kind, &argv)];
        }
        if app.has_repo(&at(&workspace.root, "nx.json")) && has("nx") {
            return vec![install.exec(manager.kind, &["nx", "build", name])];
        }
        if manager.kind == Kind::Pnpm {
            let filter = format!("{name}...");
            let argv = ["pnpm", "--filter", &filter, "--if-present", "run", "build"];
            return vec![argv.map(str::to_owned).to_vec()];
        }
    }
    let before = needed(app, workspace).into_iter().map(|member| {
        let words = match manager.kind {
            Kind::Yarn1 | Kind::Berry => ["workspace", member, "run", "build"],
            Kind::Bun => ["run", "--filter", member, "build"],
            Kind::Npm | Kind::Pnpm => ["run", "build", "--workspace", member],
        };
        let argv = install.program.iter().cloned().chain(words.map(str::to_owned));
        argv.collect::<Vec<_>>()
    });
    before.chain([own]).collect()
}

/// Returns the names of the members with a build script that the app needs, each after those that it needs itself.
fn needed<'a>(app: &App<'_>, workspace: &'a Workspace) -> Vec<&'a str> {
    let mut order: Vec<&Member> = Vec::new();
    let mut seen = vec![app.folder];
    let own = workspace.member(app.folder).map(|member| member.needs.as_slice());
    let mut stack: Vec<_> = members(workspace, own.unwrap_or_default()).collect();
    // Depth first without recursion: a member is written when it is met for the second time.
    while let Some((member, is_done)) = stack.pop() {
        if is_done {
            order.push(member);
        } else if seen.len() <= MOST && !seen.contains(&member.folder.as_str()) {
            seen.push(&member.folder);
            stack.push((member, true));
            stack.extend(members(workspace, &member.needs));
        }
    }
    let has_build = |member: &&Member| {
        let app = App::new(app.repo, &member.folder, &[], false, &[]);
        let package = Package::read(&app).ok().flatten();
        package.is_some_and(|package| package.script("build").is_some())
    };
    order.into_iter().filter(has_build).map(|member| member.name.as_str()).collect()
}

fn members<'a>(
    workspace: &'a Workspace,
    folders: &'a [String],
) -> impl Iterator<Item = (&'a Member, bool)> {
    let found = folders.iter().filter_map(|folder| workspace.member(folder));
    found.map(|member| (member, false))
}

fn at(folder: &str, name: &str) -> String {
    join(folder, name).unwrap_or_else(|| name.to_owned())
}
