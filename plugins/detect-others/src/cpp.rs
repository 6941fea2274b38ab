//! C and C++ by CMake or make.

use crate::{
    answer::{DEBIAN, is_another_language_s, plan, refused, runs_on_debian},
    cmake, makefile,
    native::{LANGUAGE, Program},
};
use windlass_plugin_sdk::{App, Found, Refusal, StageExt, score, stage};

/// Sources by which a Makefile is one of C or C++.
const SOURCES: &[&str] =
    &["*.c", "*.cc", "*.cpp", "*.cxx", "src/**/*.c", "src/**/*.cc", "src/**/*.cpp"];

/// Returns the plan of the one program. `None` means that the folder has no build of C or C++.
///
/// # Errors
/// Nothing says which program is the app, or a library is of no known package.
pub(crate) fn app(app: &App<'_>) -> Found {
    let Some(program) = program(app)? else { return Ok(None) };
    let name = program.path.rsplit('/').next().unwrap_or_default().to_owned();
    let start = vec![format!("/app/{name}")];
    let mut detection = plan(app, LANGUAGE, score::INFERRED, program.source, start);
    let mut build = stage("build", DEBIAN)
        .packages(&["build-essential", "ca-certificates", "git"])
        .packages(&program.build)
        .copy(&["."], "./");
    for command in &program.commands {
        build = build.run(command);
    }
    let last = runs_on_debian(&["libstdc++6"]).packages(&program.run).copy_from(
        "build",
        &format!("/app/{}", program.path),
        &format!("/app/{name}"),
    );
    detection.image.stages = vec![build, last];
    Ok(Some(detection))
}

fn program(app: &App<'_>) -> Result<Option<Program>, Refusal> {
    let cmake = app.read("CMakeLists.txt")?;
    let make = app.read("Makefile")?;
    let is_c = cmake.is_some() || (make.is_some() && !app.glob(SOURCES, 1).is_empty());
    if !is_c || (!app.named && is_another_language_s(app)) {
        return Ok(None);
    }
    let (name, found) = match (cmake, make) {
        (Some(file), _) => ("CMakeLists.txt", cmake::program(app, file)?),
        (None, Some(file)) => ("Makefile", makefile::program(&file)),
        (None, None) => return Ok(None),
    };
    found.map(Some).ok_or_else(|| {
        refused(
            LANGUAGE,
            format!("{}: nothing says which program the build makes", app.at(name)),
            "commit a Dockerfile on `debian:bookworm-slim` with build-essential",
        )
    })
}
