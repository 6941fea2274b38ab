//! Sites that a package's build script makes: single-page apps, and frameworks whose output is static.

use crate::{
    site::{LANGUAGE, STAGE, Site, below, in_stage, refused},
    staticfile, webpack,
};
use windlass_plugin_sdk::{
    App, Detection, EntryKind, Found, Refusal, Stage, StageExt,
    js::{self, Install, Kind, Manager, Output, Package},
    score, stage, workspace,
};

/// Output of a build, as the framework or a file of the app says.
struct Built {
    framework: String,
    folder: String,
    fallback: Option<String>,
    not_found: Option<String>,
    immutable: Vec<String>,
    source: String,
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
    if package.script("build").is_none() {
        return Err(refused(
            format!("package.json has no scripts.build, and {} has to be built", built.framework),
            "add `build` to the scripts of package.json",
        ));
    }
    plan(app, &package, built).map(Some).map_err(own)
}

/// Gives this detector's language to a refusal of the parts that all detectors of packages share.
fn own(refusal: Refusal) -> Refusal {
    refusal.of(LANGUAGE, score::STATIC)
}

fn built(app: &App<'_>, package: &Package) -> Result<Option<Built>, Refusal> {
    // A refusal of a server framework is not this detector's.
    let framework = js::framework(app, package).ok().flatten();
    if let Some(framework) = framework {
        let Output::Static { folder, fallback, not_found, immutable } = framework.output else {
            return Ok(None);
        };
        let folder = below(&folder, &framework.source)?;
        let (framework, source) = (framework.name.to_owned(), framework.source);
        return Ok(Some(Built { framework, folder, fallback, not_found, immutable, source }));
    }
    let of = |framework: &str, folder, fallback, source| Built {
        framework: framework.to_owned(),
        folder,
        fallback,
        not_found: None,
        immutable: Vec::new(),
        source,
    };
    if package.script("build").is_some()
        && let Some(named) = staticfile::read(app)?
    {
        let fallback = named.is_routed.then(|| "index.html".to_owned());
        return Ok(Some(of("the site", named.root, fallback, named.source)));
    }
    let output = webpack::output(app, package)?;
    Ok(output.map(|(folder, source)| of("webpack", folder, Some("index.html".to_owned()), source)))
}

fn plan(app: &App<'_>, package: &Package, built: Built) -> Result<Detection, Refusal> {
    let workspace = workspace::js::above(app)?;
    let manager = js::manager(app, package, workspace.as_ref())?;
    let install = js::install(app, package, &manager, workspace.as_ref())?;
    let node = js::node_version(app, package)?;
    let inside = inside(&install.context, app.folder).to_owned();
    let site = Site {
        folder: in_stage(format!("{inside}/{}", built.folder).trim_matches('/')),
        is_built: true,
        has_index: built.fallback.is_some(),
        fallback: built.fallback,
        not_found: built.not_found,
        immutable: built.immutable,
    };
    let mut detection = site.plan(app);
    detection.context.clone_from(&install.context);
    detection.tool("node", &node);
    let version = manager.version.clone().unwrap_or_default();
    let manager_name = format!("{} {version}", manager.kind.program());
    detection.decide("manager", manager_name.trim(), manager.source.clone());
    detection.decide("framework", built.framework.clone(), built.source.clone());
    detection.decide(
        "build",
        package.script("build").unwrap_or_default(),
        package.source(&["scripts", "build"]),
    );
    detection.because(format!("{}: {} makes static files", built.source, built.framework));
    detection.evidence.extend(install.evidence.iter().cloned());
    for (message, fix) in &manager.warnings {
        detection.warn(message.clone(), fix.clone());
    }
    detection.build_secrets.clone_from(&install.secrets);
    detection.image.stages = stages(app, &node.version, &manager, install, &inside)?;
    Ok(detection)
}

/// Returns the stages that install and build. In a workspace the site is built in the member's own folder.
fn stages(
    app: &App<'_>,
    node: &str,
    manager: &Manager,
    install: Install,
    inside: &str,
) -> Result<Vec<Stage>, Refusal> {
    let mut stages = Vec::new();
    let is_member = !inside.is_empty();
    let name = if is_member { "install" } else { STAGE };
    let mut first = stage(name, format!("node:{node}-slim"));
    if manager.kind == Kind::Bun {
        let tag = manager.version.as_deref().unwrap_or("1");
        stages.push(stage("bun", format!("oven/bun:{tag}-slim")));
        first = first.copy_from("bun", "/usr/local/bin/bun", "/usr/local/bin/bun");
    }
    for step in install.setup {
        first = first.step(step);
    }
    for (sources, folder) in grouped(app, &install.context, &install.sources)? {
        let sources: Vec<_> = sources.iter().map(String::as_str).collect();
        first = first.copy(&sources, &folder);
    }
    if install.sources.is_empty() {
        first = first.copy(&["."], "./");
    }
    first = first.step(install.install);
    if !install.sources.is_empty() {
        first = first.copy(&["."], "./");
    }
    let script = (install.run)("build");
    let script: Vec<_> = script.iter().map(String::as_str).collect();
    if is_member {
        stages.push(first);
        stages.push(stage(STAGE, name).workdir(&in_stage(inside)).run(&script));
    } else {
        stages.push(first.run(&script));
    }
    Ok(stages)
}

/// Returns the sources by the folder that they are copied to, so that each keeps its place. COPY puts the content of
/// a folder, and not the folder itself, into its destination.
fn grouped(
    app: &App<'_>,
    context: &str,
    sources: &[String],
) -> Result<Vec<(Vec<String>, String)>, Refusal> {
    let mut groups: Vec<(Vec<String>, String)> = Vec::new();
    for source in sources {
        let path = format!("{context}/{source}");
        let is_folder = app
            .repo
            .stat(path.trim_start_matches('/'))?
            .is_some_and(|entry| entry.kind == EntryKind::Dir);
        let folder = match source.rsplit_once('/') {
            _ if is_folder => format!("./{source}/"),
            Some((parent, _)) => format!("./{parent}/"),
            None => "./".to_owned(),
        };
        match groups.iter_mut().find(|(_, own)| *own == folder) {
            Some((files, _)) if !is_folder => files.push(source.clone()),
            _ => groups.push((vec![source.clone()], folder)),
        }
    }
    Ok(groups)
}

/// Returns the app's folder below the context.
fn inside<'a>(context: &str, folder: &'a str) -> &'a str {
    if context.is_empty() {
        return folder;
    }
    folder.strip_prefix(context).unwrap_or_default().trim_start_matches('/')
}
