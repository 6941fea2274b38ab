//! Sites that a package's build script makes: single-page apps, and frameworks whose output is static.

use crate::{
    members, published,
    site::{LANGUAGE, STAGE, Site, below, refused},
    staticfile, webpack,
};
use windlass_plugin_sdk::{
    App, Detection, Found, Refusal, Stage, StageExt, Step,
    js::{self, Install, Output, Package},
    score, stage, workspace,
};

/// Working directory of stages that name none: the folder of the context's files.
const ROOT: &str = "/app";

/// Output of a build, as the framework or a file of the app says.
struct Built {
    framework: String,
    folder: String,
    fallback: Option<String>,
    not_found: Option<String>,
    immutable: Vec<String>,
    source: String,
    /// The framework's own build, for a package without a script of it.
    tool: Option<&'static [&'static str]>,
}

/// Returns the plan of the package's site. `None` means that the package makes none.
///
/// # Errors
/// The package makes a site, and its install or build cannot be planned.
pub(crate) fn site(app: &App<'_>) -> Found {
    // A package that cannot be read is the Node detector's to tell.
    let package = Package::read(app).map_err(|refusal| refusal.of(LANGUAGE, score::TOOLS))?;
    let Some(package) = package else { return Ok(None) };
    let Some(built) = built(app, &package)? else { return Ok(None) };
    // VitePress and VuePress propose the longer name.
    let mut names = vec!["build", "docs:build"];
    if built.framework == "Nuxt" {
        // Nuxt's build leaves a server, but where it generates.
        let generates = package.script("build").is_some_and(|line| line.contains("generate"));
        names.insert(usize::from(generates), "generate");
    }
    let script = names.into_iter().find(|name| package.script(name).is_some());
    if script.is_none() && built.tool.is_none() {
        return Err(refused(
            format!("package.json has no scripts.build, and {} has to be built", built.framework),
            "add `build` to the scripts of package.json",
        ));
    }
    plan(app, &package, script, built).map(Some)
}

fn built(app: &App<'_>, package: &Package) -> Result<Option<Built>, Refusal> {
    // A refusal of a server framework is not this detector's.
    let framework = js::framework(app, package).ok().flatten();
    if let Some(framework) = framework {
        let (tool, source) = (framework.build(), framework.source.clone());
        let Output::Static { folder, fallback, not_found, immutable } = framework.output else {
            return Ok(None);
        };
        let framework = framework.name.to_owned();
        let folder = below(&folder, &source)?;
        return Ok(Some(Built { framework, folder, fallback, not_found, immutable, source, tool }));
    }
    let of = |framework: &str, folder, fallback, source| Built {
        framework: framework.to_owned(),
        folder,
        fallback,
        not_found: None,
        immutable: Vec::new(),
        source,
        tool: None,
    };
    if package.script("build").is_some()
        && let Some(named) = staticfile::read(app)?
    {
        let fallback = named.is_routed.then(|| "index.html".to_owned());
        return Ok(Some(of("the site", named.root, fallback, named.source)));
    }
    let output = webpack::output(app, package)?;
    if let Some((folder, source)) = output {
        return Ok(Some(of("webpack", folder, Some("index.html".to_owned()), source)));
    }
    // A server that is beside the pages is the Node detector's: it scores higher.
    let named = if package.script("build").is_some() { published::read(app)? } else { None };
    Ok(named.map(|named| {
        let fallback = named.is_routed.then(|| "index.html".to_owned());
        of("the site", named.root, fallback, named.source)
    }))
}

fn plan(
    app: &App<'_>,
    package: &Package,
    script: Option<&str>,
    built: Built,
) -> Result<Detection, Refusal> {
    let workspace = workspace::js::above(app)?;
    let manager = js::manager(app, package, workspace.as_ref())?;
    let install = js::install(app, package, &manager, workspace.as_ref())?;
    let node = js::node_version(app, package)?;
    let site = Site {
        folder: format!("{}/{}", install.home, built.folder).trim_end_matches('/').to_owned(),
        is_built: true,
        has_index: built.fallback.is_some(),
        fallback: built.fallback,
        not_found: built.not_found,
        immutable: built.immutable,
    };
    let mut detection = site.plan(app);
    detection.context.clone_from(&install.context);
    detection.tool("node", &node);
    let version = manager.version.clone().or_else(|| manager.lock.clone());
    let version = version.unwrap_or_else(|| "no lock".to_owned());
    detection.decide(manager.kind.program(), version, manager.source.clone());
    detection.decide("framework", built.framework.clone(), built.source.clone());
    let tool = built.tool.unwrap_or_default();
    match script {
        Some(name) => {
            let line = package.script(name).unwrap_or_default();
            detection.decide("build", line, package.source(&["scripts", name]));
        }
        None => detection.decide("build", tool.join(" "), built.source.clone()),
    }
    detection.because(format!("{}: {} makes static files", built.source, built.framework));
    detection.evidence.extend(install.evidence.iter().cloned());
    for (message, fix) in &manager.warnings {
        detection.warn(message.clone(), fix.clone());
    }
    detection.build_secrets.clone_from(&install.secrets);
    let own = match script {
        Some(name) => (install.run)(name),
        None => install.exec(manager.kind, tool),
    };
    let script = script.unwrap_or_default();
    let builds = members::builds(app, package, script, own, &manager, &install, workspace.as_ref());
    detection.image.stages = stages(&node.version, install, &builds);
    Ok(detection)
}

/// Returns the stages that install and build. A stage has one working directory: a member of a workspace is built in
/// its own folder, after the install at the root.
fn stages(node: &str, install: Install, builds: &[Vec<String>]) -> Vec<Stage> {
    let copies = install.copies();
    let mut first = stage(STAGE, format!("node:{node}-slim"));
    for (name, value) in &install.env {
        first = first.env(name, value);
    }
    for step in install.setup {
        first = first.step(step);
    }
    let has_tree = copies.is_empty();
    for step in copies {
        first = first.step(step);
    }
    if has_tree {
        first = first.copy(&["."], "./");
    }
    let mut stages = install.stages;
    let mut own = vec![first];
    for (folder, step) in [(&install.place, Some(install.install)), (&install.home, None::<Step>)] {
        let last = own.last().and_then(|last| last.workdir.as_deref()).unwrap_or(ROOT);
        if last != folder {
            own.push(stage(STAGE, "").workdir(folder));
        }
        let Some(mut last) = own.pop() else { continue };
        if let Some(step) = step {
            last = last.step(step);
            if !has_tree {
                last = last.copy(&["."], if folder == ROOT { "./" } else { "/app/" });
            }
        } else {
            for command in builds {
                last = last.run(command);
            }
        }
        own.push(last);
    }
    // Each stage but the last is the base of the next.
    let count = own.len();
    let name = |index: usize| {
        if index + 1 == count { STAGE.to_owned() } else { format!("install-{index}") }
    };
    for (index, stage) in own.iter_mut().enumerate() {
        stage.name = name(index);
        if let Some(before) = index.checked_sub(1) {
            stage.base = name(before);
        }
    }
    stages.append(&mut own);
    stages
}
