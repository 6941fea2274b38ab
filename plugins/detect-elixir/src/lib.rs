//! Elixir projects: a release of mix, which brings the Erlang runtime along.

use choose::Chosen;
use windlass_plugin_sdk::{
    App, Detection, Found, PORT, Stage, StageExt, StepExt, assets, copy, copy_from, detector,
    elixir::{Mix, version},
    procfile, read, run, score, stage, within,
};

mod choose;

/// System packages that dependencies are fetched and compiled with, by Debian's names.
const BUILD: [&str; 3] = ["build-essential", "ca-certificates", "git"];

/// Detects a project of mix.
pub fn detect(app: &App<'_>) -> Found {
    let Some(chosen) = choose::choose(app)? else { return Ok(None) };
    let Chosen { mix, workdir, context, release, is_named, score, why, needs_tree } = &chosen;
    let version = version(app, mix)?;

    let mut detection = Detection::new("elixir", *score);
    detection.context.clone_from(context);
    detection.tool("elixir", &version.elixir);
    if let Some((otp, source)) = &version.otp {
        detection.decide("erlang", otp, source);
    }
    detection.decide("manager", "mix", &mix.path);
    detection.because(why);
    if let Some(why) = needs_tree {
        detection.because(why);
    }

    let base = format!("elixir:{}-slim", version.tag());
    let mut build = stage("build", &base).env("MIX_ENV", "prod").env("LANG", "C.UTF-8");
    let folder = relative(workdir, context);
    let workdir = within("/app", folder);
    if !folder.is_empty() {
        build = build.workdir(workdir);
    }
    build = if mix.dependencies.is_empty() {
        detection.because(format!("{}: no dependencies, so hex is not asked", mix.path));
        build.step(copy(&["."], "/app/"))
    } else {
        dependencies(app, &chosen, build, &mut detection)
    };
    build = build.step(assets()).step(run(&["mix", "compile"]));
    build = node_assets(app, mix, build, &mut detection);
    if mix.aliases.iter().any(|alias| alias == "assets.deploy") {
        let deploy = run(&["mix", "assets.deploy"])
            .why("after the compiler, which writes hooks that the bundle takes in");
        build = build.step(deploy);
    }
    let mut argv = vec!["mix", "release"];
    argv.extend(is_named.then_some(&**release));
    argv.extend(["--overwrite", "--path", "/out"]);
    build = build.step(run(&argv));

    let mut serve = stage("run", &base);
    if !mix.dependencies.is_empty() {
        // The image keeps no certificates of authorities: without them no client reaches HTTPS.
        serve = serve.packages(&["ca-certificates"]);
    }
    let serve = serve
        .step(copy_from("build", "/out/", "/app/").owned())
        .why("The release brings its Erlang, which needs the libraries of the image that built it");
    detection.because(format!("{base}: runs the release too, for its libraries"));
    detection.image.env = [("LANG", "C.UTF-8"), ("PHX_SERVER", "true"), ("RELEASE_TMP", "/tmp")]
        .iter()
        .filter(|(name, _)| *name != "PHX_SERVER" || mix.depends_on("phoenix"))
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    detection.image.start = vec![format!("/app/bin/{release}"), "start".into()];
    detection.decide("start", release, format!("{}: its release", mix.path));
    detection.image.port =
        if *score == score::INFERRED && !listens(app, mix) { None } else { Some(PORT) };
    detection.image.stages = vec![build, serve];
    detection.image.test_in = Some("build".into());
    settings(app, &chosen, &mut detection);
    let mut lines = procfile::read(app)?;
    // The image has the release, and no mix.
    lines.retain(|line| {
        let is_mix = line.command.iter().any(|word| word.contains("mix "))
            || line.command.first().is_some_and(|word| word == "mix");
        if is_mix {
            detection.because(format!(
                "Procfile:{}: calls mix, which the image does not have",
                line.line
            ));
        }
        !is_mix
    });
    procfile::apply(lines, &mut detection);
    Ok(Some(detection))
}

/// Adds the steps that fetch and build dependencies.
fn dependencies(app: &App<'_>, chosen: &Chosen, build: Stage, detection: &mut Detection) -> Stage {
    let Chosen { mix, workdir, context, needs_tree, .. } = chosen;
    // The slim image has no compiler, no git and no certificates: Phoenix takes its icons from git.
    let mut build = build
        .packages(&BUILD)
        .step(run(&["mix", "local.hex", "--force"]))
        .step(run(&["mix", "local.rebar", "--force"]));
    let has_lock =
        app.has_repo(&within(workdir, "mix.lock")) || app.has_repo(&within(context, "mix.lock"));
    if !has_lock {
        detection.warn(
            "mix.lock is not committed: versions of dependencies are those of the day",
            "run `mix deps.get`, and commit mix.lock",
        );
    }
    if let Some(why) = needs_tree {
        build = build.step(copy(&["."], "/app/").why(why));
    } else {
        let has = |name: &&str| app.has_repo(&within(&mix.folder, name));
        let manifests: Vec<&str> = ["mix.exs", "mix.lock"].into_iter().filter(has).collect();
        build = build.step(copy(&manifests, "./"));
        let settings = ["config/config.exs", "config/prod.exs"];
        let settings: Vec<&str> = settings.into_iter().filter(has).collect();
        if !settings.is_empty() {
            build =
                build.step(copy(&settings, "./config/").why("dependencies are compiled by these"));
        }
    }
    let get = run(&["mix", "deps.get", "--only", "prod"]);
    build = build.step(get);
    let reads_others = app.read_repo(&within(&mix.folder, "config/config.exs"));
    let reads_others = reads_others.ok().flatten().is_some_and(|file| imports_others(&file.text));
    if reads_others && needs_tree.is_none() {
        detection.because(
            "config/config.exs: imports other files, so all are there before the compiler",
        );
        return build.step(copy(&["."], "/app/")).step(run(&["mix", "deps.compile"]));
    }
    build = build.step(run(&["mix", "deps.compile"]));
    if needs_tree.is_none() { build.step(copy(&["."], "/app/")) } else { build }
}

