//! Node apps with a package.json, built with npm.

use install::Install;
use serde_json::Value;
use windlass_plugin_sdk::{
    Detection, Error, ImagePlan, Toolchain, Tree, copy, copy_from, detector, exists, invalid, run,
    run_cached, stage,
};

mod install;

/// Version of Node where package.json asks for none.
const VERSION: &str = "22";

fn detect(repo: &Tree, _: Vec<String>) -> Result<Option<Detection>, Error> {
    let Some(text) = repo.read_text("package.json", 1 << 18)? else { return Ok(None) };
    let manifest: Value = serde_json::from_str(&text).map_err(|error| {
        invalid(format!("package.json: {error}"), "correct it and commit again")
    })?;
    let mut evidence = vec!["package.json: a Node app".to_owned()];
    let script = |name: &str| manifest["scripts"][name].as_str();
    let version = match manifest["engines"]["node"].as_str().and_then(major) {
        Some(version) => {
            evidence.push(format!("package.json: engines.node asks for {version}"));
            version
        }
        None => VERSION.into(),
    };
    let start = start(repo, &manifest, &mut evidence)?;
    let Install { sources, command, evidence: why } =
        Install::plan(&manifest, |path| exists(repo, path))?;
    evidence.extend(why);
    let cache = ["/root/.npm"];
    let base = format!("node:{version}-slim");
    let mut steps = match &*sources {
        [] => vec![copy(&["."], "."), run_cached(&command, &cache)],
        first => vec![copy(first, "./"), run_cached(&command, &cache), copy(&["."], ".")],
    };
    if script("build").is_some() {
        evidence.push("package.json: scripts.build".into());
        steps.push(run(&["npm", "run", "build"]));
    }
    let build = stage("build", &base, steps);
    let prune = stage("prune", "build", vec![run_cached(&["npm", "prune", "--omit=dev"], &cache)]);
    let serve = stage("run", &base, vec![copy_from("prune", "/app", "/app")]);
    Ok(Some(Detection {
        language: "node".into(),
        // A file of a usual name may be a tool's, too.
        score: if script("start").is_some() { 80 } else { 70 },
        toolchains: vec![Toolchain { name: "node".into(), version: Some(version) }],
        evidence,
        image: ImagePlan {
            stages: vec![build, prune, serve],
            test_in: Some("build".into()),
            start,
            port: Some(8080),
            health: None,
            env: vec![("NODE_ENV".into(), "production".into())],
            user: 10001,
        },
        attrs: Vec::new(),
    }))
}

/// Reads the major version: `22` of `>=22`, `^22.1.0`, `22.x`.
fn major(range: &str) -> Option<String> {
    let digits = range.trim_start_matches(|c: char| !c.is_ascii_digit());
    let number: String = digits.chars().take_while(char::is_ascii_digit).collect();
    (!number.is_empty()).then_some(number)
}

/// Returns the command that starts the app: `scripts.start`, by npm unless the script is a plain `node FILE`, else
/// `main`, else a file with a usual name. Npm as the first process would swallow the signal that ends a pod.
fn start(repo: &Tree, manifest: &Value, evidence: &mut Vec<String>) -> Result<Vec<String>, Error> {
    if let Some(script) = manifest["scripts"]["start"].as_str() {
        evidence.push(format!("package.json: scripts.start is `{script}`"));
        let argv: Vec<String> = script.split_whitespace().map(str::to_owned).collect();
        let plain = argv.first().is_some_and(|first| first == "node")
            && !script.contains(['$', '&', '|', ';', '"', '\'', '>', '<', '`', '(', '*']);
        return Ok(if plain { argv } else { ["npm", "start"].map(str::to_owned).to_vec() });
    }
    let named = manifest["main"].as_str().into_iter().chain(["server.js", "index.js", "app.js"]);
    for file in named {
        if repo.read_text(file, 1 << 22)?.is_some() {
            evidence.push(format!("{file}: the start script"));
            return Ok(vec!["node".into(), file.into()]);
        }
    }
    Err(invalid(
        "a Node app, but nothing says how to start it".into(),
        "add `scripts.start` to package.json",
    ))
}

detector!(detect);
