//! Beginnings of answers, and what several languages ask of a tree.

use windlass_plugin_sdk::{
    App, Detection, File, Refusal, Stage, StageExt, read::lines, score, stage,
};

/// Base of images that only run a program.
pub(crate) const DEBIAN: &str = "debian:bookworm-slim";

/// Returns a plan of `language` that starts `start`, for reasons in `evidence`.
pub(crate) fn plan(
    app: &App<'_>,
    language: &str,
    score: u8,
    evidence: String,
    start: Vec<String>,
) -> Detection {
    let mut detection = Detection::new(language, score);
    detection.context = app.folder.to_owned();
    detection.decide("start", start.join(" "), evidence.clone());
    detection.because(evidence);
    detection.image.start = start;
    detection
}

/// Returns a refusal in the band of an app whose start is known.
pub(crate) fn refused(
    language: &str,
    reason: impl Into<String>,
    hint: impl Into<String>,
) -> Refusal {
    Refusal::new(reason, hint).of(language, score::INFERRED)
}

/// Returns the stage that runs, on Debian with certificates and these packages.
pub(crate) fn runs_on_debian(packages: &[&str]) -> Stage {
    stage("run", DEBIAN).packages(&["ca-certificates"]).packages(packages)
}

/// Returns the version of `tool` that the user or `.tool-versions` asks for, and who does.
///
/// # Errors
/// The version is no number, or `.tool-versions` cannot be read.
pub(crate) fn version(
    app: &App<'_>,
    language: &str,
    tool: &str,
) -> Result<Option<(String, String)>, Refusal> {
    let mut asked = app.wish(tool).map(|wish| (wish.to_owned(), "[build] versions".to_owned()));
    if asked.is_none()
        && let Some(file) = app.read_above(".tool-versions")?
    {
        let found = lines::tools(&file).into_iter().find(|(_, name, _)| name == tool);
        asked = found.map(|(line, _, version)| (version, format!("{}:{line}", file.path)));
    }
    let Some((text, source)) = asked else { return Ok(None) };
    let version = text.trim().trim_start_matches('v');
    if is_version(version) {
        return Ok(Some((version.to_owned(), source)));
    }
    Err(refused(
        language,
        format!("{source}: `{text}` is no version of {tool}"),
        "write a number such as `1.2.3`",
    ))
}

/// Returns whether a text is a version of one to three numbers.
pub(crate) fn is_version(text: &str) -> bool {
    let is_number = |part: &str| {
        (1..=5).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    text.split('.').count() <= 3 && text.split('.').all(is_number)
}

/// Returns whether a name can be part of a path and of a command.
pub(crate) fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty()
        && text.len() <= 100
        && !text.starts_with(['-', '.'])
        && text.bytes().all(is_part)
}

/// Returns the text between the first quotes of a line.
pub(crate) fn quoted(line: &str) -> Option<&str> {
    let (_, rest) = line.split_once('"')?;
    rest.split_once('"').map(|(text, _)| text)
}

/// Returns the content of a file without the comments that begin with `mark`, line by line.
pub(crate) fn code<'a>(
    file: &'a File,
    mark: &'a str,
) -> impl Iterator<Item = (usize, &'a str)> + 'a {
    file.lines().map(move |(line, text)| {
        (line, text.split_once(mark).map_or(text, |(before, _)| before).trim())
    })
}

/// Manifests of languages that have a detector of their own.
const MANIFESTS: &[&str] = &[
    "package.json",
    "go.mod",
    "Cargo.toml",
    "requirements.txt",
    "pyproject.toml",
    "setup.py",
    "Pipfile",
    "Gemfile",
    "composer.json",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "mix.exs",
    "deno.json",
    "deno.jsonc",
];

/// Returns whether the app's folder has the manifest of another language: scripts and C beside it are its own.
pub(crate) fn is_another_language_s(app: &App<'_>) -> bool {
    MANIFESTS.iter().any(|name| app.has(name)) || !app.glob(&["*.csproj", "*.sln"], 1).is_empty()
}
