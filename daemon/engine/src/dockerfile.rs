//! Renders a recipe as a Dockerfile that a person could have written.
//!
//! A recipe comes from a plugin that nobody reviewed: every name, path, reference and argument is
//! checked before it is written, and commands are written in exec form only.

use std::fmt::Write;
use thiserror::Error;
use windlass_model::{
    recipe::{BuildStage, BuildStep, ImagePlan, Recipe},
    spec::{is_url_path, is_variable},
};

/// Something in a recipe that has no place in a Dockerfile.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{field}: `{value}` is refused: {expected}")]
pub struct RecipeError {
    /// Path of the field in the recipe.
    pub field: String,
    /// Value of the field, shortened and escaped.
    pub value: String,
    /// Values that are allowed.
    pub expected: &'static str,
}

/// Renders the Dockerfile of a recipe.
///
/// # Errors
/// [`RecipeError`] names the first field that could not have been written by an honest detector.
pub fn render(recipe: &Recipe) -> Result<String, RecipeError> {
    let plan = &recipe.image;
    check(plan)?;
    let mut text = format!("# {} app, found by `{}`", recipe.language, recipe.detector);
    let last = plan.stages.len().saturating_sub(1);
    for (index, stage) in plan.stages.iter().enumerate() {
        text.push_str("\n\n");
        stage_lines(&mut text, stage);
        if index == last {
            ending(&mut text, plan);
        }
    }
    text.push('\n');
    Ok(text)
}

fn stage_lines(text: &mut String, stage: &BuildStage) {
    let _ = write!(text, "FROM {} AS {}\nWORKDIR /app", stage.base, stage.name);
    environment(text, &stage.env);
    for step in &stage.steps {
        match step {
            BuildStep::Copy { from, sources, dest, .. } => {
                let from = from.as_ref().map(|from| format!("--from={from} ")).unwrap_or_default();
                let _ = write!(text, "\nCOPY {from}{} {dest}", sources.join(" "));
            }
            BuildStep::Run { argv, caches, .. } => {
                text.push_str("\nRUN ");
                for cache in caches {
                    let _ = write!(text, "--mount=type=cache,target={cache} ");
                }
                text.push_str(&exec(argv));
            }
            BuildStep::Assets => {}
        }
    }
}

fn ending(text: &mut String, plan: &ImagePlan) {
    environment(text, &plan.env);
    let _ = write!(text, "\nUSER {}", plan.user);
    if let Some(port) = plan.port {
        let _ = write!(text, "\nEXPOSE {port}");
    }
    let _ = write!(text, "\nCMD {}", exec(&plan.start));
}

fn environment(text: &mut String, env: &[(String, String)]) {
    for (index, (name, value)) in env.iter().enumerate() {
        let lead = if index == 0 { "\nENV " } else { " \\\n    " };
        let _ = write!(text, "{lead}{name}={}", quoted(value));
    }
}

fn exec(argv: &[String]) -> String {
    let parts: Vec<_> =
        argv.iter().map(|part| serde_json::Value::from(&**part).to_string()).collect();
    format!("[{}]", parts.join(", "))
}

