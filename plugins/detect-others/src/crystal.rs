//! Crystal by shards.

use crate::answer::{is_name, plan, refused, version};
use windlass_plugin_sdk::{
    App, Found, StageExt,
    read::{self, Node},
    score, shell, stage,
};

const LANGUAGE: &str = "crystal";

/// Returns the plan of the shard's target. `None` means that there is no `shard.yml`.
///
/// # Errors
/// The shard has no target, or several, none of which has the shard's name.
pub(crate) fn app(app: &App<'_>) -> Found {
    let Some(file) = app.read("shard.yml")? else { return Ok(None) };
    let manifest = read::yaml(&file)?;
    let targets = manifest.get("targets").map(Node::map).unwrap_or_default();
    let name = manifest.get("name").and_then(Node::text);
    let named = targets.iter().find(|(target, _)| Some(target.as_str()) == name);
    let target = match (targets, named) {
        ([one], _) | (_, Some(one)) => one,
        ([], None) => {
            return Err(refused(
                LANGUAGE,
                format!("{}: a library: it has no `targets`", file.path),
                "add `targets` with the program's main file",
            ));
        }
        (several, None) => {
            let names: Vec<_> = several.iter().map(|(target, _)| target.as_str()).collect();
            return Err(refused(
                LANGUAGE,
                format!(
                    "{}: nothing says which target is the app: {}",
                    file.path,
                    names.join(", ")
                ),
                "name one target as the shard",
            ));
        }
    };
    let (target, node) = target;
    if !is_name(target) {
        return Err(refused(
            LANGUAGE,
            format!("{}:{}: `{target}` is no name of a program", file.path, node.line),
            "use letters, digits, `-` and `_`",
        ));
    }
    let is_kemal = manifest.at(&["dependencies", "kemal"]).is_some();
    // Kemal reads its port from its arguments.
    let program = format!("/app/bin/{target}");
    let start = if is_kemal { shell(&format!("{program} --port $PORT")) } else { vec![program] };
    let band = if is_kemal { score::STARTED } else { score::INFERRED };
    let evidence = format!("{}:{} targets", file.path, node.line);
    let mut detection = plan(app, LANGUAGE, band, evidence, start);
    let (tag, source) = version(app, LANGUAGE, "crystal")?
        .unwrap_or_else(|| ("1".to_owned(), "default".to_owned()));
    detection.decide("crystal", tag.clone(), source);
    let lock = app.has("shard.lock").then_some("shard.lock");
    let files: Vec<_> = ["shard.yml"].into_iter().chain(lock).collect();
    let frozen: &[&str] =
        if lock.is_some() { &["--production"] } else { &["--without-development"] };
    let base = format!("crystallang/crystal:{tag}");
    let build = stage("build", base.clone())
        .copy(&files, "./")
        .run(&[&["shards", "install"][..], frozen].concat())
        .copy(&["."], "./")
        .run(&[&["shards", "build", target.as_str(), "--release"][..], frozen].concat());
    let mut last = stage("run", base)
        .why("the program links the libraries of the image that built it")
        .copy_from("build", &format!("/app/bin/{target}"), "./bin/");
    for folder in ["public", "views"] {
        if app.has_dir(folder) {
            last = last.copy_from("build", &format!("/app/{folder}"), &format!("./{folder}"));
        }
    }
    detection.image.stages = vec![build, last];
    Ok(Some(detection))
}
