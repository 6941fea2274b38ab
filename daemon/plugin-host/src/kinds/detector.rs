//! Detectors: what is in the tree, and how to build it.

use super::{
    Guest, OutputError,
    invoke::{Call, Return},
};
use crate::{
    bindings::detector::exports::windlass::plugin::detector, host::State, text::sanitize,
    tree::TreeHandle,
};
use windlass_model::{
    job::Stage,
    recipe::{BuildStage, BuildStep, ImagePlan, Recipe},
};

/// Call of `detect`.
pub(crate) struct Detect {
    pub(crate) tree: TreeHandle,
    pub(crate) matched: Vec<String>,
}

impl Guest for Detect {
    const CALL: &'static str = "detect";
    const STAGE: Stage = Stage::Detect;
    type Output = Option<detector::Detection>;

    fn into_call(self, state: &mut State) -> wasmtime::Result<Call> {
        Ok(Call::Detect { tree: state.lend(self.tree)?, matched: self.matched })
    }

    fn output(_: &mut State, returned: Return) -> Result<Self::Output, OutputError> {
        match returned {
            Return::Detection(found) => Ok(found),
            _ => Err(OutputError::UnexpectedReply),
        }
    }
}

pub(crate) fn recipe(plugin: &str, detection: detector::Detection) -> Recipe {
    let step = |step| match step {
        detector::Step::Copy(copy) => {
            BuildStep::Copy {
                from: copy.from,
                sources: copy.sources,
                dest: copy.dest,
                owned: false,
                why: None,
            }
        }
        detector::Step::Run(run) => BuildStep::Run {
            argv: run.command,
            caches: run.caches,
            secrets: Vec::new(),
            why: None,
        },
    };
    let stage = |stage: detector::Stage| BuildStage {
        name: stage.name,
        base: stage.base,
        env: stage.env,
        steps: stage.steps.into_iter().map(step).collect(),
        ..BuildStage::default()
    };
    let image = detection.image;
    Recipe {
        detector: plugin.into(),
        language: sanitize(&detection.language),
        score: detection.score.min(100),
        toolchains: detection
            .toolchains
            .iter()
            .map(|tool| match &tool.version {
                Some(version) => sanitize(&format!("{} {version}", tool.name)),
                None => sanitize(&tool.name),
            })
            .collect(),
        evidence: detection.evidence.iter().map(|line| sanitize(line)).collect(),
        image: ImagePlan {
            stages: image.stages.into_iter().map(stage).collect(),
            test_in: image.test_in,
            start: image.start,
            port: image.port.filter(|port| *port != 0),
            health: image.health,
            env: image.env,
            user: image.user,
        },
        ..Recipe::default()
    }
}
