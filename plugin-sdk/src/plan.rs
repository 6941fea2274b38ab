//! Short ways to write a plan.

use crate::bindings::detector::exports::windlass::plugin::detector::{
    CopyFiles, RunCommand, Stage, Step,
};

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.into()).collect()
}

/// Returns a stage. `base` is an image or an earlier stage.
#[must_use]
pub fn stage(name: &str, base: &str, steps: Vec<Step>) -> Stage {
    Stage { name: name.into(), base: base.into(), env: Vec::new(), steps }
}

/// Returns a step that copies files of the repository.
#[must_use]
pub fn copy(sources: &[&str], dest: &str) -> Step {
    Step::Copy(CopyFiles { from: None, sources: owned(sources), dest: dest.into() })
}

/// Returns a step that copies files of an earlier stage.
#[must_use]
pub fn copy_from(stage: &str, source: &str, dest: &str) -> Step {
    Step::Copy(CopyFiles { from: Some(stage.into()), sources: owned(&[source]), dest: dest.into() })
}

/// Returns a step that runs a command.
#[must_use]
pub fn run(command: &[&str]) -> Step {
    run_cached(command, &[])
}

/// Returns a step that runs a command with folders that outlive the build (BuildKit's cache mounts).
#[must_use]
pub fn run_cached(command: &[&str], caches: &[&str]) -> Step {
    Step::Run(RunCommand { command: owned(command), caches: owned(caches) })
}
