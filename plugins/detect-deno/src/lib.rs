//! Apps of Deno: their imports are fetched in the build, and nothing is fetched when they start.

use config::Config;
use windlass_plugin_sdk::{
    App, Detection, Found, Refusal, StageExt, StepExt, copy, copy_from, detector,
    js::Package,
    procfile, run, score, stage,
    versions::{self, Chain, Chosen, Grammar, Runtime},
    within,
};

mod config;
mod start;

/// Tags of images that stand for a major version: the registry has exact ones only.
const PINNED: [(&str, &str); 2] = [("1", "1.46.3"), ("2", "2.9.7")];

/// Folder of fetched modules.
const MODULES: &str = "/deno-dir";

/// Words of a source that only Deno understands.
const WORDS: [&str; 5] =
    ["Deno.", "from \"jsr:", "from \"npm:", "https://deno.land/", "https://esm.sh/"];

/// Detects an app of Deno.
pub fn detect(app: &App<'_>) -> Found {
    let config = Config::read(app, app.folder)?;
    let package = Package::read(app);
    if config.is_none() && !app.has("deno.lock") && !imports_deno(app) {
        return Ok(None);
    }
    let Some(start) = start::start(app, config.as_ref())? else {
        return not_started(app, config.as_ref());
    };
    let mut score = start.score;
    // Node's own start goes first where no task of Deno says another one.
    let has_node =
        package.is_ok_and(|package| package.is_some_and(|one| one.script("start").is_some()));
    let has_task = config.as_ref().is_some_and(|config| config.task("start").is_some());
    if has_node && !has_task {
        score = score.min(score::INFERRED);
    }
    let workspace = config::workspace(app)?;
    let context = workspace.as_deref().unwrap_or(app.folder).to_owned();
    let version = Chain::of(app, Runtime::Deno)
        .first(versions::file(app, ".dvmrc", Grammar::Npm)?)
        .first(versions::file(app, ".deno-version", Grammar::Npm)?)
        .choose()?;
    let tag = tag(&version);

    let mut detection = Detection::new("deno", score);
    detection.context.clone_from(&context);
    detection.tool("deno", &version);
    if tag != version.version {
        detection
            .because(format!("denoland/deno has exact tags only: {tag} for {}", version.version));
    }
    let manifest = config.as_ref().map_or(start.source.as_str(), |config| config.path.as_str());
    detection.decide("manager", "deno", manifest);
    detection.decide("start", start.argv.join(" "), &start.source);
    detection.decide("port", start.port.to_string(), &start.port_source);
    for line in &start.evidence {
        detection.because(line);
    }

    let lock = within(&context, "deno.lock");
    let is_locked = app.has_repo(&lock) && config.as_ref().is_none_or(Config::is_locked);
    if !is_locked {
        detection.warn(
            "deno.lock is not committed: versions of modules are those of the day",
            "run `deno install`, and commit deno.lock",
        );
    }
    let base = format!("denoland/deno:{tag}");
    let folder = app.folder.strip_prefix(context.as_str()).unwrap_or(app.folder);
    let workdir = within("/app", folder.trim_start_matches('/'));
    let workdir = workdir.trim_end_matches('/');
    let mut build = stage("build", &base).env("DENO_DIR", MODULES);
    if workdir != "/app" {
        build = build.workdir(workdir);
    }
    build = build.step(copy(&["."], "/app/").why("imports stand in the sources themselves"));
    if let Some(entry) = &start.entry {
        let is_first = version.version.split('.').next() == Some("1");
        let mut fetch = if is_first { vec!["deno", "cache"] } else { vec!["deno", "install"] };
        if is_locked && !is_first {
            fetch.push("--frozen");
        }
        if !is_first {
            fetch.push("--entrypoint");
        }
        fetch.push(entry);
        build = build.step(run(&fetch));
    } else {
        build = build.step(run(&["deno", "install"]));
    }
    if let Some((_, source)) = config.as_ref().and_then(|config| config.task("build")) {
        build = build.step(run(&["deno", "task", "build"]).why(&source));
        detection.decide("build", "deno task build", source);
    }
    // The folder is there even where nothing was fetched, so that it can be copied.
    build = build.step(run(&["mkdir", "-p", MODULES]));
    let mut serve = stage("run", &base).env("DENO_DIR", MODULES);
    if workdir != "/app" {
        serve = serve.workdir(workdir);
    }
    let serve = serve
        .step(copy_from("build", "/app/", "/app/"))
        .step(copy_from("build", "/deno-dir/", "/deno-dir/").owned());
    detection.image.env.extend(start.env);
    detection.image.env.push(("DENO_NO_UPDATE_CHECK".into(), "1".into()));
    detection.image.port = Some(start.port);
    detection.image.start = start.argv;
    detection.image.stages = vec![build, serve];
    detection.image.test_in = Some("build".into());
    procfile::apply(procfile::read(app)?, &mut detection);
    Ok(Some(detection))
}

/// Returns whether a file that starts an app has words of Deno.
fn imports_deno(app: &App<'_>) -> bool {
    app.matched.iter().any(|path| {
        let text = app.read(path).ok().flatten().map(|file| file.text).unwrap_or_default();
        WORDS.iter().any(|word| text.contains(word))
    })
}

/// Refuses what starts nothing, with the members of a workspace that do.
fn not_started(app: &App<'_>, config: Option<&Config>) -> Found {
    let Some(config) = config else { return Ok(None) };
    let candidates = config::candidates(app, config)?;
    let (score, hint) = if candidates.is_empty() {
        (score::TOOLS, "add a task: \"tasks\": { \"start\": \"deno run --allow-net main.ts\" }")
    } else {
        (score::INFERRED, "name one of the workspace's folders by --directory")
    };
    let reason = format!("{}: neither a task `start` nor a file that serves is there", config.path);
    let refusal: Refusal = app.refused("deno", score, reason, hint);
    Err(refusal.with_candidates(candidates))
}

/// Returns the image's tag of a version. The operator's own registry may have others.
fn tag(version: &Chosen) -> String {
    let text = &version.version;
    if versions::prefer(Runtime::Deno).as_ref() == Some(text) {
        return text.clone();
    }
    if let Some((_, exact)) = PINNED.iter().find(|(major, _)| major == text) {
        return (*exact).to_owned();
    }
    if text.split('.').count() == 2 { format!("{text}.0") } else { text.clone() }
}

detector!(detect, language = "deno");

#[cfg(test)]
mod tests;
