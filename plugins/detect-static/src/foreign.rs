//! Manifests of other languages, beside which files of HTML are likely no site of their own.

use windlass_plugin_sdk::App;

/// Manifests whose program may serve, or is documented by, the HTML beside it.
const MANIFESTS: &[&str] = &[
    "go.mod",
    "Cargo.toml",
    "requirements.txt",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Pipfile",
    "manage.py",
    "composer.json",
    "index.php",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
    "mix.exs",
    "deno.json",
    "deno.jsonc",
    "pubspec.yaml",
    "Package.swift",
    "build.sbt",
    "project.clj",
    "gleam.toml",
    "shard.yml",
    "CMakeLists.txt",
    "Makefile",
    "Gemfile",
];

/// Manifests that sites have for their tools, too.
const TOOLS: &[&str] = &["Makefile", "Gemfile"];

/// Returns the first manifest of a program in the app's folder.
pub(crate) fn program(app: &App<'_>) -> Option<String> {
    let own = MANIFESTS.iter().filter(|name| !TOOLS.contains(name)).find(|name| app.has(name));
    own.map(|name| (*name).to_owned()).or_else(|| project(app))
}

/// Returns the first manifest of another language in the app's folder.
pub(crate) fn manifest(app: &App<'_>) -> Option<String> {
    let own = MANIFESTS.iter().find(|name| app.has(name)).map(|name| (*name).to_owned());
    own.or_else(|| project(app))
}

fn project(app: &App<'_>) -> Option<String> {
    // Scripts of PHP beside a page, such as `contact.php`, would be sent as text.
    app.glob(&["*.csproj", "*.fsproj", "*.sln", "*.cabal", "*.php"], 1).into_iter().next()
}
