//! Members of a workspace that an app needs: their sources and their builds.

use super::parts::{Parts, built, to_app};
use std::collections::BTreeSet;
use windlass_plugin_sdk::{
    App, EntryKind, Step,
    js::{Kind, Output, Package},
    workspace::{Member, Workspace},
};

/// Entries of a workspace's root that are copied one by one. Of more, the whole tree is.
const MOST: usize = 80;

/// Entries of a workspace's root that no build reads.
const SKIPPED: [&str; 9] = [
    ".git",
    ".github",
    ".gitlab-ci.yml",
    ".gitattributes",
    ".husky",
    ".vscode",
    ".idea",
    "node_modules",
    ".dockerignore",
];

/// Sections of package.json that name members.
const SECTIONS: [&str; 4] =
    ["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"];

/// Returns the step that copies the whole context.
pub(super) fn whole(parts: &Parts<'_>) -> Step {
    let dest = if parts.install.home == "/app" { "." } else { "/app/" };
    to_app(vec![".".into()], dest.into())
}

/// Returns the members that the app needs, each after those that it needs itself, without the app.
fn needed<'a>(parts: &Parts<'a>, workspace: &'a Workspace) -> Vec<&'a Member> {
    let names: BTreeSet<&str> = SECTIONS
        .iter()
        .filter_map(|section| parts.package.json.get(section))
        .flat_map(|section| section.map().iter().map(|(name, _)| name.as_str()))
        .collect();
    let mut order: Vec<&Member> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::from([parts.app.folder]);
    let direct = workspace.members.iter().filter(|member| names.contains(member.name.as_str()));
    // Depth first, without recursion: a member is written when it is met for the second time.
    let mut stack: Vec<(&Member, bool)> = direct.map(|member| (member, false)).collect();
    stack.reverse();
    while let Some((member, done)) = stack.pop() {
        if done {
            order.push(member);
            continue;
        }
        if !seen.insert(member.folder.as_str()) {
            continue;
        }
        stack.push((member, true));
        let needs = member.needs.iter().filter_map(|folder| workspace.member(folder));
        stack.extend(needs.map(|member| (member, false)));
    }
    order
}

