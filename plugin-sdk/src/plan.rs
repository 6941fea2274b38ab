//! Short ways to write a plan.

use crate::bindings::detector::exports::windlass::plugin::detector::{
    CopyFiles, RunCommand, Stage, Step,
};

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.into()).collect()
}

/// A stage; `base` is an image or an earlier stage.
#[must_use]
pub fn stage(name: &str, base: &str, steps: Vec<Step>) -> Stage {
    Stage { name: name.into(), base: base.into(), env: Vec::new(), steps }
}

/// Files of the repository.
#[must_use]
pub fn copy(sources: &[&str], dest: &str) -> Step {
    Step::Copy(CopyFiles { from: None, sources: owned(sources), dest: dest.into() })
}

/// Files of an earlier stage.
#[must_use]
pub fn copy_from(stage: &str, source: &str, dest: &str) -> Step {
    Step::Copy(CopyFiles { from: Some(stage.into()), sources: owned(&[source]), dest: dest.into() })
}

/// A command.
#[must_use]
pub fn run(command: &[&str]) -> Step {
    run_cached(command, &[])
}

/// A command with folders that outlive the build.
#[must_use]
pub fn run_cached(command: &[&str], caches: &[&str]) -> Step {
    Step::Run(RunCommand { command: owned(command), caches: owned(caches) })
}
