//! Rust programs: Cargo's release build, in an image without the toolchain.

use config::Config;
use libraries::Libraries;
use program::Target;
use windlass_plugin_sdk::{
    App, Detection, Found, Refusal, StageExt, StepExt, assets, copy, copy_from, detector, procfile,
    run,
    rust::{Manifest, Program, toolchain},
    score, stage, within,
    workspace::cargo,
};

mod browser;
mod config;
mod libraries;
mod program;
mod server;
mod start;

/// Folder of what Cargo compiled. Tests do not see it: theirs is in the app's folder.
const COMPILED: &str = "/var/cache/target";

/// Folders of Cargo that outlive a build.
const CACHES: [&str; 3] = ["/usr/local/cargo/registry", "/usr/local/cargo/git", COMPILED];

/// Length of a lock that is read.
const LONGEST_LOCK: u32 = 16 << 20;

/// Detects a program of Rust.
pub fn detect(app: &App<'_>) -> Found {
    let Some(manifest) = Manifest::read(app, app.folder)? else { return Ok(None) };
    if let Some(site) = browser::site(app, &manifest)? {
        return Ok(Some(site));
    }
    in_the_browser(app, &manifest)?;
    let workspace = cargo::above(app)?;
    let target = program::choose(app, manifest, workspace.as_ref())?;
    let (context, beside) = match &workspace {
        Some(workspace) => (workspace.root.clone(), None),
        None => config::common(app, &target.package)?,
    };
    // Of a workspace the root is the working directory, otherwise the package's folder.
    let root =
        workspace.as_ref().map_or(app.folder, |workspace| workspace.root.as_str()).to_owned();
    let toolchain = toolchain(app, &root)?;
    let config = config::config(app, &root)?;

    let mut detection = Detection::new("rust", target.score);
    detection.context.clone_from(&context);
    detection.tool("rust", &toolchain.chosen);
    detection.decide("manager", "cargo", &target.package.path);
    detection.because(&target.why);
    if let Some(workspace) = &workspace {
        detection.because(format!("{}: a workspace", workspace.manifest));
    }
    if let Some(beside) = beside {
        detection.because(beside);
    }
    let version = toolchain.chosen.version.as_str();
    let suite = if is_before_bookworm(version) { "bullseye" } else { "bookworm" };
    let lock = within(&root, "Cargo.lock");
    let text = app.repo.read_text(&lock, LONGEST_LOCK).ok().flatten();
    let libraries = match &text {
        Some(text) => libraries::of_lock(text, &lock, suite == "bullseye"),
        None => {
            detection.warn(
                "Cargo.lock is not committed: versions of crates are those of the day",
                "run `cargo generate-lockfile`, and commit Cargo.lock",
            );
            libraries::unknown(suite == "bullseye")
        }
    };
    for line in &libraries.evidence {
        detection.because(line);
    }

    let written = procfile::read(app)?;
    let start::Programs { built, lines } = start::programs(&target, written);
    let base = match version {
        "nightly" => "rustlang/rust:nightly-bookworm-slim".to_owned(),
        version => format!("rust:{version}-slim-{suite}"),
    };
    let mut build = stage("build", base).packages(&libraries_of(&libraries, &config));
    let folder = server::relative(&root, &context);
    if !folder.is_empty() {
        build = build.workdir(within("/app", folder));
    }
    if app.repo.stat(&within(&root, ".sqlx")).is_ok_and(|entry| entry.is_some())
        || app.has_repo(&within(&root, "sqlx-data.json"))
    {
        build = build.env("SQLX_OFFLINE", "true");
        detection.because(".sqlx: queries are checked without a database");
    }
    if let Some(file) = &toolchain.file {
        let installs =
            run(&["cargo", "--version"]).why(format!("rustup installs what {file} names"));
        build = build.step(copy(&[server::relative(file, &context)], "./")).step(installs);
    }
    let secrets: Vec<&str> = config.secrets.iter().map(|secret| &*secret.variable).collect();
    for (_, source) in &config.linkers {
        detection.because(source);
    }
    if let Some((target, source)) = &config.target {
        build = build.step(run(&["rustup", "target", "add", target]).why(source));
        detection.because(source);
    }
    build = build
        .step(copy(&["."], "/app/").why("Cargo reads the sources of all packages"))
        .step(assets())
        .step(
            run(&["sh", "-c", &line(&target, &built, text.is_some(), &config)])
                .cached(&CACHES)
                .secrets(&secrets)
                .why(
                    "The folder of what is compiled is a cache, which other builds use too: one at a \
                     time, the app's own packages always again, and the program is copied out at once",
                ),
        );
    detection.build_secrets = config.secrets;

    let serve = format!("debian:{suite}-slim");
    let mut packages: Vec<&str> = vec!["ca-certificates"];
    packages.extend(&libraries.run);
    let mut serve =
        stage("run", serve).packages(&packages).step(copy_from("build", "/out/", "/app/bin/"));
    for (path, name) in server::beside(app, &target, &context) {
        detection.because(format!("{path}: is there at run time too"));
        let source = within("/app", &path);
        serve = serve.step(copy_from("build", &source, &within("/app", &name)));
    }
    let is_rocket = target.package.depends_on("rocket");
    let listens = server::listens(app, &target);
    detection.image.port = listens.port;
    if let Some(port) = listens.port {
        detection.decide("port", port.to_string(), &listens.source);
    }
    if let Some(line) = listens.loopback {
        detection.warn(
            format!("{line}: the loopback address is out of the service's reach"),
            "listen at 0.0.0.0",
        );
    }
    let program = format!("/app/bin/{}", target.program.name);
    detection.image.start = if is_rocket {
        detection.image.port = Some(windlass_plugin_sdk::PORT);
        detection.image.env.push(("ROCKET_ADDRESS".into(), "0.0.0.0".into()));
        let line = format!("ROCKET_PORT=$PORT exec {program}");
        vec!["sh".into(), "-c".into(), line]
    } else {
        vec![program]
    };
    detection.image.stages = vec![build, serve];
    detection.image.test_in = Some("build".into());
    procfile::apply(lines, &mut detection);
    Ok(Some(detection))
}

