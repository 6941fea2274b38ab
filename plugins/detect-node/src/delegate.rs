//! Starts of a root that run the script of a folder below it: `npm start --prefix server`, `yarn workspace api start`.

use crate::{
    below::Other,
    command::{Start, exists, file_of, is_built, kept},
    foreign::foreign,
    scripts::{self, Script},
};
use windlass_plugin_sdk::{App, commands, js::Package, read::Node, score, shell, workspace};

/// Scripts of the root that run while the image is built.
const BUILDS: [&str; 5] = ["build", "heroku-postbuild", "postinstall", "install", "preinstall"];

/// Returns the start of that script in its folder. `None` means that nothing installs the folder's dependencies, or
/// that its script is no start of an image.
pub(crate) fn start(
    app: &App<'_>,
    package: &Package,
    other: &Other,
    source: &str,
) -> Option<Start> {
    let (folder, is_ready) = folder(app, package, &other.place)?;
    if !is_ready {
        return None;
    }
    let path = app.at(&folder);
    let below = App::new(app.repo, &path, &[], false, &[]);
    let member = Package::read(&below).ok()??;
    member.script(&other.script)?;
    let Script::Runs(runs) = scripts::follow(&member, &format!("npm run {}", other.script)) else {
        return None;
    };
    if !runs.builds.is_empty() || foreign(&runs.argv).is_some() {
        return None;
    }
    let builds = BUILDS.iter().any(|name| package.script(name).is_some());
    let file = file_of(&runs.argv);
    let missing =
        |file: &str| !exists(&below, &member, file) && !(builds && is_built(&below, &member, file));
    if file.is_some_and(missing) {
        return None;
    }
    let line = runs.argv.join(" ");
    let is_plain = file.is_some() && commands::plain(&line).as_ref() == Some(&runs.argv);
    let line = if is_plain { line } else { format!("npm run {}", other.script) };
    let mut evidence = runs.evidence.clone();
    evidence.push(format!("{source}: runs `{}` of {path}", other.script));
    Some(Start {
        keeps: kept(&member, &runs.argv),
        argv: shell(&format!("cd {folder} && {line}")),
        env: runs.env,
        source: source.to_owned(),
        score: score::STARTED,
        evidence,
        ..Start::default()
    })
}

/// Returns the folder below the app's, and whether the root's own scripts make it ready: a member is installed with
/// the root, and is built by it where members are built at all.
fn folder(app: &App<'_>, package: &Package, place: &str) -> Option<(String, bool)> {
    let path = app.at(place);
    let workspace = workspace::js::above(app).ok().flatten();
    let workspace = workspace.filter(|workspace| workspace.root == app.folder);
    let members = workspace.iter().flat_map(|workspace| &workspace.members);
    let mut members = members.filter(|member| member.name == place || member.folder == path);
    if let Some(member) = members.next() {
        let folder = member.folder.strip_prefix(app.folder)?.trim_start_matches('/');
        let has_build = |folder: &str| {
            let member = Package::read(&App::new(app.repo, folder, &[], false, &[]));
            member.ok().flatten().is_some_and(|member| member.script("build").is_some())
        };
        let mut all = workspace.iter().flat_map(|workspace| &workspace.members);
        let is_ready = BUILDS.iter().any(|name| package.script(name).is_some())
            || !all.any(|member| has_build(&member.folder));
        return Some((folder.to_owned(), is_ready));
    }
    let is_there = app.has(&format!("{place}/package.json"));
    is_there.then(|| (place.to_owned(), installs(package, place)))
}

/// Returns whether the image's build installs what a folder of its own depends on.
fn installs(package: &Package, folder: &str) -> bool {
    let scripts = package.json.get("scripts").map(Node::map).unwrap_or_default();
    let mut lines = scripts.iter().filter_map(|(_, line)| line.text());
    let installs = |word: &str| matches!(word, "install" | "i" | "ci");
    BUILDS.iter().any(|name| package.script(name).is_some())
        && lines.any(|line| line.contains(folder) && line.split_whitespace().any(installs))
}
