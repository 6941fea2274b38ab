//! Checks of a recipe: what could break out of its line in a Dockerfile is refused.

use super::{server, text};
use thiserror::Error;
use windlass_model::{
    recipe::{BuildStage, BuildStep, ImagePlan, Recipe, StaticSite},
    spec::{is_url_path, is_variable},
};

/// Most stages of a plan, with those of another detector's assets.
const MOST_STAGES: usize = 24;

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

/// Checks all of a recipe that is written into a Dockerfile.
pub(super) fn check(recipe: &Recipe) -> Result<(), RecipeError> {
    let plan = &recipe.image;
    let word = |c: char| c.is_ascii_alphanumeric() || "+#.- ".contains(c);
    let is_word = recipe.language.len() <= 40 && recipe.language.chars().all(word);
    // It begins the first line, where BuildKit reads its own directives.
    ensure(is_word, "language", &recipe.language, "letters, digits, `+`, `#`, `.` and `-`")?;
    ensure(plan.stages.len() <= MOST_STAGES, "stages", "", "at most 24 stages")?;
    plan.start.iter().try_for_each(|arg| argument("start", arg))?;
    variables("env", &plan.env)?;
    if let Some(path) = &plan.health {
        ensure(is_url_path(path), "health", path, "a URL path that starts with `/`")?;
    }
    let mut known: Vec<&str> = Vec::new();
    for stage in &plan.stages {
        check_stage(stage, &known)?;
        known.push(&stage.name);
    }
    match &recipe.serves {
        Some(site) => check_site(site, plan, &known)?,
        None => {
            ensure(!plan.stages.is_empty(), "stages", "", "at least one stage")?;
            ensure(!plan.start.is_empty(), "start", "", "the argv that starts the app")?;
            ensure(plan.user != 0, "user", "0", "a user other than root")?;
        }
    }
    match &plan.test_in {
        Some(name) => ensure(known.contains(&&**name), "test-in", name, "one of the stages"),
        None => Ok(()),
    }
}

fn check_stage(stage: &BuildStage, known: &[&str]) -> Result<(), RecipeError> {
    ensure(is_stage(&stage.name), "stage.name", &stage.name, "a-z, 0-9 and `-`, from a letter")?;
    ensure(!known.contains(&&*stage.name), "stage.name", &stage.name, "a name of its own")?;
    let base = known.contains(&&*stage.base) || is_reference(&stage.base);
    ensure(base, "stage.base", &stage.base, "an image reference or an earlier stage")?;
    if let Some(path) = &stage.workdir {
        let good = path.starts_with('/') && is_path(path) && !path.contains('*');
        ensure(good, "stage.workdir", path, "an absolute path without `..`")?;
    }
    variables("stage.env", &stage.env)?;
    for package in &stage.packages {
        let expected = "a package: a-z, 0-9, `+`, `.` and `-`, at most 60 characters";
        ensure(is_package(package), "stage.packages", package, expected)?;
    }
    stage.steps.iter().try_for_each(|step| check_step(step, known))
}

fn check_step(step: &BuildStep, known: &[&str]) -> Result<(), RecipeError> {
    match step {
        BuildStep::Assets => Ok(()),
        BuildStep::Copy { from, sources, dest, .. } => {
            if let Some(from) = from {
                ensure(known.contains(&&**from), "copy.from", from, "an earlier stage")?;
            }
            ensure(!sources.is_empty(), "copy.sources", "", "at least one path")?;
            let expected = "a path without `..`";
            ensure(is_dest(dest), "copy", dest, expected)?;
            sources.iter().try_for_each(|path| ensure(is_source(path), "copy", path, expected))
        }
        BuildStep::Run { argv, caches, secrets, .. } => {
            ensure(!argv.is_empty(), "run.argv", "", "a command")?;
            argv.iter().try_for_each(|arg| argument("run.argv", arg))?;
            caches.iter().try_for_each(|path| {
                let good = path.starts_with('/') && is_path(path) && !path.contains(',');
                ensure(good, "run.caches", path, "an absolute path without `..` or `,`")
            })?;
            secrets.iter().try_for_each(|secret| {
                let (id, variable) = text::secret(secret);
                let expected = "the name of a variable: letters, digits and `_`, not from a digit";
                ensure(is_id(&id) && is_variable(variable), "run.secrets", secret, expected)
            })
        }
    }
}

fn check_site(site: &StaticSite, plan: &ImagePlan, known: &[&str]) -> Result<(), RecipeError> {
    ensure(plan.start.is_empty(), "start", &plan.start.join(" "), "empty: a folder is served")?;
    let taken = known.contains(&server::STAGE);
    ensure(!taken, "stage.name", server::STAGE, "another name: the server's stage has it")?;
    let plain = |path: &str| is_path(path) && !path.contains(['*', '@', '+']);
    let path = "a path without `..`";
    if let Some(stage) = &site.stage {
        ensure(known.contains(&&**stage), "serves.stage", stage, "one of the stages")?;
        ensure(site.folder.starts_with('/'), "serves.folder", &site.folder, "an absolute path")?;
    }
    ensure(plain(&site.folder), "serves.folder", &site.folder, path)?;
    for file in site.fallback.iter().chain(&site.not_found) {
        ensure(plain(file), "serves", file, path)?;
    }
    for folder in &site.immutable {
        let good = plain(folder) && folder.len() > 1 && !folder.contains("//");
        let good = good && folder.starts_with('/') && folder.ends_with('/');
        ensure(good, "serves.immutable", folder, "a folder's path from `/` to `/`, not the root")?;
    }
    Ok(())
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

fn is_package(name: &str) -> bool {
    name.len() <= 60
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+.-".contains(c))
}

/// Returns whether a text can be the id of a secret mount.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 256
        && id.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// Returns whether a text has the letters of an image reference. Only the registry knows whether the image
/// exists.
fn is_reference(image: &str) -> bool {
    image.len() <= 255
        && image.starts_with(|c: char| c.is_ascii_alphanumeric())
        && image.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@".contains(c))
}

fn is_path(path: &str) -> bool {
    fits(path, "._-/*+@")
}

/// Returns whether a path can be a source of `COPY`. One that [`is_path`] refuses is written in JSON form.
fn is_source(path: &str) -> bool {
    fits(path, "._-/*+@ ()[]")
}

/// Returns whether a path can be the destination of `COPY`: a workspace's member lies where its folder does.
fn is_dest(path: &str) -> bool {
    is_source(path) && !path.contains('*')
}

/// Returns whether a path must be written in JSON form.
pub(super) fn needs_json(path: &str) -> bool {
    !is_path(path)
}

fn fits(path: &str, others: &str) -> bool {
    !path.is_empty()
        && path.len() <= 1024
        && !path.starts_with('-')
        && !path.split('/').any(|part| part == "..")
        && path.chars().all(|c| c.is_ascii_alphanumeric() || others.contains(c))
}
