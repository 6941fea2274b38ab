//! Node apps with a package.json: installed by npm, yarn, pnpm or bun, and served by Node.

use image::Parts;
use windlass_plugin_sdk::{
    App, Detection, Found, Refusal, Toolchain, detector,
    js::{self, Package},
    procfile, workspace,
};

mod below;
mod command;
mod delegate;
mod foreign;
mod image;
mod monorepo;
mod production;
mod said;
mod scripts;
mod start;
#[cfg(test)]
mod tests;
mod worker;

/// Plans the app of a package.json.
///
/// # Errors
/// An app that starts nothing, cannot be installed, or is started by a development server.
pub fn detect(app: &App<'_>) -> Found {
    let Some(package) = Package::read(app)? else { return Ok(None) };
    if js::bun::runs_on_bun(app, &package) {
        return Ok(None);
    }
    plan(app, &package).map(Some).map_err(|refusal| {
        // An app of another language may serve what this one builds.
        let assets = js::assets(app, &package).ok().flatten();
        refusal.with_assets(assets)
    })
}

fn plan(app: &App<'_>, package: &Package) -> Result<Detection, Refusal> {
    let workspace = workspace::js::above(app)?;
    let mut lines = procfile::read(app)?;
    let framework = js::framework(app, package)?;
    let mut start = match start::find(app, package, framework.as_ref(), &lines) {
        Ok(start) => start,
        Err(refusal) => {
            return Err(monorepo::refuse(app, package, workspace.as_ref()).unwrap_or(refusal));
        }
    };
    let web = lines.iter().any(|line| line.name == "web");
    for line in &mut lines {
        line.command = match line.name.as_str() {
            "web" => start.argv.clone(),
            _ => command::process(package, &line.command),
        };
        start.keeps = start.keeps.take().or_else(|| command::kept(package, &line.command));
    }
    // What the image starts without a `web` runs once, and not a second time as a worker.
    lines.retain(|line| web || line.command != start.argv);
    let band = start.score;
    let scored = |refusal: Refusal| match refusal.score {
        0 => refusal.of(command::LANGUAGE, band),
        _ => refusal,
    };
    let node = js::node_version(app, package).map_err(scored)?;
    let manager = js::manager(app, package, workspace.as_ref()).map_err(scored)?;
    let install = js::install(app, package, &manager, workspace.as_ref()).map_err(scored)?;
    if install.place != install.home && manager.kind != js::Kind::Pnpm {
        start.argv = command::hoisted(start.argv);
    }
    let mut detection = Detection::new(command::LANGUAGE, start.score);
    detection.context.clone_from(&install.context);
    detection.because(format!("{}: a Node app", package.file.path));
    detection.tool("node", &node);
    let version = manager.version.clone();
    detection.decide(
        manager.kind.program(),
        version.clone().or_else(|| manager.lock.clone()).unwrap_or_else(|| "no lock".into()),
        manager.source.clone(),
    );
    let tool = Toolchain { name: manager.kind.program().into(), version };
    detection.toolchains.push(tool);
    for (message, fix) in &manager.warnings {
        detection.warn(message.clone(), fix.clone());
    }
    if let Some(framework) = &framework {
        detection.decide("framework", framework.name, framework.source.clone());
    }
    for line in install.evidence.iter().chain(&start.evidence) {
        detection.because(line.clone());
    }
    detection.build_secrets.clone_from(&install.secrets);
    let parts = Parts {
        app,
        package,
        workspace: workspace.as_ref(),
        manager: &manager,
        install: &install,
        framework: framework.as_ref(),
        start: &start,
        base: format!("node:{}-slim", node.version),
        processes: lines.iter().any(|line| line.name != "web"),
    };
    image::fill(&mut detection, &parts);
    procfile::apply(lines, &mut detection);
    if !web {
        detection.decide("start", start.argv.join(" "), start.source.clone());
    }
    // Servers of frameworks read `PORT`, but for Nest's: its main.ts is the app's own.
    let reads = start.framework && framework.as_ref().is_some_and(|found| found.name != "NestJS");
    let port = if reads { None } else { js::port(app, command::file_of(&start.argv)) };
    if let Some((port, source)) = port {
        detection.warn(
            format!("{source}: listens on {port} alone, and not on the port that it is given"),
            "listen on `process.env.PORT`",
        );
        detection.decide("port", port.to_string(), source);
        detection.image.port = Some(port);
    }
    detection.image.start = start.argv;
    detection.assets = js::assets(app, package).ok().flatten();
    Ok(detection)
}

detector!(detect, language = "node");
