//! Starts that no image of Node can run.

use windlass_plugin_sdk::App;

/// Programs of other languages, which no image of Node has.
const FOREIGN: [&str; 37] = [
    "python",
    "python3",
    "pip",
    "uv",
    "poetry",
    "pipenv",
    "flask",
    "uvicorn",
    "gunicorn",
    "php",
    "heroku-php-apache2",
    "heroku-php-nginx",
    "frankenphp",
    "composer",
    "ruby",
    "bundle",
    "rails",
    "rake",
    "jekyll",
    "hugo",
    "mkdocs",
    "go",
    "cargo",
    "java",
    "mvn",
    "mvnw",
    "gradle",
    "gradlew",
    "dotnet",
    "mix",
    "deno",
    "docker",
    "docker-compose",
    "podman",
    "make",
    "open",
    "xdg-open",
];

/// Programs by which an app of Node is started.
const OWN: [&str; 18] = [
    "bash",
    "bun",
    "forever",
    "http-server",
    "next",
    "node",
    "nodemon",
    "npm",
    "npx",
    "nuxt",
    "pm2",
    "pm2-runtime",
    "pnpm",
    "serve",
    "sh",
    "ts-node",
    "tsx",
    "yarn",
];

/// Manifests of languages whose build makes a program.
const COMPILED: [&str; 14] = [
    "CMakeLists.txt",
    "Cargo.toml",
    "Package.swift",
    "build.gradle",
    "build.gradle.kts",
    "build.sbt",
    "gleam.toml",
    "go.mod",
    "go.work",
    "mix.exs",
    "pom.xml",
    "project.clj",
    "shard.yml",
    "stack.yaml",
];

/// Returns the program of another language that stays as the app.
pub(crate) fn foreign(argv: &[String]) -> Option<&str> {
    let program = program(argv)?;
    FOREIGN.contains(&name(program)).then_some(program)
}

/// Returns the program of a Procfile that the build of another language makes, and the manifest beside that says so.
pub(crate) fn built<'a>(app: &App<'_>, argv: &'a [String]) -> Option<(&'a str, &'static str)> {
    let program = program(argv)?;
    let path = program.trim_start_matches("./").trim_start_matches("/app/");
    let is_script = [".js", ".mjs", ".cjs", ".ts", ".sh"].iter().any(|end| path.ends_with(end));
    if OWN.contains(&name(program)) || path.starts_with("node_modules/") || is_script {
        return None;
    }
    let manifest = COMPILED.into_iter().find(|manifest| app.has(manifest))?;
    (!app.has(path)).then_some((program, manifest))
}

fn program(argv: &[String]) -> Option<&str> {
    match argv {
        [shell, _, line] if shell == "sh" => {
            let last = line.rsplit("&&").next().unwrap_or_default();
            last.split_whitespace()
                .find(|word| !matches!(*word, "exec" | "env") && !word.contains('='))
        }
        [program, ..] => Some(program.as_str()),
        [] => None,
    }
}

fn name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
