//! Apps that run on Bun. What Bun only installs is Node's.

use start::Start;
use windlass_plugin_sdk::{
    App, BuildSecret, Detection, Found, Refusal, Stage, StageExt, StepExt, assets, copy, copy_from,
    detector,
    js::{self, Kind, Output, Package, bun::runs_on_bun},
    procfile,
    read::Node,
    run, score, stage,
    versions::{self, Asked, Chain, Chosen, Grammar, Runtime},
    within, workspace,
};

mod start;

/// Folder of packages that outlive a build.
const CACHE: &str = "/root/.bun/install/cache";

/// Scripts that an install runs, and that want development dependencies.
const SCRIPTS: [&str; 4] = ["preinstall", "install", "postinstall", "prepare"];

/// Detects an app of Bun.
pub fn detect(app: &App<'_>) -> Found {
    let Some(package) = Package::read(app)? else { return Ok(None) };
    if !runs_on_bun(app, &package) && !app.named {
        return Ok(None);
    }
    let framework = js::framework(app, &package)?;
    let starts_bun =
        package.script("start").is_some_and(|script| js::bun::is_of_bun(&package, script));
    if !starts_bun
        && let Some(framework) = &framework
        && matches!(framework.output, Output::Static { .. })
    {
        let reason =
            format!("{}: builds static files only; `static` serves them", framework.source);
        let refusal =
            app.refused("bun", score::STATIC, reason, "take `static` among the detectors");
        return Err(refusal.with_assets(js::assets(app, &package)?));
    }
    let workspace = workspace::js::above(app)?;
    let manager = js::manager(app, &package, workspace.as_ref())?;
    let install = js::install(app, &package, &manager, workspace.as_ref())?;
    let is_built = package.script("build").is_some();
    let start = start::start(app, &package, framework.as_ref(), is_built)?;
    let version = version(app, &package)?;

    let mut detection = Detection::new("bun", start.score);
    detection.context.clone_from(&install.context);
    detection.tool("bun", &version);
    let is_own = matches!(manager.kind, Kind::Bun);
    let source = if is_own { manager.source.as_str() } else { package.file.path.as_str() };
    detection.decide("manager", "bun", source);
    detection.decide("start", start.argv.join(" "), &start.source);
    for line in &install.evidence {
        detection.because(line);
    }
    let lock = manager.lock.as_ref().filter(|_| is_own);
    let has_packages = ["dependencies", "devDependencies", "optionalDependencies", "workspaces"]
        .iter()
        .any(|key| package.json.get(key).is_some());
    if lock.is_none() && has_packages {
        detection.warn(
            "bun.lock is not committed: versions of packages are those of the day",
            "run `bun install`, and commit bun.lock",
        );
    }
    let base = format!("oven/bun:{}-slim", version.version);
    let folder = app.folder.strip_prefix(install.context.as_str()).unwrap_or(app.folder);
    let folder = folder.trim_start_matches('/');

    let secrets: Vec<&str> = install.secrets.iter().map(secret_name).collect();
    let mut build = stage("build", &base);
    if has_packages {
        // Another manager's list of files lacks those of Bun.
        let sources = if is_own { install.copies() } else { vec![copy(&["."], ".")] };
        build.steps.extend(sources);
        let mut argv = vec!["bun", "install"];
        if lock.is_some() {
            argv.push("--frozen-lockfile");
        }
        build = build.step(run(&argv).cached(&[CACHE]).secrets(&secrets));
    }
    build = build.step(copy(&["."], ".")).step(assets());
    if is_built {
        let mut argv = vec!["bun", "run"];
        let cwd = format!("--cwd={folder}");
        if !folder.is_empty() {
            argv.push(&cwd);
        }
        argv.push("build");
        build = build.step(run(&argv));
        detection.decide("build", "bun run build", package.source(&["scripts", "build"]));
    }
    let mut stages = vec![build];
    if has_packages {
        stages.extend(prune(&package, lock.is_some(), &secrets, &mut detection));
    }
    let from = if stages.len() > 1 { "prune" } else { "build" };
    let serve = stage("run", &base).env("NODE_ENV", "production");
    let serve = if folder.is_empty() { serve } else { serve.workdir(within("/app", folder)) };
    stages.push(serve.step(copy_from(from, "/app/", "/app/")));

    let (port, port_source) = start::port(app, &start);
    detection.decide("port", port.to_string(), port_source);
    let Start { argv, env, .. } = start;
    detection.image.env.extend(env);
    detection.image.start = argv;
    detection.image.port = Some(port);
    detection.image.stages = stages;
    detection.image.test_in = Some("build".into());
    for (message, fix) in manager.warnings {
        if is_own {
            detection.warn(message, fix);
        }
    }
    detection.build_secrets = install.secrets;
    procfile::apply(procfile::read(app)?, &mut detection);
    Ok(Some(detection))
}

fn secret_name(secret: &BuildSecret) -> &str {
    &secret.variable
}

/// Returns the stage without development dependencies. `None` where a script of the install may want them.
fn prune(
    package: &Package,
    is_locked: bool,
    secrets: &[&str],
    detection: &mut Detection,
) -> Option<Stage> {
    if let Some(name) = SCRIPTS.into_iter().find(|name| package.script(name).is_some()) {
        let source = package.source(&["scripts", name]);
        detection.because(format!("{source}: may want development dependencies, which are kept"));
        return None;
    }
    if package.any_dependency("prisma").is_some()
        || package.any_dependency("@prisma/client").is_some()
    {
        detection.because("prisma writes into node_modules, which is kept as it is");
        return None;
    }
    let remove = ["find", ".", "-name", "node_modules", "-prune", "-exec", "rm", "-rf", "{}", "+"];
    let mut argv = vec!["bun", "install", "--production"];
    if is_locked {
        argv.push("--frozen-lockfile");
    }
    let install = run(&argv).cached(&[CACHE]).secrets(secrets);
    Some(stage("prune", "build").step(run(&remove)).step(install))
}

/// Returns the release of Bun that the app asks for.
fn version(app: &App<'_>, package: &Package) -> Result<Chosen, Refusal> {
    let asked = |path: &[&str], text: &str| Asked {
        text: text.to_owned(),
        source: package.source(path),
        grammar: Grammar::Npm,
    };
    let manager = package.json.get("packageManager").and_then(Node::text);
    let manager = manager.and_then(|text| text.strip_prefix("bun@"));
    let manager = manager.map(|text| text.split('+').next().unwrap_or_default());
    let engines = package.json.at(&["engines", "bun"]).and_then(Node::text);
    Chain::of(app, Runtime::Bun)
        .first(manager.map(|text| asked(&["packageManager"], text)))
        .first(versions::file(app, ".bun-version", Grammar::Npm)?)
        .then(engines.map(|text| asked(&["engines", "bun"], text)))
        .choose()
}

detector!(detect, language = "bun");

#[cfg(test)]
mod tests;
