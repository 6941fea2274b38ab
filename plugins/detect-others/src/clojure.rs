//! Clojure by Leiningen, or by tools.build.

use crate::answer::{is_name, plan, quoted, refused};
use windlass_plugin_sdk::{
    App, Found, Refusal, StageExt, StepExt, copy, procfile,
    read::lines::properties,
    run, score, stage,
    versions::{self, Asked, Chain, Grammar, Runtime},
};

const LANGUAGE: &str = "clojure";

/// Returns the plan of a jar with all dependencies. `None` means that the app has neither `project.clj` nor
/// `deps.edn`.
///
/// # Errors
/// Nothing says what the jar starts, or how it is made.
pub(crate) fn app(app: &App<'_>) -> Found {
    let lein = app.read("project.clj")?;
    let deps = app.read("deps.edn")?;
    if lein.is_none() && deps.is_none() {
        return Ok(None);
    }
    let lines = procfile::read(app)?;
    let web = lines.iter().find(|line| line.name == "web");
    let path = web.and_then(|line| jar(&line.command));
    let (manifest, tool, command, wanted, evidence) = if let Some(file) = &lein {
        let main = file.lines().find(|(_, line)| line.trim_start().contains(":main "));
        let main = main.map(|(line, _)| format!("{}:{line} :main", file.path));
        let procfile = path.as_ref().and(web).map(|line| format!("Procfile:{} web", line.line));
        // The plugin's jar starts the handler, at `PORT` where that is set.
        let ring = file.lines().find(|(_, line)| line.trim_start().contains(":ring "));
        let ring = ring.filter(|_| file.text.contains("[lein-ring "));
        let ring = ring.map(|(line, _)| format!("{}:{line} :ring", file.path));
        let is_ring = ring.is_some() && main.is_none();
        let Some(evidence) = procfile.or(main).or(ring) else {
            return Err(refused(
                LANGUAGE,
                format!("{}: no `:main` says what `java -jar` starts", file.path),
                "add `:main my.app` and `:profiles {:uberjar {:aot :all}}` to project.clj",
            ));
        };
        let named = file.lines().find_map(|(_, line)| line.split_once(":uberjar-name"));
        let named = named.and_then(|(_, rest)| quoted(rest)).filter(|name| is_name(name));
        let jar = named.unwrap_or("*standalone.jar").to_owned();
        let command: &[&str] =
            if is_ring { &["lein", "ring", "uberjar"] } else { &["lein", "uberjar"] };
        ("project.clj", "lein", command.to_vec(), jar, evidence)
    } else if let Some(file) = &deps {
        let build = app.read("build.clj")?;
        let uber = build.as_ref().is_some_and(|build| build.text.contains("(defn uber"));
        if !uber || !file.text.contains(":build") {
            return Err(refused(
                LANGUAGE,
                format!(
                    "{}: no alias `:build` with a function `uber` of build.clj makes a jar",
                    file.path
                ),
                "add the alias and build.clj (tools.build), or commit a Dockerfile on `clojure:temurin-21-tools-deps`",
            ));
        }
        let command = vec!["clojure", "-T:build", "uber"];
        let evidence = format!("{}:{} :build", file.path, file.line_of(":build"));
        ("deps.edn", "tools-deps", command, "*.jar".to_owned(), evidence)
    } else {
        return Ok(None);
    };
    let java = Chain::of(app, Runtime::Java)
        .first(system(app)?)
        .first(versions::file(app, ".java-version", Grammar::Plain)?)
        .choose()?;
    let start = match web.filter(|_| path.is_some()) {
        Some(line) => line.command.clone(),
        None => ["java", "-jar", "/app/app.jar"].map(str::to_owned).to_vec(),
    };
    let mut detection = plan(app, LANGUAGE, score::STARTED, evidence, start);
    detection.tool("java", &java);
    // The jar's name has the version in it.
    let jar_path = format!("/app/{}", path.as_deref().unwrap_or("app.jar"));
    let find = format!("cp \"$(find target -name '{wanted}' | head -n 1)\" /app.jar");
    let fetch: &[&str] = if tool == "lein" { &["lein", "deps"] } else { &["clojure", "-P"] };
    let cache = ["/root/.m2"];
    let build = stage("build", format!("clojure:temurin-{}-{tool}", java.version))
        .step(copy(&[manifest], "./"))
        .step(run(fetch).cached(&cache))
        .copy(&["."], "./")
        .step(run(&command).cached(&cache))
        .run(&["sh", "-c", &find]);
    let base = format!("eclipse-temurin:{}-jre", java.version);
    let last = stage("run", base).copy_from("build", "/app.jar", &jar_path);
    detection.image.stages = vec![build, last];
    // Other lines run in the same image, which has the jar and no tool of the build.
    let (kept, left): (Vec<_>, Vec<_>) = lines
        .into_iter()
        .filter(|line| line.name != "web" || path.is_none())
        .partition(|line| path.is_some() && jar(&line.command) == path);
    for line in left {
        detection.warn(
            format!("Procfile:{} {}: the image has no program of it", line.line, line.name),
            "write it with `java`, and with the jar in `target/` that `web` names",
        );
    }
    procfile::apply(kept, &mut detection);
    Ok(Some(detection))
}

/// Returns the jar of the build that a command names, relative to the app's folder.
fn jar(command: &[String]) -> Option<String> {
    let mut words = command.iter().flat_map(|word| word.split([' ', ':', '"', '\'']));
    let path = words.find(|word| word.starts_with("target/") && word.ends_with(".jar"))?;
    path.split('/').all(is_name).then(|| path.to_owned())
}

/// Returns the version of Java that `system.properties` asks for.
pub(crate) fn system(app: &App<'_>) -> Result<Option<Asked>, Refusal> {
    let Some(file) = app.read_above("system.properties")? else { return Ok(None) };
    let found = properties(&file).into_iter().find(|(_, key, _)| key == "java.runtime.version");
    Ok(found.map(|(line, _, text)| Asked {
        text,
        source: format!("{}:{line}", file.path),
        grammar: Grammar::Plain,
    }))
}
