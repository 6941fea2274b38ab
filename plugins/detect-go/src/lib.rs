//! Go modules: one static binary, in an image without the toolchain.

use compile::compile;
use layout::Layout;
use program::Places;
use windlass_plugin_sdk::{
    App, Candidate, Detection, Found, Refusal, StageExt, Step, StepExt, assets, copy, detector,
    procfile, run, score, stage,
};

mod alone;
mod beside;
mod cgo;
mod compile;
mod layout;
mod packages;
mod port;
mod process;
mod program;
mod search;
mod source;
mod templ;
mod version;
mod web;

/// Finds the program of the app's module, or of the workspace, and plans its build.
///
/// # Errors
/// Go cannot build the tree, or nothing says which of several programs is meant.
pub fn detect(app: &App<'_>) -> Found {
    let Some(layout) = layout::of(app)? else {
        let alone = alone::program(app)?;
        return if alone.is_some() { Ok(alone) } else { without_module(app) };
    };
    let lines: Vec<_> = procfile::read(app)?.into_iter().map(process::direct).collect();
    let wanted = lines.iter().find(|line| line.name == "web").and_then(process::program);
    let found = search::search(app, &layout);
    let places = Places {
        files: &found.files,
        modules: &found.modules,
        built: &found.built,
        names: &found.names,
        wanted: wanted.as_deref(),
    };
    let program = match places.program(|file| search::text(app, file)) {
        Ok(program) => program,
        // A folder of a module is no app of its own because it holds a library.
        Err(program::Miss::None(_)) if layout.module != app.folder && !app.named => {
            return Ok(None);
        }
        Err(miss) => return Err(refused(app, &layout, miss)),
    };
    let chosen = version::chosen(app, &layout)?;
    let reached = packages::reached(&program.folder, &found, |file| search::text(app, file));
    let cgo = cgo::of(&layout, &reached);
    let mut detection =
        Detection::new("go", if program.is_named { score::STARTED } else { score::INFERRED });
    detection.context.clone_from(&layout.context);
    detection.tool("go", &chosen);
    detection.evidence.extend(layout.evidence.iter().cloned());
    detection.evidence.extend(program.evidence.iter().cloned());
    if let Some(cut) = found.cut() {
        detection.because(cut);
    }
    if layout.lacks_sums() {
        detection.warn(
            "go.sum is not committed: nothing says what modules must hold",
            "run `go mod tidy`, and commit go.sum",
        );
    }
    let beside = beside::folders(app, &reached);
    let (lines, more) = process::built(lines, &program, &layout);
    let mut build = stage("build", version::image(&chosen.version))
        .env("CGO_ENABLED", if cgo.is_some() { "1" } else { "0" });
    let inside = layout.inside(app.folder).to_owned();
    if !inside.is_empty() {
        build = build.workdir(&format!("/app/{inside}"));
    }
    if layout.is_apart {
        build = build.env("GOWORK", "off");
    }
    for step in install(app, &layout, &inside) {
        build = build.step(step);
    }
    let mut stages = Vec::new();
    if let Some(web) = web::web(app, &layout, &reached)? {
        detection.because(web.evidence);
        stages = web.stages;
        build = build.step(web.step);
    }
    if !reached.embeds.is_empty() || !beside.is_empty() {
        build = build.step(assets());
    }
    if let Some((step, evidence)) = templ::generate(app, &layout) {
        detection.because(evidence);
        build = build.step(step);
    }
    build = build.step(compile("app", &program.package));
    for (name, package) in &more {
        build = build.step(compile(name, package));
    }
    let mut packages = vec!["ca-certificates", "tzdata"];
    if let Some(cgo) = &cgo {
        detection.because(cgo.source.clone());
        packages.extend(cgo.run);
        if !cgo.build.is_empty() {
            build = build.packages(cgo.build);
        }
    }
    let mut serve = stage("run", "debian:bookworm-slim")
        .packages(&packages)
        .copy_from("build", "/out/app", "/app/app");
    for (name, _) in &more {
        serve = serve.copy_from("build", &format!("/out/{name}"), &format!("/app/{name}"));
    }
    let root = if inside.is_empty() { "/app".to_owned() } else { format!("/app/{inside}") };
    for folder in &beside {
        detection.because(format!("{folder}/: files that the program may read, put beside it"));
        serve = serve.copy_from("build", &format!("{root}/{folder}"), &format!("/app/{folder}"));
    }
    if let Some((line, _)) = layout.requires("github.com/gin-gonic/gin") {
        detection.because(format!("go.mod:{line}: Gin, without its debug mode"));
        detection.image.env.push(("GIN_MODE".into(), "release".into()));
    }
    stages.extend([build, serve]);
    detection.image.stages = stages;
    detection.image.test_in = Some("build".into());
    detection.image.start = vec!["/app/app".into()];
    procfile::apply(lines, &mut detection);
    let port = port::written(&program.folder, &program.others, &found.files, |file| {
        search::text(app, file)
    });
    let is_told = detection.image.start.iter().any(|word| word.contains("PORT"));
    if let Some(port) = port.filter(|_| !is_told) {
        detection.image.port = Some(port.number);
        detection.decide("port", port.number.to_string(), port.source.clone());
        if port.is_loopback {
            detection.warn(
                format!("{}: the loopback address is out of the service's reach", port.source),
                "listen at 0.0.0.0",
            );
        }
    }
    Ok(Some(detection))
}

