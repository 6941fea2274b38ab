//! PHP apps on FrankenPHP: Laravel, Symfony, others with a public folder, plain files.
//!
//! FrankenPHP is one process that needs no root and takes its port as an argument. PHP-FPM would need a web server
//! beside it.

use windlass_plugin_sdk::{
    App, Detection, Found, Stage, Step, StepExt, assets, copy, copy_from, detector, php, procfile,
    run, shell, stage,
};

mod apache;
mod drivers;
mod root;
mod vendored;

#[cfg(test)]
mod tests;

/// Cache of Composer.
const CACHE: &str = "/tmp/cache";

/// Oldest release of PHP that the base has images of.
const OLDEST: (u32, u32) = php::OLDEST;

/// Returns how to build and serve a PHP app.
///
/// # Errors
/// Names file and line of what cannot be planned, and what to do.
pub fn detect(app: &App<'_>) -> Found {
    let project = php::Project::read(app)?;
    let Some(served) = root::find(app, &project)? else { return Ok(None) };
    let chosen = project.version()?;
    let parted = parts(&chosen.version);
    let is_old = parted.is_some_and(|version| version < OLDEST);
    if parted.is_some_and(|version| version < apache::OLDEST) {
        let reason = format!(
            "{}: PHP {} is asked for, and no image of it is planned with",
            chosen.source, chosen.version
        );
        let hint = format!(
            "allow a newer PHP there, or commit a Dockerfile on php:{}-apache",
            chosen.version
        );
        return Err(app.refused("php", served.score, reason, hint));
    }
    let mut found = Detection::new("php", served.score);
    app.folder.clone_into(&mut found.context);
    found.tool("php", &chosen);
    let shown = if served.folder.is_empty() { "." } else { served.folder };
    found.decide("root", shown, &*served.source);
    let (stages, test_in) = stages(app, &project, &served, &chosen.version, &mut found);
    found.image.stages = stages;
    found.image.test_in = Some(test_in);
    // Caddy, which FrankenPHP is, keeps its state there.
    found.image.env = vec![
        ("XDG_CONFIG_HOME".into(), "/tmp/config".into()),
        ("XDG_DATA_HOME".into(), "/tmp/data".into()),
    ];
    let more = served.env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    found.image.env.extend(more);
    let folder = match served.folder {
        "" => "/app".to_owned(),
        folder => format!("/app/{folder}"),
    };
    found.image.start =
        shell(&format!("exec frankenphp php-server --root {folder} --listen :$PORT"));
    found.build_secrets.extend_from_slice(&project.secrets);
    for line in &served.evidence {
        found.because(line.clone());
    }
    let mut lines = procfile::read(app)?;
    if is_old {
        found.because(format!(
            "{}: FrankenPHP has no PHP {}: Apache serves",
            chosen.source, chosen.version
        ));
        found.image.env.retain(|(name, _)| !name.starts_with("XDG_"));
        found.image.start = vec!["apache2-foreground".to_owned()];
    }
    // Heroku's servers are packages of its own stack.
    lines.retain(|line| !line.command.iter().any(|part| part.contains("heroku-php-")));
    if !lines.iter().any(|line| line.name == "web") {
        found.decide("start", found.image.start.join(" "), served.source);
    }
    procfile::apply(lines, &mut found);
    Ok(Some(found))
}