/// Returns whether settings import another file than the one of the environment.
fn imports_others(text: &str) -> bool {
    let mut imports = text.lines().map(str::trim).filter(|line| line.starts_with("import_config"));
    imports.any(|line| {
        !line.contains("#{config_env()}.exs")
            && !line.contains("#{Mix.env()}.exs")
            && !line.contains("#{Mix.env}.exs")
    })
}

/// Adds the packages of npm that assets of Phoenix are bundled with.
fn node_assets(app: &App<'_>, mix: &Mix, build: Stage, detection: &mut Detection) -> Stage {
    let package = within(&mix.folder, "assets/package.json");
    if !app.has_repo(&package) {
        return build;
    }
    detection.because(format!("{package}: packages of npm for the assets"));
    let has_lock = app.has_repo(&within(&mix.folder, "assets/package-lock.json"));
    let install = if has_lock { "ci" } else { "install" };
    let build = build.packages(&["nodejs", "npm"]);
    let build = build.step(run(&["npm", install, "--prefix", "assets"]).cached(&["/root/.npm"]));
    if mix.aliases.iter().any(|alias| alias == "assets.deploy") {
        return build;
    }
    // Before 1.6, Phoenix bundled by a script of npm, and no alias of mix calls it.
    let file = app.read_repo(&package).ok().flatten();
    let Some(json) = file.as_ref().and_then(|file| read::json(file).ok()) else { return build };
    let mut scripts = ["deploy", "build"].into_iter();
    let named = scripts.find_map(|name| Some((name, json.at(&["scripts", name])?)));
    let Some((script, node)) = named else { return build };
    detection.because(format!("{package}:{} scripts.{script}: bundles the assets", node.line));
    let webpack = ["dependencies", "devDependencies"]
        .iter()
        .find_map(|section| json.at(&[section, "webpack"])?.text());
    let is_old = webpack
        .is_some_and(|version| version.trim_start_matches(['^', '~']).starts_with(['2', '3', '4']));
    let build = if is_old {
        // Debian's Node has OpenSSL 3 or 1, by its release: the older one does not know the option.
        let line = format!(
            "node --openssl-legacy-provider -e 0 2> /dev/null && \
             export NODE_OPTIONS=--openssl-legacy-provider; npm run {script} --prefix assets"
        );
        build.step(run(&["sh", "-c", line.as_str()]).why("webpack 4 needs MD4 of OpenSSL 1"))
    } else {
        build.step(run(&["npm", "run", script, "--prefix", "assets"]))
    };
    build.step(run(&["mix", "phx.digest"]))
}

/// Tells what the release's settings want.
fn settings(app: &App<'_>, chosen: &Chosen, detection: &mut Detection) {
    let Chosen { mix, context, .. } = chosen;
    let mut text = String::new();
    for folder in [mix.folder.as_str(), context] {
        for name in ["config/runtime.exs", "config/prod.exs", "config/releases.exs"] {
            let path = within(folder, name);
            let Ok(Some(file)) = app.read_repo(&path) else { continue };
            for variable in ["SECRET_KEY_BASE", "DATABASE_URL"] {
                let is_wanted = file.text.contains("raise") && file.text.contains(variable);
                let message =
                    format!("{path}:{}: {variable} is wanted at the start", file.line_of(variable));
                let known = detection.warnings.iter().any(|warning| warning.message == message);
                if is_wanted && !known {
                    detection.warn(
                        message,
                        format!("put it by `windlass secret put`, and name it under [secrets] as {variable}"),
                    );
                }
            }
            text.push_str(&file.text);
        }
    }
    if mix.depends_on("phoenix") && !text.contains("PHX_SERVER") && !text.contains("server: true") {
        detection.warn(
            "config/runtime.exs: the endpoint starts no server in a release",
            "write `server: true` under the endpoint's settings",
        );
    }
    let pattern = within(&mix.folder, "lib/**/release.ex");
    for path in app.repo.glob(&[&pattern], 5).unwrap_or_default() {
        detection.because(format!(
            "{path}: migrations run by `bin/{} eval`, if it says so",
            chosen.release
        ));
    }
}

/// Returns whether a source of the project listens.
fn listens(app: &App<'_>, mix: &Mix) -> bool {
    let pattern = within(&mix.folder, "lib/**/*.ex");
    let files = app.repo.glob(&[&pattern], 60).unwrap_or_default();
    files.iter().any(|path| {
        let text = app.repo.read_text(path, 1 << 18).ok().flatten().unwrap_or_default();
        text.contains("gen_tcp.listen") || text.contains("\"PORT\"")
    })
}

/// Returns a path of the repository as one of a folder that holds it.
fn relative<'a>(path: &'a str, folder: &str) -> &'a str {
    path.strip_prefix(folder).unwrap_or(path).trim_start_matches('/')
}

detector!(detect, language = "elixir");

#[cfg(test)]
mod tests;
