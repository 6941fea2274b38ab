//! Spring Boot: its layers, its launcher and its port.

use crate::output::Boot;
use windlass_plugin_sdk::{App, Refusal, Step, StepExt, copy_from, run, workspace::folders::join};

/// Parts of names of dependencies that serve HTTP.
const SERVERS: [&str; 11] = [
    "starter-web",
    "starter-hateoas",
    "config-server",
    "starter-jersey",
    "data-rest",
    "starter-graphql",
    "starter-gateway",
    "gateway-server",
    "vaadin",
    "admin-starter-server",
    "eureka-server",
];

/// Layers, by how seldom they change.
const LAYERS: [&str; 4] =
    ["dependencies", "spring-boot-loader", "snapshot-dependencies", "application"];

/// Returns whether a dependency serves HTTP.
pub(crate) fn serves(artifact: &str) -> bool {
    // `spring-boot-starter-web-services` serves too; a starter's test does not.
    !artifact.ends_with("-test")
        && (SERVERS.iter().any(|part| artifact.contains(part)) || artifact.contains("-webmvc"))
}

/// Returns the first two numbers of a version.
pub(crate) fn version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim().split('.').map(str::parse::<u32>);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}

/// Returns the settings file of a project that reads `PORT`.
///
/// # Errors
/// Such a file is no text.
pub(crate) fn reads_port(app: &App<'_>, folder: &str) -> Result<Option<String>, Refusal> {
    for name in ["properties", "yml", "yaml"] {
        let path = format!("src/main/resources/application.{name}");
        let Some(path) = join(folder, &path) else { continue };
        let Some(file) = app.read_repo(&path)? else { continue };
        if let Some((line, _)) = file.lines().find(|(_, line)| line.contains("${PORT")) {
            return Ok(Some(format!("{path}:{line}")));
        }
    }
    Ok(None)
}

/// Returns the place of what moves or closes the actuator's health: a setting, or the app's own rules of access.
pub(crate) fn hides_health(app: &App<'_>, folder: &str) -> Option<String> {
    const SETTINGS: [&str; 6] = [
        "context-path",
        "contextPath",
        "base-path",
        "basePath",
        "path-mapping",
        "management.server",
    ];
    const RULES: [&str; 3] =
        ["SecurityFilterChain", "WebSecurityConfigurerAdapter", "SecurityWebFilterChain"];
    let settings = join(folder, "src/main/resources/application*.{properties,yml,yaml}")?;
    let sources = join(folder, "src/main/{java,kotlin}/**/*.{java,kt}")?;
    let find = |pattern: &str, fits: &dyn Fn(&str) -> Option<usize>| {
        let files = app.repo.glob(&[pattern], 500).unwrap_or_default();
        files.into_iter().find_map(|path| {
            let text = app.repo.read_text(&path, 1 << 18).ok().flatten()?;
            Some(format!("{path}:{}", fits(&text)?))
        })
    };
    let line_of = |text: &str, words: &[&str]| {
        let has = |line: &str| words.iter().any(|word| line.contains(word));
        let mut lines = text.lines().zip(1_usize..);
        lines.find(|(line, _)| has(line)).map(|(_, number)| number)
    };
    find(&settings, &|text| line_of(text, &SETTINGS)).or_else(|| {
        find(&sources, &|text| {
            let opens = text.contains("actuator") || text.contains("EndpointRequest");
            line_of(text, &RULES).filter(|_| !opens)
        })
    })
}

impl Boot {
    /// Returns the step that takes the jar apart. `None` means that it stays whole.
    pub(crate) fn extract(&self) -> Option<Step> {
        let version = self.version.filter(|version| *version >= (2, 4) && !self.is_war)?;
        let step = if version >= (3, 3) {
            run(&[
                "java",
                "-Djarmode=tools",
                "-jar",
                "/app/app.jar",
                "extract",
                "--layers",
                "--launcher",
                "--destination",
                "/layers",
            ])
        } else {
            run(&[
                "java",
                "-Djarmode=layertools",
                "-jar",
                "/app/app.jar",
                "extract",
                "--destination",
                "/layers",
            ])
        };
        Some(step.why("dependencies change more seldom than the app: a layer of their own"))
    }

    /// Returns the steps that put the jar, or its layers, into the image.
    pub(crate) fn copies(&self) -> Vec<Step> {
        if self.extract().is_none() {
            return vec![copy_from("build", "/app/app.jar", "/app/app.jar")];
        }
        LAYERS.iter().map(|layer| copy_from("build", &format!("/layers/{layer}/"), "./")).collect()
    }

    /// Returns the arguments of `java` behind its options.
    pub(crate) fn launcher(&self) -> &'static str {
        match self.version.filter(|_| self.extract().is_some()) {
            None => "-jar app.jar",
            Some(version) if version >= (3, 2) => {
                "org.springframework.boot.loader.launch.JarLauncher"
            }
            Some(_) => "org.springframework.boot.loader.JarLauncher",
        }
    }
}
