//! The start that a script or a Procfile says, and what is wrong with it.

use crate::{
    command::{Start, exists, file_of, from, is_built, kept, refused},
    delegate,
    foreign::foreign,
    scripts::{Runs, Script},
};
use windlass_plugin_sdk::{
    App, Refusal,
    js::{Framework, Output, Package},
    score,
};

/// Returns the start that a script says.
pub(crate) fn said(
    app: &App<'_>,
    package: &Package,
    framework: Option<&Framework>,
    script: Script,
    source: &str,
) -> Result<Start, Refusal> {
    match script {
        Script::Runs(Runs { argv, env, builds, evidence }) => {
            let start = Start { env, builds, evidence, ..from(argv, source.to_owned()) };
            checked(app, package, framework, start)
        }
        Script::Development(tool) => {
            let reason = format!("{source} is a development server ({tool})");
            let hint =
                "start what the build leaves, such as `node dist/server.js`, in scripts.start";
            Err(refused(app, score::INFERRED, reason, hint))
        }
        Script::Circle => {
            let reason = format!("{source} names scripts that name each other");
            Err(refused(app, score::INFERRED, reason, "start a program in scripts.start"))
        }
        Script::Delegates(other) => {
            if let Some(start) = other.and_then(|it| delegate::start(app, package, &it, source)) {
                return Ok(start);
            }
            let reason = format!("{source} starts a member of the workspace");
            let hint = "name the member's folder in `source.directory`";
            Err(refused(app, score::INFERRED, reason, hint))
        }
    }
}

/// Refuses a start whose file is missing, and finds the development dependency that it needs.
pub(crate) fn checked(
    app: &App<'_>,
    package: &Package,
    framework: Option<&Framework>,
    mut start: Start,
) -> Result<Start, Refusal> {
    if let Some(program) = foreign(&start.argv) {
        let reason = format!("{}: `{program}` is no program of Node", start.source);
        let hint = "start a program of Node, or commit a Dockerfile";
        return Err(refused(app, score::TOOLS, reason, hint));
    }
    without_env_file(app, &mut start);
    if let Some(file) = file_of(&start.argv) {
        let builds = package.script("build").is_some()
            || package.script("postinstall").is_some()
            || package.script("heroku-postbuild").is_some()
            || !start.builds.is_empty()
            || framework.is_some_and(|framework| framework.build().is_some());
        if !exists(app, package, file) && !(builds && is_built(app, package, file)) {
            let reason = format!("{}: `{file}` is not there, and no build makes it", start.source);
            let hint = "commit the file, or correct the start";
            return Err(refused(app, score::STARTED, reason, hint));
        }
    }
    start.keeps =
        kept(package, &start.argv).or_else(|| configured_in_typescript(app, package, framework?));
    if let Some(name) = &start.keeps {
        let source = package.dependency_source(name).unwrap_or_default();
        start.evidence.push(format!("{source}: the start needs it, so that nothing is pruned"));
        start
            .evidence
            .push(format!("{name}: a start of compiled files would be smaller and faster"));
    }
    Ok(start)
}

/// Removes `--env-file` of a file that is not committed: `node` would end at once. The cluster sets variables.
fn without_env_file(app: &App<'_>, start: &mut Start) {
    if start.argv.first().is_none_or(|program| program != "node") {
        return;
    }
    let mut kept: Vec<String> = Vec::new();
    let mut words = std::mem::take(&mut start.argv).into_iter().peekable();
    while let Some(word) = words.next() {
        let file = match word.strip_prefix("--env-file=") {
            Some(file) => Some(file.to_owned()),
            None if word == "--env-file" => words.peek().cloned(),
            None => None,
        };
        match file.filter(|file| !app.has(file)) {
            Some(file) => {
                let why = format!(
                    "{}: `{file}` is not committed, so that `--env-file` is left out",
                    start.source
                );
                start.evidence.push(why);
                if word == "--env-file" {
                    words.next();
                }
            }
            None => kept.push(word),
        }
    }
    start.argv = kept;
}

/// Returns TypeScript where Next compiles its own configuration by it at each start, and it is a development
/// dependency. A standalone server has its configuration built in.
pub(crate) fn configured_in_typescript(
    app: &App<'_>,
    package: &Package,
    framework: &Framework,
) -> Option<String> {
    let compiles = framework.name == "Next"
        && matches!(framework.output, Output::Server { needs_modules: true, .. })
        && ["next.config.ts", "next.config.mts"].iter().any(|file| app.has(file));
    let is_development = package.dependency("typescript").is_none()
        && package.any_dependency("typescript").is_some();
    (compiles && is_development).then(|| "typescript".to_owned())
}
