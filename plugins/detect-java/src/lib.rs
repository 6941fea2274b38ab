//! Java and Kotlin, built by Maven or Gradle.

use windlass_plugin_sdk::{App, Found, Refusal, detector, procfile, score};

mod conventions;
mod gradle;
mod inferred;
mod kinds;
mod maven;
mod output;
mod plan;
mod spring;
mod version;

/// Plans the project of the app's folder, or the one project of its build that runs.
///
/// # Errors
/// Nothing says what runs, or several projects do.
pub fn detect(app: &App<'_>) -> Found {
    let lines = procfile::read(app)?;
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
        Some(built) => Ok(Some(plan::plan(app, built, lines))),
        None if app.named => Err(nothing(app)),
        None => Ok(None),
    }
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
