//! Dropwizard: a jar that starts with the arguments `server` and a file of settings.

use windlass_plugin_sdk::{App, workspace::folders::join};

/// File of settings, and the option that sets the port in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Path below the project's folder.
    pub(crate) path: String,
    /// Option of the JVM. `None` means that the file leaves the port to Dropwizard, which listens at 8080.
    pub(crate) port: Option<&'static str>,
}

/// Returns the settings of a project: the only file of YAML with a key of Dropwizard's, or the one of a usual name.
pub(crate) fn settings(app: &App<'_>, folder: &str) -> Option<Settings> {
    let patterns: Vec<String> = ["*.yml", "*.yaml", "config/*.yml", "config/*.yaml"]
        .iter()
        .filter_map(|pattern| join(folder, pattern))
        .collect();
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let mut found = Vec::new();
    for path in app.repo.glob(&patterns, 50).ok()? {
        // A file that cannot be read is none of settings.
        let Some(text) = app.repo.read_text(&path, 1 << 18).ok().flatten() else { continue };
        let has = |key: &str| text.lines().any(|line| line.trim_end() == key);
        let is_plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        if is_plain && (has("server:") || has("logging:")) && !has("services:") {
            let port = if text.contains("applicationConnectors:") {
                Some("-Ddw.server.applicationConnectors[0].port=$PORT")
            } else if text.contains("connector:") {
                Some("-Ddw.server.connector.port=$PORT")
            } else {
                None
            };
            let inside = path.strip_prefix(folder).unwrap_or(&path).trim_start_matches('/');
            found.push(Settings { path: inside.to_owned(), port });
        }
    }
    let usual = found.iter().find(|one| one.path.starts_with("config.y")).cloned();
    let is_one = found.len() == 1;
    usual.or_else(|| found.pop().filter(|_| is_one))
}

#[cfg(test)]
mod tests {
    use crate::detect;
    use windlass_plugin_sdk::{testing, tree};

    const MANIFEST: &str = include_str!("../plugin.toml");

    #[test]
    fn a_whole_jar_starts_with_the_settings_that_are_there() {
        let pom = "<project><artifactId>a</artifactId><dependencies><dependency>\
                   <artifactId>dropwizard-core</artifactId></dependency></dependencies><build><plugins><plugin>\
                   <artifactId>maven-shade-plugin</artifactId><configuration><mainClass>a.Main</mainClass>\
                   </configuration></plugin></plugins></build></project>";
        let files = tree! {
            "pom.xml" => pom,
            "hello.yml" => "server:\n  applicationConnectors:\n    - type: http\n      port: 9000\n",
        };
        let plan = testing::detect(detect, MANIFEST, &files).plan();
        let start = plan.start();
        assert!(start.ends_with("-jar app.jar server hello.yml"), "{start}");
        assert!(start.contains("applicationConnectors[0].port=$PORT"), "{start}");
        let without = files.without("hello.yml");
        let refusal = testing::detect(detect, MANIFEST, &without).refusal();
        assert!(refusal.reason.contains("Dropwizard"), "{}", refusal.reason);
    }
}
