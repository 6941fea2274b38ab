//! The release of Java that builds and runs.

use windlass_plugin_sdk::{
    App, File, Refusal,
    jvm::release,
    read, score,
    versions::{Asked, Chain, Chosen, Grammar, Runtime},
};

/// Returns the release: of files made for it, else of the build, else the default. Images have no patches. A release
/// that no image has is built by the next one that has long support, whose compiler knows the older one.
///
/// # Errors
/// A file made for it names no release.
pub(crate) fn chosen(app: &App<'_>, build: Option<(String, String)>) -> Result<Chosen, Refusal> {
    let asked = |(text, source): (String, String)| Asked { text, source, grammar: Grammar::Plain };
    let mut chosen = Chain::of(app, Runtime::Java)
        .first(file(app)?.map(asked))
        .then(build.map(asked))
        .choose()?;
    chosen.version = release(&chosen.version).unwrap_or(chosen.version);
    let image = match chosen.version.parse() {
        Ok(0..=7) => "8",
        Ok(9 | 10) => "11",
        Ok(12..=15_u32) => "17",
        _ => return Ok(chosen),
    };
    chosen.source = format!("{}, of Java {}, which no image has", chosen.source, chosen.version);
    chosen.version = image.to_owned();
    chosen.ended = None;
    Ok(chosen)
}

/// Returns the newest release with long support that a version of Gradle runs on. `None` means that it runs on the
/// default.
pub(crate) fn of_gradle(version: &str) -> Option<&'static str> {
    let mut parts = version.split(['.', '-']).map(str::parse::<u32>);
    match (parts.next()?.ok()?, parts.next().and_then(Result::ok).unwrap_or_default()) {
        (0..=4, _) => Some("8"),
        (5..=6, _) | (7, 0..=2) => Some("11"),
        (7, _) | (8, 0..=4) => Some("17"),
        _ => None,
    }
}

/// Returns the release that a file of its own names, with its place.
fn file(app: &App<'_>) -> Result<Option<(String, String)>, Refusal> {
    // The user's word comes before all files.
    if app.wish("java").is_some() {
        return Ok(None);
    }
    for (name, key) in [
        ("system.properties", "java.runtime.version"),
        (".java-version", ""),
        (".sdkmanrc", "java"),
    ] {
        let Some(file) = app.read_above(name)? else { continue };
        let found = match name {
            ".java-version" => first_line(&file),
            _ => value(read::lines::properties(&file), key),
        };
        if let Some((line, text)) = found {
            return named(app, &file.path, line, &text).map(Some);
        }
    }
    Ok(None)
}

fn value(lines: Vec<(usize, String, String)>, key: &str) -> Option<(usize, String)> {
    lines.into_iter().find(|(_, known, _)| known == key).map(|(line, _, text)| (line, text))
}

fn first_line(file: &File) -> Option<(usize, String)> {
    let mut lines = file.lines().map(|(line, text)| (line, text.trim()));
    let found = lines.find(|(_, text)| !text.is_empty() && !text.starts_with('#'));
    found.map(|(line, text)| (line, text.to_owned()))
}

fn named(app: &App<'_>, path: &str, line: usize, text: &str) -> Result<(String, String), Refusal> {
    if let Some(release) = release(text) {
        return Ok((release, format!("{path}:{line}")));
    }
    Err(app.refused(
        "java",
        score::STARTED,
        format!("{path}:{line}: `{text}` names no release of Java"),
        "write its number, such as `21`",
    ))
}
