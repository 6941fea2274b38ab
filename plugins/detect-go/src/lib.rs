//! Go modules: one static binary, in an image without the toolchain.

use windlass_plugin_sdk::{
    Detection, Error, ImagePlan, Toolchain, Tree, copy, copy_from, detector, invalid, run,
    run_cached, stage,
};

fn detect(repo: &Tree, _: Vec<String>) -> Result<Option<Detection>, Error> {
    let Some(module) = repo.read_text("go.mod", 1 << 16)? else { return Ok(None) };
    let mut evidence = vec!["go.mod: a Go module".to_owned()];
    let version = directive(&module, "go");
    let main = main_package(repo)?;
    evidence.push(format!("{main}: package main"));
    let package = match main.rsplit_once('/') {
        Some((folder, _)) => format!("./{folder}"),
        None => ".".into(),
    };
    let has_sums = repo.read_text("go.sum", 1 << 22)?.is_some();
    let sources: &[&str] = if has_sums { &["go.mod", "go.sum"] } else { &["go.mod"] };
    // Modules are a layer, not a cache mount: tests run in a container of this stage.
    let build = stage(
        "build",
        "golang:1-bookworm",
        vec![
            copy(sources, "./"),
            run(&["go", "mod", "download"]),
            copy(&["."], "."),
            run_cached(
                &["go", "build", "-trimpath", "-o", "/out/app", &package],
                &["/root/.cache/go-build"],
            ),
        ],
    );
    let mut build = build;
    build.env = vec![("CGO_ENABLED".into(), "0".into())];
    let serve =
        stage("run", "debian:bookworm-slim", vec![copy_from("build", "/out/app", "/app/app")]);
    Ok(Some(Detection {
        language: "go".into(),
        score: 80,
        toolchains: vec![Toolchain { name: "go".into(), version }],
        evidence,
        image: ImagePlan {
            stages: vec![build, serve],
            test_in: Some("build".into()),
            start: vec!["/app/app".into()],
            port: Some(8080),
            health: None,
            env: Vec::new(),
            user: 10001,
        },
        attrs: Vec::new(),
    }))
}

/// The value of a directive such as `go 1.24`.
fn directive(module: &str, name: &str) -> Option<String> {
    module.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        (words.next()? == name).then(|| words.next().map(str::to_owned)).flatten()
    })
}

/// The root, `cmd/NAME` when there is one, or the only main package anywhere.
fn main_package(repo: &Tree) -> Result<String, Error> {
    let mut found = Vec::new();
    for file in repo.glob("**/*.go", 500)? {
        if file.ends_with("_test.go") || file.starts_with("vendor/") {
            continue;
        }
        let text = repo.read_text(&file, 1 << 20)?.unwrap_or_default();
        if text.lines().any(|line| line.trim() == "package main") {
            found.push(file);
        }
    }
    let depth = |file: &String| (file.matches('/').count(), !file.ends_with("main.go"));
    found.sort_by_key(depth);
    let mut folders: Vec<_> =
        found.iter().map(|file| file.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
    folders.dedup();
    match (found.first(), folders.as_slice()) {
        (None, _) => Err(invalid(
            "go.mod is there, but no file says `package main`".into(),
            "a library cannot be deployed; name the app's folder in `source.directory`",
        )),
        (Some(file), [""] | [_]) => Ok(file.clone()),
        (Some(file), ["", ..]) => Ok(file.clone()),
        (_, folders) => Err(invalid(
            format!("several main packages: {}", folders.join(", ")),
            "commit a Dockerfile that builds the one you mean",
        )),
    }
}

detector!(detect);
