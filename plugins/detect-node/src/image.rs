//! The stages of the image.

use windlass_plugin_sdk::{
    Detection, Stage, StageExt as _, Step, StepExt as _,
    js::{self, Framework, Kind, Output},
    run, stage,
};

mod members;
mod parts;

pub(crate) use parts::Parts;

/// Fills stages, environment and the stage of tests.
pub(crate) fn fill(detection: &mut Detection, parts: &Parts<'_>) {
    let Parts { install, base, .. } = parts;
    let image = &mut detection.image;
    image.stages.clone_from(&install.stages);
    let whole = members::whole(parts);
    let copies = install.copies();
    let mut first = install.setup.clone();
    let installed_first = !copies.is_empty();
    first.extend(if installed_first { copies } else { vec![whole.clone()] });
    first.push(install.install.clone());
    let with_env = |mut stage: Stage| {
        stage.env.clone_from(&install.env);
        stage
    };
    // Prisma's engine is linked with OpenSSL, which slim images lack.
    let prisma = ["@prisma/client", "prisma"]
        .into_iter()
        .find_map(|name| parts.package.dependency_source(name));
    let packages = if prisma.is_some() { vec!["openssl"] } else { Vec::new() };
    detection.evidence.extend(prisma.map(|source| format!("{source}: needs openssl")));
    let lock_folder =
        if parts.workspace.is_some() { install.context.as_str() } else { parts.app.folder };
    let (mut tools, why) = js::build_packages(parts.app, parts.package, parts.manager, lock_folder);
    detection.evidence.extend(why);
    tools.extend(&packages);
    let rest = match (installed_first, parts.is_member()) {
        (true, true) => members::sources(parts),
        (true, false) => vec![whole],
        (false, _) => Vec::new(),
    };
    let commands = members::builds(parts);
    for (_, source) in &commands {
        detection.evidence.push(format!("{source}: built"));
    }
    let commands = commands.into_iter().map(|(argv, source)| run(&argv).why(source));
    if parts.is_member() {
        let installs = placed(stage("install", base.clone()), &install.place).packages(&tools);
        image.stages.push(steps(with_env(installs), first));
        let builds = placed(stage("build", "install"), &install.home);
        image.stages.push(steps(builds, rest.into_iter().chain(commands)));
    } else {
        let builds = placed(stage("build", base.clone()), &install.home).packages(&tools);
        let all = first.into_iter().chain(rest).chain(commands);
        image.stages.push(steps(with_env(builds), all));
    }
    let copies = output(parts);
    let mut serve = placed(stage("run", base.clone()), &install.home).packages(&packages);
    if copies.is_empty() {
        let from = prune(&mut image.stages, parts);
        serve = serve.copy_from(from, "/app", "/app");
    } else {
        for (source, dest) in &copies {
            serve = serve.copy_from("build", source, dest);
        }
    }
    image.stages.push(serve);
    image.test_in = Some("build".into());
    image.env = environment(parts);
}

fn steps(mut stage: Stage, steps: impl IntoIterator<Item = Step>) -> Stage {
    stage.steps.extend(steps);
    stage
}

/// Sets the working directory, where it is not the usual one.
fn placed(stage: Stage, folder: &str) -> Stage {
    if folder == "/app" { stage } else { stage.workdir(folder) }
}

/// Adds the stage without development dependencies, and returns the name of the stage to serve from.
fn prune(stages: &mut Vec<Stage>, parts: &Parts<'_>) -> &'static str {
    let development = parts.package.json.get("devDependencies");
    let has = development.is_some_and(|map| !map.map().is_empty()) || parts.workspace.is_some();
    let keeps = parts.start.keeps.is_some() || !has;
    let Some(step) = parts.install.prune.clone().filter(|_| !keeps) else { return "build" };
    let mut pruned = placed(stage("prune", "build"), &parts.install.place).step(step);
    if parts.manager.kind == Kind::Pnpm {
        // Without a terminal pnpm asks nothing, and fails instead.
        pruned = pruned.env("CI", "true");
    }
    // The working directory of the stage below is inherited.
    if parts.is_member() {
        pruned.workdir = Some(parts.install.place.clone());
    }
    stages.push(pruned);
    "prune"
}

/// Returns what a framework's server needs of the build stage. Empty means all of it.
fn output(parts: &Parts<'_>) -> Vec<(String, String)> {
    let output = parts.framework.filter(|_| parts.start.framework).map(|found| &found.output);
    let Some(Output::Server { copies, needs_modules: false, .. }) = output else {
        return Vec::new();
    };
    if parts.processes {
        return Vec::new();
    }
    let home = &parts.install.home;
    let placed = |(source, dest): &(String, String)| {
        let source =
            source.strip_prefix("/app").map_or(source.clone(), |rest| format!("{home}{rest}"));
        // A standalone server of a member brings the workspace's folders.
        let dest = if dest == "./" { "/app/".to_owned() } else { dest.clone() };
        (source, dest)
    };
    copies.iter().map(placed).collect()
}

fn environment(parts: &Parts<'_>) -> Vec<(String, String)> {
    let mut env = vec![("NODE_ENV".to_owned(), "production".to_owned())];
    let program = parts.start.argv.first().map(String::as_str);
    if program != Some("node") || parts.processes {
        let home = &parts.install.home;
        let root = if home == "/app" { "" } else { "/app/node_modules/.bin:" };
        let system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        env.push(("PATH".to_owned(), format!("{home}/node_modules/.bin:{root}{system}")));
    }
    // Commands that listen on localhost where nothing else is said.
    let listens = match program {
        Some("fastify") => Some("FASTIFY_ADDRESS"),
        Some("sirv") => Some("HOST"),
        _ => None,
    };
    env.extend(listens.map(|name| (name.to_owned(), "0.0.0.0".to_owned())));
    let framework = parts.framework.map(Framework::env).unwrap_or_default();
    for (name, value) in framework.into_iter().chain(parts.start.env.iter().cloned()) {
        match env.iter_mut().find(|(known, _)| *known == name) {
            Some(entry) => entry.1 = value,
            None => env.push((name, value)),
        }
    }
    env
}
