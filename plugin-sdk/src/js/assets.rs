//! Assets that an app of another language serves: the build of a package.json beside it.

use super::{Package, install, manager, node_version};
use crate::{App, Assets, CopyFiles, Refusal, RunCommand, Stage, Step, workspace};

/// Plans the stage that builds assets. `None` means that there is no `scripts.build`, or that the build needs files
/// above the app's folder.
///
/// # Errors
/// Dependencies that cannot be installed.
pub fn assets(app: &App<'_>, package: &Package) -> Result<Option<Assets>, Refusal> {
    if package.script("build").is_none() {
        return Ok(None);
    }
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
    let clean = ["rm", "-rf", "node_modules"].map(str::to_owned).to_vec();
    let built = vec![step((install.run)("build")), step(clean)];
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
    let source = package.source(&["scripts", "build"]);
    Ok(Some(Assets { stages, output: install.home, source }))
}
