//! Ruby apps: Rails, Rack, Sinatra, scripts; gems by Bundler.

use windlass_plugin_sdk::{
    App, Detection, Found, Stage, assets, copy_from, detector, procfile, ruby::Project, run, score,
};

mod rails;
mod start;

#[cfg(test)]
mod tests;

/// Returns how to build and start a Ruby app.
///
/// # Errors
/// Names file and line of what cannot be planned, and what to do.
pub fn detect(app: &App<'_>) -> Found {
    let Some(project) = Project::read(app)? else {
        return match app.glob(&["*.gemspec"], 1).first() {
            None => Ok(None),
            Some(file) => {
                let reason = format!("{file}: a gem, which nothing starts");
                let hint = "add a Gemfile and a config.ru, or a Procfile with a `web:` line";
                Err(app.refused("ruby", score::TOOLS, reason, hint))
            }
        };
    };
    let is_rails = rails::is(app, &project);
    let jekyll = project.gems.iter().any(|gem| matches!(&*gem.name, "jekyll" | "github-pages"));
    if jekyll && !is_rails && !app.has("config.ru") {
        return Ok(None);
    }
    let chosen = project.version()?;
    let lines = procfile::read(app)?;
    if let Some(refusal) = procfile::foreign(&lines, "ruby") {
        return Err(refusal);
    }
    let has_web = lines.iter().any(|line| line.name == "web");
    let start = match start::find(app, &project, is_rails) {
        Ok(start) => start,
        Err(_) if has_web => start::Start::default(),
        Err(refusal) => return Err(refusal),
    };
    let score = if has_web { start.score.max(score::STARTED) } else { start.score };
    let mut found = Detection::new("ruby", score);
    app.folder.clone_into(&mut found.context);
    found.tool("ruby", &chosen);
    let (mut build, evidence) = project.install_stage(is_rails)?;
    if project.gemfile.is_some() {
        let source = match (&project.lock, &project.gemfile) {
            (Some(_), Some(name)) if name == "gems.rb" => "gems.locked",
            (Some(_), _) => "Gemfile.lock",
            (None, _) => "Gemfile",
        };
        found.decide("manager", "bundler", source);
    }
    for line in evidence {
        found.because(line);
    }
    found.warnings.extend(project.warnings.iter().cloned());
    let mut owned: Vec<&str> = Vec::new();
    if is_rails {
        rails::build(app, &project, &mut build, &mut found);
        owned.extend(["tmp", "log", "storage"]);
        owned.extend(app.has_dir("db").then_some("db"));
    } else if let Some(source) = project.names("hanami-assets") {
        let node = rails::node_in(app, &mut build, &mut found, &format!("{source}: hanami-assets"));
        if let Some(env) = node {
            let mut argv = vec!["env".to_owned()];
            argv.extend(env);
            argv.extend(["bundle", "exec", "hanami", "assets", "compile"].map(str::to_owned));
            build.steps.extend([run(&argv), run(&["rm", "-rf", "node_modules"])]);
        }
    } else if app.has("package.json") {
        build.steps.push(assets());
    }
    let mut run = Stage {
        name: "run".into(),
        base: build.base.clone(),
        workdir: None,
        env: Vec::new(),
        packages: project.system.run.iter().map(|&name| name.to_owned()).collect(),
        steps: Vec::new(),
        why: None,
    };
    if project.gemfile.is_some() {
        run.steps.push(copy_from("build", "/bundle", "/bundle"));
    }
    run.steps.push(copy_from("build", "/app", "/app"));
    for folder in owned {
        let path = format!("/app/{folder}");
        run.steps.push(rails::written(&path));
    }
    let test = project.test_stage(is_rails);
    found.image.test_in = Some(if test.is_some() { "test" } else { "build" }.into());
    found.image.env.clone_from(&build.env);
    found.image.stages.push(build);
    found.image.stages.extend(test);
    found.image.stages.push(run);
    if is_rails {
        let more = [("RAILS_LOG_TO_STDOUT", "1"), ("RAILS_SERVE_STATIC_FILES", "1")];
        let more = more.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        found.image.env.extend(more);
    }
    if !has_web {
        found.decide("start", start.argv.join(" "), start.source);
        found.image.start = start.argv;
    }
    procfile::apply(lines, &mut found);
    Ok(Some(found))
}

detector!(detect, language = "ruby");
