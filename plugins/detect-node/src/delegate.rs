//! Starts of a root that run the script of a folder below it: `npm start --prefix server`, `yarn workspace api start`.

use crate::{
    foreign::foreign,
    scripts::{self, Script},
    start::{Start, exists, file_of, is_built, kept},
};
use windlass_plugin_sdk::{App, commands, js::Package, read::Node, score, shell, workspace};

/// Scripts of the root that run while the image is built.
const BUILDS: [&str; 5] = ["build", "heroku-postbuild", "postinstall", "install", "preinstall"];

/// The script of a folder below, or of a workspace's member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Other {
    /// A folder, or a member's name.
    pub(crate) place: String,
    pub(crate) script: String,
}

/// Reads a line of one script in one place. `None` means that it is another form, such as a filter of several members.
pub(crate) fn other(line: &str) -> Option<Other> {
    let mut words = line.split_whitespace();
    let program = words.next().filter(|word| matches!(*word, "npm" | "yarn" | "pnpm"))?;
    let (mut place, mut left) = (None, Vec::new());
    while let Some(word) = words.next() {
        let (flag, value) = match word.split_once('=') {
            Some((flag, value)) if flag.starts_with("--") => (flag, Some(value)),
            _ => (word, None),
        };
        match flag {
            "--prefix" | "--cwd" | "--dir" | "--workspace" | "--filter" | "-C" | "-F" => {
                place = value.or_else(|| words.next());
            }
            "-w" if program == "npm" => place = words.next(),
            "workspace" if program == "yarn" => place = words.next(),
            "run" | "run-script" | "-s" | "--silent" => {}
            word => left.push(word),
        }
    }
    let [script] = left.as_slice() else { return None };
    let place = place?.trim_start_matches("./").trim_end_matches('/');
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./@".contains(c);
    let plain = !place.is_empty() && place.chars().chain(script.chars()).all(is_plain);
    (plain && !script.starts_with('-') && !place.contains(".."))
        .then(|| Other { place: place.to_owned(), script: (*script).to_owned() })
}

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

#[cfg(test)]
mod tests {
    use super::{Other, other};

    #[test]
    fn one_script_of_one_place_is_read() {
        for line in [
            "npm start --prefix server",
            "npm run start --prefix=./server/",
            "npm --prefix server start",
            "npm start -w server",
            "npm run start --workspace=server",
            "yarn workspace server start",
            "yarn --cwd server start",
            "pnpm --filter server start",
            "pnpm -C server run start",
        ] {
            let expected = Other { place: "server".into(), script: "start".into() };
            assert_eq!(other(line), Some(expected), "{line}");
        }
        for line in ["npm start", "pnpm -r start", "turbo start", "npm start --prefix ../a", "npm"]
        {
            assert_eq!(other(line), None, "{line}");
        }
    }
}
