//! Angular: project, builder and output are in angular.json.

use super::output::{Framework, client, folder, of, server};
use crate::{
    App, Refusal,
    js::Package,
    read::{self, Node},
};

pub(super) fn angular(app: &App<'_>, package: &Package) -> Result<Option<Framework>, Refusal> {
    if package.any_dependency("@angular/core").is_none() {
        return Ok(None);
    }
    let Some(file) = app.read("angular.json")? else { return Ok(None) };
    let json = read::jsonc(&file)?;
    let Some((name, project)) = project(&json) else {
        let reason = format!("{}:1: no project is an application", file.path);
        return Err(Refusal::new(reason, "run `ng generate application`").of("node", 0));
    };
    let target = ["architect", "targets"].into_iter().find_map(|key| project.at(&[key, "build"]));
    let builder = target.and_then(|node| node.get("builder")).and_then(Node::text);
    let options = target.and_then(|node| node.get("options"));
    let path = options.and_then(|node| node.get("outputPath"));
    let said = path.and_then(|node| node.text().or_else(|| node.get("base")?.text()));
    let base = said.and_then(folder).unwrap_or_else(|| format!("dist/{name}"));
    // The builder of Angular 17 and later divides its output.
    let divides = builder.is_some_and(|builder| builder.ends_with(":application"));
    let renders = divides && package.any_dependency("@angular/ssr").is_some();
    let serves =
        options.and_then(|node| node.get("ssr")).is_some_and(|node| node.bool() != Some(false));
    if renders && serves {
        let entry = format!("{base}/server/server.mjs");
        return Ok(of(package, "@angular/ssr", "Angular", server(&["node", &entry])));
    }
    let browser = path.and_then(|node| node.get("browser")).and_then(Node::text);
    let output = match (divides, browser) {
        (true, Some("")) => base,
        (true, Some(browser)) => format!("{base}/{browser}"),
        (true, None) => format!("{base}/browser"),
        (false, _) => base,
    };
    Ok(of(package, "@angular/core", "Angular", client(output, &[])))
}

/// Returns the default project, else the first application.
fn project(json: &Node) -> Option<(&str, &Node)> {
    let projects = json.get("projects")?.map();
    let named = json.get("defaultProject").and_then(Node::text);
    let is_application =
        |node: &Node| !matches!(node.get("projectType").and_then(Node::text), Some("library"));
    let wanted = projects.iter().find(|(name, _)| Some(name.as_str()) == named);
    let first = || projects.iter().find(|(_, node)| is_application(node));
    wanted.or_else(first).map(|(name, node)| (name.as_str(), node))
}