/// Returns the steps until all files are there, and all modules are downloaded.
fn install(app: &App<'_>, layout: &Layout, inside: &str) -> Vec<Step> {
    let whole = copy(&["."], if inside.is_empty() { "." } else { "/app/" });
    if layout.is_vendored {
        return vec![whole];
    }
    let mut steps: Vec<Step> = Vec::new();
    for (folder, names) in &layout.sources {
        let here = layout.inside(folder);
        let paths: Vec<String> = names
            .iter()
            .map(|name| if here.is_empty() { (*name).to_owned() } else { format!("{here}/{name}") })
            .collect();
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        steps.push(if *folder == app.folder {
            copy(&paths, "./")
        } else if inside.is_empty() {
            copy(&paths, &format!("{here}/"))
        } else if here.is_empty() {
            copy(&paths, "/app/")
        } else {
            copy(&paths, &format!("/app/{here}/"))
        });
    }
    // Modules are a layer, not a cache mount: tests run in a container of this stage.
    let download = run(&["go", "mod", "download"]);
    steps.push(if layout.lacks_sums() {
        run(&["go", "mod", "download", "all"]).why("there is no go.sum: this writes it")
    } else {
        download
    });
    steps.push(whole);
    steps
}

/// Refuses a tree without a program that is meant, with those that it holds.
fn refused(app: &App<'_>, layout: &Layout, miss: program::Miss) -> Refusal {
    match miss {
        program::Miss::None(left_out) => app.refused(
            "go",
            score::INFERRED,
            format!("{}: {}", layout.manifest(app), program::none(&left_out)),
            "a library cannot be deployed; name the app's folder in `source.directory`",
        ),
        program::Miss::Several(folders) => {
            let named: Vec<&str> = folders
                .iter()
                .map(|folder| if folder.is_empty() { "." } else { &**folder })
                .collect();
            let first = folders.iter().find(|folder| !folder.is_empty());
            let first = first.map(|folder| app.at(folder)).unwrap_or_default();
            let candidate = |folder: &String| Candidate {
                folder: app.at(folder),
                language: "go".into(),
                name: folder.rsplit('/').next().unwrap_or(folder).to_owned(),
            };
            app.refused(
                "go",
                score::STARTED,
                format!("several main packages: {}", named.join(", ")),
                format!("name the folder of one in `source.directory`: `--directory {first}`"),
            )
            .with_candidates(folders.iter().map(candidate).collect())
        }
    }
}

/// Refuses a Go program that is in no module; `Ok(None)` where there is no program either.
fn without_module(app: &App<'_>) -> Found {
    for (name, tool) in [("Gopkg.toml", "dep"), ("glide.yaml", "Glide")] {
        if app.has(name) {
            return Err(no_module(app, &format!("{name}: {tool} is no longer developed")));
        }
    }
    let mut names = app.glob(&["*.go", "cmd/*/*.go"], 500);
    names.retain(|name| !name.ends_with("_test.go"));
    for name in names {
        // A file that cannot be read belongs to no program.
        let Ok(Some(file)) = app.read(&name) else { continue };
        let last = name.rsplit('/').next().unwrap_or(&name);
        let is_main = source::read(last, &file.text)
            .is_some_and(|source| source.package == "main" && source.left_out.is_none());
        if is_main && source::has_main(&file.text) {
            return Err(no_module(app, &format!("{name}: package main")));
        }
    }
    if app.named {
        return Err(no_module(app, "no file says `package main` either"));
    }
    Ok(None)
}

fn no_module(app: &App<'_>, evidence: &str) -> Refusal {
    app.refused(
        "go",
        score::STARTED,
        "no go.mod: Go builds modules",
        "run `go mod init MODULE` and `go mod tidy`, and commit go.mod and go.sum",
    )
    .because(evidence)
}

detector!(detect, language = "go");

#[cfg(test)]
mod tests;