/// Returns the steps that copy the sources of a member: its own, those of members that it needs, and what the root has
/// beside members.
pub(super) fn sources(parts: &Parts<'_>) -> Vec<Step> {
    let Some(workspace) = parts.workspace else { return vec![whole(parts)] };
    let context = parts.install.context.as_str();
    let relative = |folder: &str| -> String {
        let rest = folder.strip_prefix(context).unwrap_or(folder);
        rest.trim_start_matches('/').to_owned()
    };
    let Ok(entries) = parts.app.repo.read_dir(context, 1000) else { return vec![whole(parts)] };
    // A name that a Dockerfile cannot hold comes with the tree.
    let plain =
        |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "._-+@/".contains(c));
    let names = entries.iter().map(|entry| entry.path.as_str());
    let members = workspace.members.iter().map(|member| member.folder.as_str());
    if entries.len() > MOST || !names.chain(members).all(plain) {
        return vec![whole(parts)];
    }
    let members: Vec<String> =
        workspace.members.iter().map(|member| relative(&member.folder)).collect();
    let holds = |name: &str| {
        members.iter().any(|member| {
            member.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let kept = entries.iter().filter(|entry| !SKIPPED.contains(&entry.path.as_str()));
    let (mut files, mut folders) = (Vec::new(), Vec::new());
    for entry in kept {
        match entry.kind {
            EntryKind::File => files.push(entry.path.clone()),
            EntryKind::Dir if !holds(&entry.path) => folders.push(entry.path.clone()),
            EntryKind::Dir | EntryKind::Symlink => {}
        }
    }
    folders.extend(needed(parts, workspace).iter().map(|member| relative(&member.folder)));
    folders.push(relative(parts.app.folder));
    let mut steps = Vec::new();
    if !files.is_empty() {
        steps.push(to_app(files, "/app/".into()));
    }
    let folders = folders.into_iter().map(|folder| {
        let dest = format!("/app/{folder}");
        to_app(vec![folder], dest)
    });
    steps.extend(folders);
    steps
}

/// Returns the name of the script that builds: `build`, else the one that Heroku runs.
fn script(package: &Package) -> Option<&'static str> {
    ["build", "heroku-postbuild"].into_iter().find(|name| package.script(name).is_some())
}

/// Returns the commands of the build, each with its source.
pub(super) fn builds(parts: &Parts<'_>) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    let script = script(parts.package);
    let own = script.is_some();
    let build = script.unwrap_or("build");
    let source = parts.package.source(&["scripts", build]);
    let name = parts.package.name.as_str();
    let members = members_with_build(parts);
    if let (true, Some((tool, source))) =
        (script == Some("build") && parts.is_member(), runner(parts))
    {
        let argv = match tool {
            "turbo" => vec!["turbo", "run", "build", "--filter", name],
            _ => vec!["nx", "build", name],
        };
        found.push((parts.install.exec(parts.manager.kind, &argv), source));
    } else if parts.manager.kind == Kind::Pnpm
        && !members.is_empty()
        && script != Some("heroku-postbuild")
    {
        let filter = format!("{name}...");
        let argv = ["pnpm", "--filter", filter.as_str(), "run", "--if-present", "build"];
        let sources: Vec<String> = members.into_iter().map(|(_, source)| source).collect();
        let source = if own { source } else { sources.join(", ") };
        found.push((argv.map(str::to_owned).to_vec(), source));
    } else {
        let program = parts.install.program.iter().cloned();
        for (member, source) in members {
            let words: Vec<&str> = match parts.manager.kind {
                Kind::Yarn1 | Kind::Berry => vec!["workspace", member.as_str(), "run", "build"],
                Kind::Bun => vec!["run", "--filter", member.as_str(), "build"],
                Kind::Npm | Kind::Pnpm => vec!["run", "build", "--workspace", member.as_str()],
            };
            let argv = program.clone().chain(words.into_iter().map(str::to_owned));
            found.push((argv.collect(), source));
        }
        if own {
            found.push(((parts.install.run)(build), source));
        }
    }
    let servers = parts.framework.filter(|found| matches!(found.output, Output::Server { .. }));
    let tool = servers.filter(|_| !own).and_then(|found| Some((found.build()?, found)));
    if let Some((tool, framework)) = tool {
        found.push((parts.install.exec(parts.manager.kind, tool), framework.source.clone()));
    }
    for build in &parts.start.builds {
        let argv = built(parts, build);
        if !found.iter().any(|(known, _)| *known == argv) {
            found.push((argv, parts.start.source.clone()));
        }
    }
    found
}

/// Returns names and sources of the members that are built before the app.
fn members_with_build(parts: &Parts<'_>) -> Vec<(String, String)> {
    let Some(workspace) = parts.workspace else { return Vec::new() };
    let build = |member: &Member| {
        let app = App::new(parts.app.repo, &member.folder, &[], false, &[]);
        let package = Package::read(&app).ok()??;
        package.script("build")?;
        Some((member.name.clone(), package.source(&["scripts", "build"])))
    };
    needed(parts, workspace).into_iter().filter_map(build).collect()
}

/// Returns the task runner of the workspace's root, and the file that says so.
fn runner(parts: &Parts<'_>) -> Option<(&'static str, String)> {
    let workspace = parts.workspace?;
    let root = App::new(parts.app.repo, &workspace.root, &[], false, &[]);
    let package = Package::read(&root).ok()??;
    [("turbo", "turbo.json"), ("nx", "nx.json")]
        .into_iter()
        .find(|(tool, file)| root.has(file) && package.any_dependency(tool).is_some())
        .map(|(tool, file)| (tool, root.at(file)))
}