/// Refuses what a browser runs.
fn in_the_browser(app: &App<'_>, manifest: &Manifest) -> Result<(), Refusal> {
    let metadata =
        [&["package", "metadata", "leptos"][..], &["workspace", "metadata", "leptos"][..]];
    let leptos = metadata.into_iter().find_map(|key| manifest.root.at(key));
    let (file, tool) = if let Some(node) = leptos {
        (format!("{}:{}", manifest.path, node.line), "cargo leptos")
    } else if app.has("Trunk.toml") {
        (app.at("Trunk.toml"), "trunk")
    } else if app.has("Dioxus.toml") {
        (app.at("Dioxus.toml"), "dx")
    } else {
        return Ok(());
    };
    Err(app.refused(
        "rust",
        score::STATIC,
        format!("{file}: files for a browser are built by `{tool}`, which is not planned"),
        format!("commit a Dockerfile that runs `{tool} build`"),
    ))
}

/// Returns whether a release is older than its images on Debian 12.
fn is_before_bookworm(version: &str) -> bool {
    let minor = version.split('.').nth(1).and_then(|minor| minor.parse::<u32>().ok());
    minor.is_some_and(|minor| minor < 70)
}

fn libraries_of(libraries: &Libraries, config: &Config) -> Vec<&'static str> {
    let mut packages: Vec<&'static str> = libraries.build.iter().copied().collect();
    if config.target.as_ref().is_some_and(|(target, _)| target.ends_with("musl")) {
        packages.push("musl-tools");
    }
    packages.extend(config.linkers.iter().map(|(linker, _)| linker));
    packages
}

/// Returns the line of the build: the lock on the cache, the build, the copy.
fn line(target: &Target, built: &[Program], is_locked: bool, config: &Config) -> String {
    let locked = if is_locked { " --locked" } else { "" };
    let mut build = format!("cargo build --release{locked}");
    if let Some(package) = target.package.name() {
        build.push_str(&format!(" -p {package}"));
    }
    let mut features: Vec<&str> = Vec::new();
    let mut copied = String::new();
    let platform = config.target.as_ref().map(|(target, _)| format!("{target}/"));
    let platform = platform.unwrap_or_default();
    for program in built {
        build.push_str(&format!(" --bin {}", program.name));
        copied.push_str(&format!(" {COMPILED}/{platform}release/{}", program.name));
        features.extend(program.features.iter().map(String::as_str));
    }
    features.retain(|feature| program::is_plain(&feature.replace('/', "-")));
    if !features.is_empty() {
        build.push_str(&format!(" --features {}", features.join(",")));
    }
    format!(
        "export CARGO_TARGET_DIR={COMPILED} && exec 9>{COMPILED}/.lock && flock 9 \
         && find /app -type f -exec touch {{}} + && {build} && mkdir -p /out && cp{copied} /out/"
    )
}

detector!(detect, language = "rust");

#[cfg(test)]
mod tests;
