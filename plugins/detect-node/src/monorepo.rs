//! Roots that start nothing, and the apps below them.

use crate::{
    command::LANGUAGE,
    scripts::{self, Script},
};
use windlass_plugin_sdk::{
    App, Candidate, Refusal,
    js::{self, Output, Package},
    score,
    workspace::Workspace,
};

/// Candidates that are named at most.
const MOST: usize = 50;

/// Refuses a root with the apps below it. `None` means that there are none.
pub(crate) fn refuse(
    app: &App<'_>,
    package: &Package,
    workspace: Option<&Workspace>,
) -> Option<Refusal> {
    let workspace = workspace.filter(|workspace| workspace.root == app.folder);
    let tool = ["turbo.json", "nx.json", "lerna.json"].into_iter().find(|file| app.has(file));
    let (source, folders) = match (workspace, tool) {
        (Some(workspace), _) => {
            let members = workspace.members.iter().map(|member| member.folder.clone());
            (workspace.manifest.clone(), members.collect::<Vec<_>>())
        }
        (None, Some(tool)) => {
            let files = app.glob(&["apps/*/package.json", "packages/*/package.json"], 200);
            let folders = files.iter().filter_map(|file| file.rsplit_once('/'));
            (app.at(tool), folders.map(|(folder, _)| app.at(folder)).collect())
        }
        (None, None) => return None,
    };
    let found = folders.iter().filter_map(|folder| candidate(app, folder)).take(MOST);
    let candidates: Vec<Candidate> = found.collect();
    if candidates.is_empty() {
        return None;
    }
    let reason = format!("{source}: a workspace whose root starts nothing ({})", package.file.path);
    let refusal = app.refused(LANGUAGE, score::TOOLS, reason, "name one by --directory");
    Some(refusal.with_candidates(candidates))
}

/// Returns a folder that is an app: it has a start, a framework, or a Dockerfile.
fn candidate(app: &App<'_>, folder: &str) -> Option<Candidate> {
    let below = App::new(app.repo, folder, &[], false, &[]);
    let package = Package::read(&below).ok()??;
    let framework = js::framework(&below, &package).ok().flatten();
    let starts = package
        .script("start")
        .is_some_and(|line| matches!(scripts::follow(&package, line), Script::Runs(_)));
    let language = match framework.map(|framework| framework.output) {
        Some(Output::Server { .. }) => LANGUAGE,
        _ if starts || below.has("Dockerfile") => LANGUAGE,
        Some(Output::Static { .. }) => "static",
        _ => return None,
    };
    let (folder, name) = (folder.to_owned(), package.name);
    Some(Candidate { folder, language: language.to_owned(), name })
}