fn stages(
    app: &App<'_>,
    project: &php::Project,
    served: &root::Served,
    version: &str,
    found: &mut Detection,
) -> (Vec<Stage>, String) {
    let mut base = stage("base", format!("dunglas/frankenphp:1-php{version}"));
    let mut command = vec!["install-php-extensions".to_owned()];
    for (name, source) in php::extensions(project.composer.as_ref(), project.lock.as_ref()) {
        if source != "always" {
            found.because(format!("{source}: extension {name}"));
        }
        command.push(name);
    }
    for (name, source) in drivers::drivers(app, project) {
        if !command.contains(&name) {
            found.because(format!("{source}: extension {name}"));
            command.push(name);
        }
    }
    let old = parts(version).filter(|version| *version < OLDEST);
    if old.is_some() {
        // Composer unpacks by it, where Debian's archive no longer has `unzip`.
        command.extend((!command.iter().any(|name| name == "zip")).then(|| "zip".to_owned()));
        base.base = format!("php:{version}-apache");
        let folder = match served.folder {
            "" => "/app".to_owned(),
            folder => format!("/app/{folder}"),
        };
        base.steps.extend(apache::steps(&folder, &command));
    } else {
        base.steps.push(run(&command));
    }
    let binary = "/usr/local/bin/frankenphp";
    let line = format!("cp {binary} /tmp/frankenphp && mv /tmp/frankenphp {binary}");
    let why =
        "A copy has no file capability, which would keep it from starting without capabilities";
    if old.is_none() {
        base.steps.push(run(&["sh", "-c", line.as_str()]).why(why));
    }
    let mut all = Vec::new();
    all.extend(old.map(|_| apache::installer()));
    let mut build = stage("build", "base");
    let mut test_in = "build".to_owned();
    if project.composer.is_some() {
        let source = if project.lock.is_some() { "composer.lock" } else { "composer.json" };
        found.decide("manager", "composer", source);
        all.push(stage("composer", old.map_or("composer:2", apache::composer)));
        if old.is_none() {
            build.packages = vec!["git".to_owned(), "unzip".to_owned()];
        }
        build.env = [("COMPOSER_ALLOW_SUPERUSER", "1"), ("COMPOSER_CACHE_DIR", CACHE)]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec();
        build.steps.push(copy_from("composer", "/usr/bin/composer", "/usr/local/bin/composer"));
        build.steps.extend(packages(app, project, found));
        if served.is_laravel {
            build.steps.push(run(&["php", "artisan", "package:discover"]));
        }
        if project.names("symfony/framework-bundle").is_some() {
            build.steps.extend(symfony(app, project));
        }
    } else {
        build.steps.push(copy(&["."], "."));
    }
    if app.has("package.json") {
        match vendored::assets(app, project, found) {
            Some((stages, steps)) => {
                all.extend(stages);
                build.steps.extend(steps);
            }
            None => build.steps.push(assets()),
        }
    }
    if !served.written.is_empty() {
        let folders = served.written.iter().copied().chain(served.below.iter().copied());
        let mut command = vec!["mkdir", "-p"];
        command.extend(folders);
        build.steps.push(run(&command));
    }
    let mut last = stage("run", "base");
    last.steps.push(copy_from("build", "/app", "/app"));
    for folder in &served.written {
        let path = format!("/app/{folder}");
        last.steps.push(copy_from("build", &path, &path).owned());
    }
    all.extend([base, build]);
    if project.has_development() {
        let mut test = stage("test", "build");
        test.why = Some("Packages of tests are not in the image".into());
        test.steps.push(composer(project, &["install", "--no-interaction", "--no-scripts"]));
        all.push(test);
        test_in = "test".to_owned();
    }
    all.push(last);
    (all, test_in)
}

/// Returns the steps after the tree that Symfony's own scripts take: cache, files of bundles, packages of the
/// import map.
fn symfony(app: &App<'_>, project: &php::Project) -> Vec<Step> {
    let mut steps = Vec::new();
    let scripts = project.composer.as_ref();
    if scripts.and_then(|root| root.at(&["scripts", "post-install-cmd"])).is_some() {
        let line = ["env", "APP_ENV=prod", "composer", "run-script", "--no-dev"];
        let step = run(&[&line[..], &["--no-interaction", "post-install-cmd"]].concat());
        steps.push(step.why("The install ran no scripts: they need the tree"));
    }
    if app.has("importmap.php") {
        steps.push(run(&["env", "APP_ENV=prod", "php", "bin/console", "asset-map:compile"]));
    }
    steps
}

/// Returns the steps up to the tree with its packages.
fn packages(app: &App<'_>, project: &php::Project, found: &mut Detection) -> Vec<Step> {
    let install = composer(
        project,
        &["install", "--no-dev", "--optimize-autoloader", "--no-interaction", "--no-scripts"],
    );
    if let Some(package) = &project.outdated {
        found.warn(
            format!("composer.lock: {package}, which has no image: Composer does not ask for it"),
            "run `composer update` on PHP 8.2 or newer, and commit composer.lock",
        );
    }
    if project.lock.is_none() {
        found.warn(
            "composer.json: no lock file: versions are those of the day",
            "run `composer update` and commit composer.lock",
        );
    }
    if let Some(line) = &project.whole {
        found.because(format!("{line}: all files are there before the install"));
        return vec![copy(&["."], "."), install];
    }
    let mut files = vec!["composer.json"];
    files.extend(project.lock.is_some().then_some("composer.lock"));
    files.extend(app.has("auth.json").then_some("auth.json"));
    files.extend(app.has("symfony.lock").then_some("symfony.lock"));
    let autoload = run(&["composer", "dump-autoload", "--no-dev", "--optimize"]);
    vec![copy(&files, "./"), install, copy(&["."], "."), autoload]
}

fn composer(project: &php::Project, command: &[&str]) -> Step {
    let mut argv = vec!["composer"];
    argv.extend(command);
    // `php+` leaves out upper bounds alone.
    argv.extend(project.outdated.is_some().then_some("--ignore-platform-req=php+"));
    let secrets: Vec<_> = project.secrets.iter().map(|secret| &*secret.variable).collect();
    run(&argv).cached(&[CACHE]).secrets(&secrets)
}

fn parts(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(str::parse::<u32>);
    let major = numbers.next()?.ok()?;
    let minor = numbers.next().and_then(Result::ok).unwrap_or(u32::MAX);
    Some((major, minor))
}

detector!(detect, language = "php");
