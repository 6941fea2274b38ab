//! Rails: what its build does beside the gems.

use windlass_plugin_sdk::{App, CopyFiles, Detection, Stage, Step, assets, js, ruby::Project, run};

/// Returns whether an app is of Rails.
pub(crate) fn is(app: &App<'_>, project: &Project) -> bool {
    let named = project.names("rails").or_else(|| project.names("railties"));
    app.has("config/application.rb") && named.is_some()
}

/// Adds the steps after the install: bootsnap's cache, assets, folders that the app writes to.
pub(crate) fn build(app: &App<'_>, project: &Project, stage: &mut Stage, found: &mut Detection) {
    if let Some(source) = project.names("bootsnap").filter(|_| can_precompile(project)) {
        found.because(format!("{source}: bootsnap's cache is made in the build"));
        let argv = ["bundle", "exec", "bootsnap", "precompile", "--gemfile", "app/", "lib/"];
        stage.steps.push(run(&argv));
    }
    let bundles = ["webpacker", "shakapacker", "vite_rails", "vite_ruby"];
    let by_node = bundles.iter().find_map(|gem| Some((gem, project.names(gem)?)));
    let mut node = None;
    if let Some((gem, source)) = &by_node {
        node = node_in(app, stage, found, &format!("{source}: {gem}"));
    }
    if node.is_none() {
        stage.steps.push(assets());
    }
    let pipeline = ["propshaft", "sprockets-rails", "sprockets"];
    let pipeline = pipeline.iter().find_map(|gem| project.names(gem));
    let pipeline = pipeline.filter(|_| app.has_dir("app/assets"));
    if let Some(source) = by_node.map(|(_, source)| source).or(pipeline) {
        found.because(format!("{source}: assets are compiled in the build"));
        // `SECRET_KEY_BASE_DUMMY` is known since Rails 7.1.
        let mut argv = vec!["env", "SECRET_KEY_BASE_DUMMY=1", "SECRET_KEY_BASE=build-only"];
        for (gem, skips) in
            [("jsbundling-rails", "SKIP_JS_BUILD=1"), ("cssbundling-rails", "SKIP_CSS_BUILD=1")]
        {
            argv.extend((node.is_none() && project.names(gem).is_some()).then_some(skips));
        }
        argv.extend(node.iter().flatten().map(String::as_str));
        argv.extend(["bundle", "exec", "rake", "assets:precompile"]);
        stage.steps.push(run(&argv));
        if node.is_some() {
            stage.steps.push(run(&["rm", "-rf", "node_modules"]));
        }
    }
    // Puma's template writes `tmp/pids/server.pid`, and makes no folder for it.
    stage.steps.push(run(&["mkdir", "-p", "tmp/pids", "log", "storage"]));
    found.because("config/application.rb: `db:migrate` is not run: run it by a hook");
}

/// Returns whether the locked bootsnap has a command line, which came with 1.5.
fn can_precompile(project: &Project) -> bool {
    let exact = project.lock.as_ref().map(|lock| &lock.exact);
    let mut versions = exact.into_iter().flatten().filter_map(|gem| gem.strip_prefix("bootsnap "));
    versions.all(|version| {
        let mut parts = version.split('.').map_while(|part| part.parse::<u32>().ok());
        (parts.next().unwrap_or(1), parts.next().unwrap_or(5)) >= (1, 5)
    })
}

/// Brings Node into the stage for a gem that calls it, and returns the variables of its commands. `None` means that
/// Node cannot be brought: a warning says why.
pub(crate) fn node_in(
    app: &App<'_>,
    stage: &mut Stage,
    found: &mut Detection,
    gem: &str,
) -> Option<Vec<String>> {
    let why = match js::brought(app) {
        Ok(Some(brought)) => {
            found.because(format!("{gem} compiles with Node, which the build gets"));
            found.image.stages.extend(brought.stages);
            found.build_secrets.extend(brought.secrets);
            stage.steps.extend(brought.steps);
            let env = brought.env.into_iter();
            return Some(env.map(|(name, value)| format!("{name}={value}")).collect());
        }
        Ok(None) => "no package.json of the folder names its packages".to_owned(),
        Err(refusal) => refusal.reason,
    };
    found.warn(
        format!("{gem} compiles with Node, which the build has not: {why}"),
        "correct package.json, or commit a Dockerfile",
    );
    None
}

/// Returns the step that copies a folder that the app writes to.
pub(crate) fn written(path: &str) -> Step {
    Step::Copy(CopyFiles {
        from: Some("build".to_owned()),
        sources: vec![path.to_owned()],
        dest: path.to_owned(),
        owned: true,
        why: None,
    })
}
