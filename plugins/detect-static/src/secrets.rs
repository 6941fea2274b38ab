//! Files of secrets among those that would be public.

use crate::site::refused;
use windlass_plugin_sdk::{App, Refusal};

/// Files that hold secrets by their names.
const FILES: &[&str] = &[
    "**/.env",
    "**/.env.*",
    "**/.netrc",
    "**/.git-credentials",
    "**/.htpasswd",
    "**/id_{rsa,ecdsa,ed25519}",
];

/// Endings of files that show which variables there are, without their values.
const SHOWN: &[&str] = &[".example", ".sample", ".template", ".dist", ".defaults"];

/// Number of files that are compared with `.dockerignore`.
const MOST: u32 = 100;

/// Refuses to serve a file of secrets that lies in the folder, unless `.dockerignore` leaves it out.
///
/// # Errors
/// There is such a file, or `.dockerignore` cannot be read.
pub(crate) fn keeps(app: &App<'_>, folder: &str) -> Result<(), Refusal> {
    let inside = |path: &String| {
        folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
    };
    let is_shown = |path: &String| SHOWN.iter().any(|ending| path.ends_with(ending));
    let found = app.glob(FILES, MOST);
    let mut found = found.iter().filter(|path| inside(path) && !is_shown(path)).peekable();
    if found.peek().is_none() {
        return Ok(());
    }
    let ignored = app.read(".dockerignore")?;
    let patterns = ignored.as_ref().map_or("", |file| file.text.as_str()).lines().map(str::trim);
    let patterns: Vec<_> = patterns.map(|line| line.trim_start_matches('/')).collect();
    let Some(public) = found.find(|path| !patterns.iter().any(|line| covers(line, path))) else {
        return Ok(());
    };
    Err(refused(
        format!(
            "{}: the file would be public, since all files beside index.html are served",
            app.at(public)
        ),
        format!("write `{public}` into .dockerignore, or move the site into a folder of its own"),
    ))
}

/// Returns whether a line of `.dockerignore` leaves a file out, as far as lines about such files go.
fn covers(line: &str, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let (line, is_near) = match line.strip_prefix("**/") {
        Some(line) => (line, true),
        None => (line, name == path),
    };
    let begins = |start: &str| name.starts_with(start);
    line == path
        || (is_near && line == name)
        || (is_near && matches!(line, ".*") && begins("."))
        || (is_near && matches!(line, ".env*") && begins(".env"))
        || (is_near && matches!(line, ".env.*") && begins(".env."))
}