/// Quotes a value, and escapes what Dockerfile's own expansion would read.
fn quoted(value: &str) -> String {
    let mut text = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

fn check(plan: &ImagePlan) -> Result<(), RecipeError> {
    ensure(!plan.stages.is_empty() && plan.stages.len() <= 16, "stages", "", "1 to 16 stages")?;
    ensure(!plan.start.is_empty(), "start", "", "the argv that starts the app")?;
    ensure(plan.user != 0, "user", "0", "a user other than root")?;
    plan.start.iter().try_for_each(|arg| argument("start", arg))?;
    variables("env", &plan.env)?;
    if let Some(path) = &plan.health {
        ensure(is_url_path(path), "health", path, "a URL path that starts with `/`")?;
    }
    let mut known: Vec<&str> = Vec::new();
    for stage in &plan.stages {
        ensure(
            is_stage(&stage.name),
            "stage.name",
            &stage.name,
            "a-z, 0-9 and `-`, from a letter",
        )?;
        ensure(!known.contains(&&*stage.name), "stage.name", &stage.name, "a name of its own")?;
        let base = known.contains(&&*stage.base) || is_reference(&stage.base);
        ensure(base, "stage.base", &stage.base, "an image reference or an earlier stage")?;
        variables("stage.env", &stage.env)?;
        for step in &stage.steps {
            check_step(step, &known)?;
        }
        known.push(&stage.name);
    }
    match &plan.test_in {
        Some(name) => ensure(known.contains(&&**name), "test-in", name, "one of the stages"),
        None => Ok(()),
    }
}

fn check_step(step: &BuildStep, known: &[&str]) -> Result<(), RecipeError> {
    match step {
        BuildStep::Copy { from, sources, dest, .. } => {
            if let Some(from) = from {
                ensure(known.contains(&&**from), "copy.from", from, "an earlier stage")?;
            }
            ensure(!sources.is_empty(), "copy.sources", "", "at least one path")?;
            let mut paths = sources.iter().chain([dest]);
            paths.try_for_each(|path| ensure(is_path(path), "copy", path, "a path without `..`"))
        }
        BuildStep::Assets => Ok(()),
        BuildStep::Run { argv, caches, .. } => {
            ensure(!argv.is_empty(), "run.argv", "", "a command")?;
            argv.iter().try_for_each(|arg| argument("run.argv", arg))?;
            caches.iter().try_for_each(|path| {
                let good = path.starts_with('/') && is_path(path) && !path.contains(',');
                ensure(good, "run.caches", path, "an absolute path without `..` or `,`")
            })
        }
    }
}

fn ensure(good: bool, field: &str, value: &str, expected: &'static str) -> Result<(), RecipeError> {
    if good {
        return Ok(());
    }
    let value = value.chars().take(80).collect::<String>().escape_debug().to_string();
    Err(RecipeError { field: field.into(), value, expected })
}

fn argument(field: &str, arg: &str) -> Result<(), RecipeError> {
    let good = arg.len() <= 4096 && !arg.chars().any(char::is_control);
    ensure(good, field, arg, "text of at most 4096 bytes without control characters")
}

fn variables(field: &str, env: &[(String, String)]) -> Result<(), RecipeError> {
    env.iter().try_for_each(|(name, value)| {
        ensure(is_variable(name), field, name, "letters, digits and `_`, not from a digit")?;
        argument(field, value)
    })
}

fn is_stage(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name != "scratch"
}

/// Returns whether a text has the letters of an image reference. Only the registry knows whether the image
/// exists.
fn is_reference(image: &str) -> bool {
    image.len() <= 255
        && image.starts_with(|c: char| c.is_ascii_alphanumeric())
        && image.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c))
}

fn is_path(path: &str) -> bool {
    !path.is_empty()
        && path.len() <= 1024
        && !path.starts_with('-')
        && !path.split('/').any(|part| part == "..")
        && path.chars().all(|c| c.is_ascii_alphanumeric() || "._-/*+@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recipe() -> Recipe {
        let text = |s: &str| s.to_owned();
        Recipe {
            detector: text("python"),
            language: text("python"),
            score: 80,
            toolchains: vec![],
            evidence: vec![],
            image: ImagePlan {
                stages: vec![
                    BuildStage {
                        name: text("build"),
                        base: text("python:3.11-slim"),
                        env: vec![(text("PIP_NO_INPUT"), text("1"))],
                        steps: vec![
                            BuildStep::copy(None, &["requirements.txt"], "./"),
                            BuildStep::Run {
                                argv: vec![text("pip"), text("install")],
                                caches: vec![text("/root/.cache/pip")],
                                secrets: vec![],
                                why: None,
                            },
                        ],
                        ..BuildStage::default()
                    },
                    BuildStage {
                        name: text("run"),
                        base: text("build"),
                        env: vec![],
                        steps: vec![BuildStep::copy(Some("build"), &["/app"], "/app")],
                        ..BuildStage::default()
                    },
                ],
                test_in: Some(text("build")),
                start: vec![text("python"), text("app.py")],
                port: Some(8080),
                health: None,
                env: vec![(text("A"), text("\"x\" $y"))],
                user: 10001,
            },
            ..Recipe::default()
        }
    }

    #[test]
    fn reads_as_a_person_would_write_it() {
        let expected = r#"# python app, found by `python`

FROM python:3.11-slim AS build
WORKDIR /app
ENV PIP_NO_INPUT="1"
COPY requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip ["pip", "install"]

FROM build AS run
WORKDIR /app
COPY --from=build /app /app
ENV A="\"x\" \$y"
USER 10001
EXPOSE 8080
CMD ["python", "app.py"]
"#;
        assert_eq!(render(&recipe()).unwrap(), expected);
    }

    #[test]
    fn what_would_break_out_of_a_line_is_refused() {
        let cases: [fn(&mut Recipe); 8] = [
            |r| r.image.stages[0].base = "x\nRUN evil".into(),
            |r| r.image.stages[0].name = "a b".into(),
            |r| r.image.env[0].0 = "A=1\nUSER".into(),
            |r| r.image.env[0].1 = "1\nUSER 0".into(),
            |r| r.image.start[0] = "a\nb".into(),
            |r| r.image.user = 0,
            |r| r.image.test_in = Some("nowhere".into()),
            |r| {
                r.image.stages[0].steps[0] = BuildStep::copy(None, &["../../etc"], "x");
            },
        ];
        for (index, spoil) in cases.iter().enumerate() {
            let mut recipe = recipe();
            spoil(&mut recipe);
            assert!(render(&recipe).is_err(), "case {index}");
        }
    }
}
