//! Clojure by Leiningen, or by tools.build.

use crate::answer::{is_name, plan, quoted, refused};
use windlass_plugin_sdk::{
    App, Found, StageExt, StepExt, copy, run, score, stage,
    versions::{self, Chain, Grammar, Runtime},
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
    let (manifest, tool, command, wanted, evidence) = if let Some(file) = &lein {
        let Some((line, _)) = file.lines().find(|(_, line)| line.trim_start().contains(":main "))
        else {
            return Err(refused(
                LANGUAGE,
                format!("{}: no `:main` says what `java -jar` starts", file.path),
                "add `:main my.app` and `:profiles {:uberjar {:aot :all}}` to project.clj",
            ));
        };
        let named = file.lines().find_map(|(_, line)| line.split_once(":uberjar-name"));
        let named = named.and_then(|(_, rest)| quoted(rest)).filter(|name| is_name(name));
        let jar = named.unwrap_or("*standalone.jar").to_owned();
        ("project.clj", "lein", vec!["lein", "uberjar"], jar, format!("{}:{line} :main", file.path))
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
        .first(versions::file(app, ".java-version", Grammar::Plain)?)
        .choose()?;
    let start = ["java", "-jar", "/app/app.jar"].map(str::to_owned).to_vec();
    let mut detection = plan(app, LANGUAGE, score::STARTED, evidence, start);
    detection.tool("java", &java);
    // The jar's name has the version in it.
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
    let last = stage("run", base).copy_from("build", "/app.jar", "/app/app.jar");
    detection.image.stages = vec![build, last];
    Ok(Some(detection))
}
