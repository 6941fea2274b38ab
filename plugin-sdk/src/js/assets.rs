//! Assets that an app of another language serves: the build of a package.json beside it.

use super::{Package, install, manager, node_version};
use crate::{App, Assets, CopyFiles, Refusal, RunCommand, Stage, Step, workspace};

/// Scripts that build assets. Rails' `cssbundling-rails` builds its style sheets by a script of its own.
const SCRIPTS: [&str; 2] = ["build", "build:css"];

/// Scripts that build where none of those is there: Laravel Mix and Encore name them so.
const OTHERS: [&str; 4] = ["production", "prod", "build:production", "build:prod"];

/// Bundlers: one of [`OTHERS`] may start a server as well.
const BUNDLERS: [&str; 9] = [
    "encore",
    "esbuild",
    "gulp",
    "laravel-mix",
    "mix ",
    "parcel build",
    "rollup",
    "vite build",
    "webpack",
];

/// Returns the scripts to run: Heroku's own in place of the others, as Heroku does.
pub(super) fn scripts(package: &Package) -> Vec<&'static str> {
    if package.script("heroku-postbuild").is_some() {
        return vec!["heroku-postbuild"];
    }
    // `build` may run the other by itself.
    let is_within = |name: &str| {
        name != "build" && package.script("build").is_some_and(|script| script.contains(name))
    };
    let scripts = SCRIPTS.into_iter().filter(|name| package.script(name).is_some());
    let scripts: Vec<&str> = scripts.filter(|name| !is_within(name)).collect();
    if !scripts.is_empty() {
        return scripts;
    }
    let bundles = |name: &&&str| {
        let script = package.script(name).unwrap_or_default();
        let watches = ["watch", "serve", "node "].iter().any(|word| script.contains(word));
        !watches && BUNDLERS.iter().any(|tool| format!("{script} ").contains(tool))
    };
    OTHERS.iter().filter(bundles).take(1).copied().collect()
}

/// Plans the stage that builds assets. `None` means that there is no script for it, or that the build needs files
/// above the app's folder.
///
/// # Errors
/// Dependencies that cannot be installed.
pub fn assets(app: &App<'_>, package: &Package) -> Result<Option<Assets>, Refusal> {
    let scripts = scripts(package);
    let Some(first_script) = scripts.first() else { return Ok(None) };
    let workspace = workspace::js::above(app)?;
    let manager = manager(app, package, workspace.as_ref())?;
    let node = node_version(app, package)?;
    let install = install(app, package, &manager, workspace.as_ref())?;
    // The app of another language is built from its own folder.
    if install.context != app.folder {
        return Ok(None);
    }
    let tree = Step::Copy(CopyFiles {
        from: None,
        sources: vec![".".into()],
        dest: "/app/".into(),
        owned: false,
        why: None,
    });
    let step = |command: Vec<String>| {
        Step::Run(RunCommand { command, caches: Vec::new(), secrets: Vec::new(), why: None })
    };
    let mut steps = install.setup.clone();
    let copies = install.copies();
    let first = copies.is_empty();
    steps.extend(if first { vec![tree.clone()] } else { copies });
    steps.push(install.install.clone());
    if !first {
        steps.push(tree);
    }
    let clean: &[&str] = match first_script {
        // It installs the packages of folders below.
        &"heroku-postbuild" => {
            &["find", ".", "-name", "node_modules", "-prune", "-exec", "rm", "-rf", "{}", "+"]
        }
        _ => &["rm", "-rf", "node_modules"],
    };
    let clean = clean.iter().map(|&word| word.to_owned()).collect();
    let built = scripts.iter().map(|name| step((install.run)(name))).chain([step(clean)]);
    let mut stages = install.stages.clone();
    steps.extend(built);
    stages.push(Stage {
        name: "node".into(),
        base: format!("node:{}-slim", node.version),
        workdir: None,
        env: install.env.clone(),
        packages: Vec::new(),
        steps,
        why: Some("assets, which the app serves".into()),
    });
    let source = package.source(&["scripts", first_script]);
    Ok(Some(Assets { stages, output: install.home, source }))
}

#[cfg(test)]
mod tests {
    use super::{Package, assets};
    use crate::{Step, tree};

    #[test]
    fn style_sheets_of_a_script_of_their_own_are_built() {
        let runs = |scripts: &str| {
            let files = tree! { "package.json" => &*format!("{{ \"scripts\": {{ {scripts} }} }}") };
            files.run(&[], |app| {
                let package = Package::read(app).unwrap().unwrap();
                let stage = assets(app, &package).unwrap()?.stages.pop()?;
                let steps = stage.steps.into_iter().filter_map(|step| match step {
                    Step::Run(run) => run.command.last().cloned(),
                    _ => None,
                });
                Some(steps.filter(|word| word.starts_with("build")).collect::<Vec<_>>())
            })
        };
        let js = "\"build\": \"esbuild\"";
        let css = "\"build:css\": \"sass\"";
        assert_eq!(runs(&format!("{js}, {css}")), Some(vec!["build".into(), "build:css".into()]));
        assert_eq!(runs(css), Some(vec!["build:css".to_owned()]));
        assert_eq!(
            runs("\"build\": \"npm run build:css\", \"build:css\": \"sass\""),
            Some(vec!["build".to_owned()])
        );
        assert_eq!(runs("\"test\": \"x\""), None);
        let other = |scripts: &str| {
            let files = tree! { "package.json" => &*format!("{{ \"scripts\": {{ {scripts} }} }}") };
            files.run(&[], |app| super::scripts(&Package::read(app).unwrap().unwrap()))
        };
        let mix = "\"dev\": \"mix\", \"prod\": \"npm run production\", \"production\": \"mix --production\"";
        assert_eq!(other(mix), ["production"]);
        assert!(other("\"prod\": \"node server.js\"").is_empty());
        assert_eq!(other(&format!("{js}, \"heroku-postbuild\": \"a\"")), ["heroku-postbuild"]);
    }
}
