//! Java and Kotlin, built by Maven or Gradle.

use windlass_plugin_sdk::{
    App, Found, Refusal, detector,
    procfile::{self, Line},
    score,
};

mod conventions;
mod dropwizard;
mod gradle;
mod inferred;
mod kinds;
mod maven;
mod output;
mod plan;
mod port;
mod spring;
mod version;

/// Plans the project of the app's folder, or the one project of its build that runs.
///
/// # Errors
/// Nothing says what runs, or several projects do.
pub fn detect(app: &App<'_>) -> Found {
    let (tools, lines): (Vec<Line>, Vec<Line>) =
        procfile::read(app)?.into_iter().partition(calls_build);
    let web = lines.iter().find(|line| line.name == "web");
    // Where both are, the one whose wrapper is there is in use.
    let prefers_gradle = app.has("gradlew") && !app.has("mvnw");
    let built = if prefers_gradle && gradle::is_here(app) {
        gradle::build(app, web)?
    } else if let Some(built) = maven::build(app, web)? {
        Some(built)
    } else {
        gradle::build(app, web)?
    };
    match built {
        Some(built) => {
            let mut detection = plan::plan(app, built, lines);
            for Line { line, name, .. } in tools {
                detection.because(format!(
                    "Procfile:{line}: `{name}` calls the build's tool, which the image does not have"
                ));
            }
            Ok(Some(detection))
        }
        None if app.named => Err(nothing(app)),
        None => Ok(None),
    }
}

/// Returns whether a line calls Maven or Gradle: `./mvnw spring-boot:run`.
fn calls_build(line: &Line) -> bool {
    let words = line.command.iter().flat_map(|word| word.split_whitespace());
    let mut words = words.filter(|word| !["sh", "bash", "-c", "exec"].contains(word));
    let first = words.next().map(|word| word.trim_start_matches("./"));
    first.is_some_and(|word| ["mvn", "mvnw", "gradle", "gradlew"].contains(&word))
}

fn nothing(app: &App<'_>) -> Refusal {
    app.refused(
        "java",
        score::INFERRED,
        "no pom.xml and no build.gradle",
        "commit the build, or name its folder in `source.directory`",
    )
}

detector!(detect, language = "java");

#[cfg(test)]
mod tests;
