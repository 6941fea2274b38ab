//! Starts that no image of Node can run.

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

/// Returns the program of another language that stays as the app.
pub(crate) fn foreign(argv: &[String]) -> Option<&str> {
    let program = match argv {
        [shell, _, line] if shell == "sh" => {
            let last = line.rsplit("&&").next().unwrap_or_default();
            last.split_whitespace()
                .find(|word| !matches!(*word, "exec" | "env") && !word.contains('='))?
        }
        [program, ..] => program.as_str(),
        [] => return None,
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    FOREIGN.contains(&name).then_some(program)
}
