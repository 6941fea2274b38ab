//! Rails: what its build does beside the gems.

use windlass_plugin_sdk::{App, CopyFiles, Detection, Stage, Step, assets, ruby::Project, run};

/// Returns whether an app is of Rails.
pub(crate) fn is(app: &App<'_>, project: &Project) -> bool {
    let named = project.names("rails").or_else(|| project.names("railties"));
    app.has("config/application.rb") && named.is_some()
}

/// Adds the steps after the install: bootsnap's cache, assets, folders that the app writes to.
pub(crate) fn build(app: &App<'_>, project: &Project, stage: &mut Stage, found: &mut Detection) {
    if let Some(source) = project.names("bootsnap") {
        found.because(format!("{source}: bootsnap's cache is made in the build"));
        let argv = ["bundle", "exec", "bootsnap", "precompile", "--gemfile", "app/", "lib/"];
        stage.steps.push(run(&argv));
    }
    let bundles = ["webpacker", "shakapacker", "vite_rails", "vite_ruby"];
    let by_node = bundles.iter().find_map(|gem| Some((gem, project.names(gem)?)));
    if let Some((gem, source)) = by_node {
        found.warn(
            format!("{source}: {gem} compiles with Node, which the build has not"),
            "add a `build` script to package.json, or commit a Dockerfile",
        );
    }
    stage.steps.push(assets());
    let pipeline = ["propshaft", "sprockets-rails", "sprockets"];
    let pipeline = pipeline.iter().find_map(|gem| project.names(gem));
    if let Some(source) = pipeline
        && app.has_dir("app/assets")
    {
        found.because(format!("{source}: assets are compiled in the build"));
        // `SECRET_KEY_BASE_DUMMY` is known since Rails 7.1.
        let mut argv = vec!["env", "SECRET_KEY_BASE_DUMMY=1", "SECRET_KEY_BASE=build-only"];
        for (gem, skips) in
            [("jsbundling-rails", "SKIP_JS_BUILD=1"), ("cssbundling-rails", "SKIP_CSS_BUILD=1")]
        {
            argv.extend(project.names(gem).is_some().then_some(skips));
        }
        argv.extend(["bundle", "exec", "rake", "assets:precompile"]);
        stage.steps.push(run(&argv));
    }
    // Puma's template writes `tmp/pids/server.pid`, and makes no folder for it.
    stage.steps.push(run(&["mkdir", "-p", "tmp/pids", "log", "storage"]));
    found.because("config/application.rb: `db:migrate` is not run: run it by a hook");
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
