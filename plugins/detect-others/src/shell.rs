//! Apps that are a script.

use crate::answer::{DEBIAN, code, is_another_language_s, plan, refused};
use windlass_plugin_sdk::{App, Found, StageExt, score, stage};

/// Programs that scripts start, and that the image does not have.
const ABSENT: &[&str] = &[
    "bun",
    "bundle",
    "cargo",
    "curl",
    "deno",
    "docker",
    "docker-compose",
    "dotnet",
    "flask",
    "gcc",
    "go",
    "gradle",
    "gunicorn",
    "java",
    "julia",
    "make",
    "mix",
    "mvn",
    "node",
    "npm",
    "npx",
    "php",
    "pip",
    "pip3",
    "pnpm",
    "podman",
    "poetry",
    "python",
    "python3",
    "Rscript",
    "ruby",
    "streamlit",
    "uv",
    "uvicorn",
    "wget",
    "yarn",
];

/// Returns the plan of `start.sh` or `run.sh`, where the folder has no manifest of another language.
///
/// # Errors
/// The script cannot be read, or starts a program that the image does not have.
pub(crate) fn app(app: &App<'_>) -> Found {
    for name in ["start.sh", "run.sh"] {
        let Some(file) = app.read(name)? else { continue };
        if is_another_language_s(app) {
            return Ok(None);
        }
        if let Some((line, program)) =
            code(&file, "#").find_map(|(line, text)| Some((line, absent(text)?)))
        {
            return Err(refused(
                "shell",
                format!(
                    "{}:{line}: `{program}` is not in an image that only runs scripts",
                    file.path
                ),
                "commit the manifest of the app's language, or a Dockerfile that installs the program",
            ));
        }
        let first = file.text.lines().next().unwrap_or_default();
        let is_bash = first.starts_with("#!") && first.contains("bash");
        let interpreter = if is_bash { "bash" } else { "sh" };
        let evidence = format!("{}:1: a script of {interpreter}", file.path);
        let start = vec![interpreter.to_owned(), name.to_owned()];
        let mut detection = plan(app, "shell", score::INFERRED, evidence, start);
        detection.image.stages = vec![stage("run", DEBIAN).copy(&["."], "./")];
        return Ok(Some(detection));
    }
    Ok(None)
}

/// Returns the program of a line, or of a part of it, that the image does not have.
fn absent(line: &str) -> Option<&str> {
    let parts = line.split(['|', '&', ';', '(', '`']).map(str::trim);
    parts.filter_map(program).find(|program| ABSENT.contains(program))
}

/// Returns the program that a command starts, behind variables and words that start another.
fn program(command: &str) -> Option<&str> {
    let begins = ["exec", "nohup", "sudo", "time", "then", "do", "else", "if", "!", "env"];
    let mut words = command.split_whitespace();
    words.find(|word| !begins.contains(word) && !word.contains('='))
}
