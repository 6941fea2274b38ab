//! Dart servers, compiled ahead of time.

use crate::answer::{is_name, plan, refused, runs_on_debian, version};
use windlass_plugin_sdk::{
    App, Found, StageExt,
    read::{self, Node},
    score, stage,
};

const LANGUAGE: &str = "dart";

mod frog;

/// Returns the plan of the package's server. `None` means that there is no `pubspec.yaml`.
///
/// # Errors
/// The package is an app of Flutter, or has no program in `bin/`.
pub(crate) fn app(app: &App<'_>) -> Found {
    let Some(file) = app.read("pubspec.yaml")? else { return Ok(None) };
    let manifest = read::yaml(&file)?;
    if let Some(flutter) = manifest.at(&["dependencies", "flutter"]) {
        return Err(refused(
            LANGUAGE,
            format!("{}:{}: Flutter is not built by a detector", file.path, flutter.line),
            "commit a Dockerfile that runs `flutter build web` and serves `build/web`",
        ));
    }
    if let Some(frog) = manifest.at(&["dependencies", "dart_frog"]) {
        let evidence = format!("{}:{} dependencies.dart_frog", file.path, frog.line);
        return frog::app(app, evidence).map(Some);
    }
    let name = manifest.get("name").and_then(Node::text).filter(|name| is_name(name));
    let mut programs = ["bin/server.dart".to_owned(), "bin/main.dart".to_owned()]
        .into_iter()
        .chain(name.map(|name| format!("bin/{name}.dart")));
    let Some(program) = programs.find(|program| app.has(program)) else {
        return Err(refused(
            LANGUAGE,
            format!("{}: no program: bin/server.dart and bin/main.dart are not there", file.path),
            "write the server's `main` in bin/server.dart",
        ));
    };
    let evidence = format!("{}: the program", app.at(&program));
    let start = vec!["/app/server".to_owned()];
    let mut detection = plan(app, LANGUAGE, score::INFERRED, evidence, start);
    let (tag, source) = version(app, LANGUAGE, "dart")?
        .unwrap_or_else(|| ("stable".to_owned(), "default".to_owned()));
    detection.decide("dart", tag.clone(), source);
    let lock = app.has("pubspec.lock").then_some("pubspec.lock");
    let files: Vec<_> = ["pubspec.yaml"].into_iter().chain(lock).collect();
    let build = stage("build", format!("dart:{tag}"))
        .copy(&files, "./")
        .run(&["dart", "pub", "get"])
        .copy(&["."], "./")
        .run(&["dart", "pub", "get", "--offline"])
        .run(&["mkdir", "/out"])
        .run(&["dart", "compile", "exe", program.as_str(), "-o", "/out/server"]);
    let mut last = runs_on_debian(&[]).copy_from("build", "/out/server", "./");
    for folder in ["public", "web", "static", "assets"] {
        if app.has_dir(folder) {
            last = last.copy_from("build", &format!("/app/{folder}"), &format!("./{folder}"));
        }
    }
    detection.image.stages = vec![build, last];
    Ok(Some(detection))
}
