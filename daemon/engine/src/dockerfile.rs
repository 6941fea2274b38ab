//! Renders a recipe as a Dockerfile that a person could have written.
//!
//! A recipe comes from a plugin that nobody reviewed: every name, path, reference and argument is
//! checked before it is written, and commands are written in exec form only.

mod check;
mod server;
mod text;

pub use check::RecipeError;
pub(crate) use server::settle;
pub(crate) use text::exec;

use std::fmt::Write;
use text::{comment, environment, instruction, secret};
use windlass_model::recipe::{BuildStage, BuildStep, Choice, ImagePlan, Recipe};

/// Most decisions that the head lists.
const MOST_DECISIONS: usize = 30;
/// Working directory of a stage that names none.
pub(crate) const WORKDIR: &str = "/app";

/// Renders the Dockerfile of a recipe.
///
/// # Errors
/// [`RecipeError`] names the first field that could not have been written by an honest detector.
pub fn render(recipe: &Recipe) -> Result<String, RecipeError> {
    check::check(recipe)?;
    let plan = &recipe.image;
    let mut text = comment(&format!("{} app, found by `{}`", recipe.language, recipe.detector));
    for Choice { subject, value, source } in recipe.decisions.iter().take(MOST_DECISIONS) {
        instruction(&mut text, &comment(&format!("{subject} {value}: {source}")));
    }
    let last = plan.stages.len().saturating_sub(1);
    for (index, stage) in plan.stages.iter().enumerate() {
        text.push('\n');
        stage_lines(&mut text, stage, plan);
        if index == last && recipe.serves.is_none() {
            ending(&mut text, plan);
        }
    }
    if let Some(site) = &recipe.serves {
        text.push('\n');
        server::stage(&mut text, site, &plan.env);
    }
    text.push('\n');
    Ok(text)
}

fn reason(text: &mut String, why: Option<&str>) {
    if let Some(why) = why.filter(|why| !why.trim().is_empty()) {
        instruction(text, &comment(why));
    }
}

fn stage_lines(text: &mut String, stage: &BuildStage, plan: &ImagePlan) {
    reason(text, stage.why.as_deref());
    instruction(text, &format!("FROM {} AS {}", stage.base, stage.name));
    instruction(text, &format!("WORKDIR {}", stage.workdir.as_deref().unwrap_or(WORKDIR)));
    environment(text, &stage.env);
    packages(text, stage, plan);
    for step in &stage.steps {
        match step {
            BuildStep::Copy { from, sources, dest, owned, why } => {
                reason(text, why.as_deref());
                let from = from.as_ref().map(|from| format!("--from={from} ")).unwrap_or_default();
                let user = plan.user;
                let owner = if *owned { format!("--chown={user}:{user} ") } else { String::new() };
                instruction(text, &format!("COPY {from}{owner}{}", paths(sources, dest)));
            }
            BuildStep::Run { argv, caches, secrets, why } => {
                reason(text, why.as_deref());
                text.push_str("\nRUN ");
                for cache in caches {
                    let _ = write!(text, "--mount=type=cache,target={cache} ");
                }
                for entry in secrets {
                    let (id, variable) = secret(entry);
                    let _ = write!(text, "--mount=type=secret,id={id},env={variable} ");
                }
                text.push_str(&exec(argv));
            }
            // The engine has put the files of another detector in its place, or there are none.
            BuildStep::Assets => {}
        }
    }
}

/// Writes the installation of a stage's system packages.
fn packages(text: &mut String, stage: &BuildStage, plan: &ImagePlan) {
    let mut names: Vec<_> = stage.packages.iter().map(String::as_str).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return;
    }
    let names = names.join(" ");
    let based = plan.based(&stage.name);
    let image = based.last().map_or(&*stage.base, |root| &*root.base);
    if image.contains("alpine") {
        instruction(text, &format!("RUN apk add --no-cache {names}"));
    } else {
        let install = format!("apt-get install -y --no-install-recommends {names}");
        instruction(text, "RUN apt-get update \\");
        instruction(text, &format!("    && {install} \\"));
        instruction(text, "    && rm -rf /var/lib/apt/lists/*");
    }
}

/// Returns sources and destination of a `COPY`, in JSON form where a path has blanks or brackets. A bracket of a source
/// is written as a class of itself, since the builder reads sources as patterns.
fn paths(sources: &[String], dest: &str) -> String {
    let dest = match sources {
        [_, _, ..] if !dest.ends_with('/') => format!("{dest}/"),
        _ => dest.to_owned(),
    };
    let sources = sources.iter().map(|source| source.replace('[', "[[]"));
    let all: Vec<_> = sources.chain([dest]).collect();
    if all.iter().any(|path| check::needs_json(path)) { exec(&all) } else { all.join(" ") }
}

fn ending(text: &mut String, plan: &ImagePlan) {
    environment(text, &plan.env);
    instruction(text, &format!("USER {}", plan.user));
    if let Some(port) = plan.port {
        instruction(text, &format!("EXPOSE {port}"));
    }
    instruction(text, &format!("CMD {}", exec(&plan.start)));
}

#[cfg(test)]
mod tests;
