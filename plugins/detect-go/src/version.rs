//! The release of Go that builds.

use crate::layout::Layout;
use windlass_plugin_sdk::{
    App, Refusal,
    gomod::directive_at,
    versions::{self, Asked, Chain, Chosen, Grammar, Runtime},
    workspace::folders::within,
};

/// Returns the release: the toolchain that go.work or go.mod names, else the newest that their `go` allows.
///
/// # Errors
/// No release fits what is asked for.
pub(crate) fn chosen(app: &App<'_>, layout: &Layout) -> Result<Chosen, Refusal> {
    let mut chain = Chain::of(app, Runtime::Go);
    for (path, text) in &layout.files {
        let path = within(app.folder, path).unwrap_or(path);
        chain = chain.first(toolchain(path, text));
    }
    for (path, text) in &layout.files {
        let path = within(app.folder, path).unwrap_or(path);
        chain = chain.first(minimum(path, text));
    }
    chain.first(versions::file(app, ".go-version", Grammar::Go)?).choose()
}

fn toolchain(path: &str, text: &str) -> Option<Asked> {
    let (line, value) = directive_at(text, "toolchain")?;
    // `default` stands for the toolchain that is there. A suffix names a build of somebody's own.
    let version = value.strip_prefix("go")?.split(['-', '+']).next()?.to_owned();
    let source = format!("{path}:{line} toolchain {value}");
    Some(Asked { text: version, source, grammar: Grammar::Go })
}

fn minimum(path: &str, text: &str) -> Option<Asked> {
    let (line, value) = directive_at(text, "go")?;
    let source = format!("{path}:{line} go {value} or newer");
    Some(Asked { text: format!(">={value}"), source, grammar: Grammar::Go })
}

/// Returns the image of a release. Debian's `bookworm` came with the last patches of Go 1.19 and 1.20.
pub(crate) fn image(version: &str) -> String {
    let mut parts = version.split('.').map(str::parse::<u32>);
    let is_older = match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(1)), Some(Ok(minor)), patch) => match (minor, patch) {
            (19, Some(Ok(patch))) => patch < 10,
            (20, Some(Ok(patch))) => patch < 5,
            _ => minor < 19,
        },
        _ => false,
    };
    let debian = if is_older { "bullseye" } else { "bookworm" };
    format!("golang:{version}-{debian}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_older_than_bookworm_has_an_older_debian() {
        for (version, image) in [
            ("1", "golang:1-bookworm"),
            ("1.27", "golang:1.27-bookworm"),
            ("1.18", "golang:1.18-bullseye"),
            ("1.19.9", "golang:1.19.9-bullseye"),
            ("1.20.5", "golang:1.20.5-bookworm"),
        ] {
            assert_eq!(super::image(version), image);
        }
    }

    #[test]
    fn directives_are_a_minimum_and_an_exact_toolchain() {
        let text = "module example.com/shop\n\ngo 1.22\n\ntoolchain go1.24.4\n";
        let asked = toolchain("go.mod", text).unwrap();
        assert_eq!((&*asked.text, &*asked.source), ("1.24.4", "go.mod:5 toolchain go1.24.4"));
        let asked = minimum("go.mod", text).unwrap();
        assert_eq!((&*asked.text, &*asked.source), (">=1.22", "go.mod:3 go 1.22 or newer"));
        assert!(toolchain("go.mod", "toolchain default\n").is_none());
    }
}
