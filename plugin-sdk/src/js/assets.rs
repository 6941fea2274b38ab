//! Assets that an app of another language serves: the build of a package.json beside it.

use super::{Package, install, manager, node_version};
use crate::{App, Assets, CopyFiles, Refusal, RunCommand, Stage, Step, workspace};

/// Plans the stage that builds assets. `None` means that there is no `scripts.build`.
///
/// # Errors
/// What cannot be installed.
pub fn assets(app: &App<'_>, package: &Package) -> Result<Option<Assets>, Refusal> {
    if package.script("build").is_none() {
        return Ok(None);
    }
    let workspace = workspace::js::above(app)?;
    let manager = manager(app, package, workspace.as_ref())?;
    let node = node_version(app, package)?;
    let install = install(app, package, &manager, workspace.as_ref())?;
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
    let mut built = Vec::new();
    built.push(step((install.run)("build")));
    built.push(step(["rm", "-rf", "node_modules"].map(str::to_owned).to_vec()));
    let mut stages = install.stages.clone();
    let stage = |name: &str, base: String, workdir: &str, steps: Vec<Step>| Stage {
        name: name.to_owned(),
        base,
        workdir: (workdir != "/app").then(|| workdir.to_owned()),
        env: install.env.clone(),
        packages: Vec::new(),
        steps,
        why: Some("assets".into()),
    };
    let base = format!("node:{}-slim", node.version);
    if install.place == install.home {
        steps.extend(built);
        stages.push(stage("node", base, &install.place, steps));
    } else {
        // A workspace is installed at its root, and a member built in its folder.
        stages.push(stage("node-install", base, &install.place, steps));
        stages.push(stage("node", "node-install".into(), &install.home, built));
    }
    let source = package.source(&["scripts", "build"]);
    Ok(Some(Assets { stages, output: install.home, source }))
}
