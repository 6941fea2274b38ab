//! Secrets that registries of packages want.

use crate::{
    App, BuildSecret,
    js::{Kind, join},
};

/// Secrets of one install at most.
const MOST: usize = 20;

/// Keys whose lines log in.
const LOGINS: [&str; 7] =
    ["_authToken", "_auth", "_password", "npmAuthToken", "npmAuthIdent", "token", "password"];

/// Returns the variables that configuration files of the install name, from the app's folder and from `root`.
pub(super) fn wanted(app: &App<'_>, kind: Kind, root: &str) -> Vec<BuildSecret> {
    let names: &[&str] = match kind {
        Kind::Npm | Kind::Pnpm | Kind::Yarn1 => &[".npmrc"],
        Kind::Berry => &[".yarnrc.yml"],
        Kind::Bun => &["bunfig.toml", ".npmrc"],
    };
    let mut found: Vec<BuildSecret> = Vec::new();
    let mut folders = vec![root];
    if app.folder != root {
        folders.push(app.folder);
    }
    for path in folders.iter().flat_map(|folder| names.iter().map(move |name| join(folder, name))) {
        let Ok(Some(file)) = app.read_repo(&path) else { continue };
        for (number, line) in file.text.lines().enumerate() {
            let line = line.trim();
            if line.starts_with(['#', ';']) {
                continue;
            }
            let bare = path.ends_with("bunfig.toml");
            for (variable, has_default) in variables(line, bare) {
                if found.len() >= MOST || found.iter().any(|known| known.variable == variable) {
                    continue;
                }
                let source = format!("{path}:{}", number + 1);
                let required = !has_default && logs_in(line);
                found.push(BuildSecret { variable: variable.to_owned(), source, required });
            }
        }
    }
    found
}

/// Returns whether the line's key is a token or a password.
fn logs_in(line: &str) -> bool {
    let key = line.split(['=', '$']).next().unwrap_or_default();
    let key = key.trim_end_matches([' ', '"', '\'', ':', '{']).trim_end();
    LOGINS.iter().any(|login| key.ends_with(login))
}

/// Returns each `${NAME}` of a line, and whether it has a default. `bare` also takes `$NAME`.
fn variables(line: &str, bare: bool) -> Vec<(&str, bool)> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some((_, after)) = rest.split_once('$') {
        rest = after;
        let (inner, braces) = match after.strip_prefix('{') {
            Some(inner) => (inner, true),
            None if bare => (after, false),
            None => continue,
        };
        let end = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let (name, tail) = inner.split_at(end.unwrap_or(inner.len()));
        let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        let ends = !braces || tail.starts_with(['}', '-', ':', '?']);
        if starts && ends && name.len() <= 64 {
            found.push((name, braces && !tail.starts_with('}')));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{logs_in, variables};

    #[test]
    fn variables_are_taken_from_each_form_of_reference() {
        assert_eq!(
            variables("//r.example/:_authToken=${NPM_TOKEN}", false),
            [("NPM_TOKEN", false)]
        );
        assert_eq!(variables("npmAuthToken: \"${TOKEN:-}\"", false), [("TOKEN", true)]);
        assert_eq!(variables("token = \"$T\"", true), [("T", false)]);
        assert!(variables("price=$5 ${} ${9} ${a", false).is_empty());
        assert_eq!(variables("${A}/${B}", false), [("A", false), ("B", false)]);
    }

    #[test]
    fn only_lines_that_log_in_require_their_secret() {
        assert!(logs_in("//r.example/:_authToken=${NPM_TOKEN}"));
        assert!(logs_in("npmAuthToken: \"${NPM_TOKEN}\""));
        assert!(logs_in("token = \"$T\""));
        assert!(!logs_in("registry=https://${HOST}/npm"));
    }
}
