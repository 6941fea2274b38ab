//! Dart Frog: a server that its tool writes from the folder `routes`.

use crate::answer::{plan, runs_on_debian, version};
use windlass_plugin_sdk::{App, Detection, Refusal, StageExt, score, stage};

const LANGUAGE: &str = "dart";

/// Line that compiles the server that the tool has written.
const COMPILE: &str =
    "cd build && dart pub get && mkdir -p /out && dart compile exe bin/server.dart -o /out/server";

/// Returns the plan of the server, which reads `PORT`.
///
/// # Errors
/// The version of Dart that is asked for is no number.
pub(super) fn app(app: &App<'_>, evidence: String) -> Result<Detection, Refusal> {
    let start = vec!["/app/server".to_owned()];
    let mut detection = plan(app, LANGUAGE, score::FRAMEWORK, evidence, start);
    let (tag, source) = version(app, LANGUAGE, "dart")?
        .unwrap_or_else(|| ("stable".to_owned(), "default".to_owned()));
    detection.decide("dart", tag.clone(), source);
    let lock = app.has("pubspec.lock").then_some("pubspec.lock");
    let files: Vec<_> = ["pubspec.yaml"].into_iter().chain(lock).collect();
    let build = stage("build", format!("dart:{tag}"))
        .run(&["dart", "pub", "global", "activate", "dart_frog_cli"])
        .copy(&files, "./")
        .run(&["dart", "pub", "get"])
        .copy(&["."], "./")
        .run(&["dart", "pub", "global", "run", "dart_frog_cli:dart_frog", "build"])
        .run(&["sh", "-c", COMPILE]);
    let mut last = runs_on_debian(&[]).copy_from("build", "/out/server", "./");
    if app.has_dir("public") {
        last = last.copy_from("build", "/app/public", "./public");
    }
    detection.image.stages = vec![build, last];
    Ok(detection)
}

#[cfg(test)]
mod tests {
    use windlass_plugin_sdk::{testing::detect, tree};

    const MANIFEST: &str = include_str!("../../plugin.toml");

    #[test]
    fn the_tool_writes_the_server() {
        let files = tree! {
            "pubspec.yaml" => "name: web\ndependencies:\n  dart_frog: ^1.0.0\n",
            "routes/index.dart" => "",
        };
        let found = detect(crate::detect, MANIFEST, &files).plan();
        assert_eq!((found.score, found.start()), (90, "/app/server".into()));
        assert!(found.runs().iter().any(|line| line.ends_with("dart_frog build")));
    }
}
