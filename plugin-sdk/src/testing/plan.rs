//! Questions that tests ask of a plan.

use crate::answer::{Detection, Stage, Step};

impl Detection {
    /// Returns the image that the last stage is based on, through earlier stages. Empty where there is no stage.
    #[must_use]
    pub fn base(&self) -> &str {
        self.image.stages.last().map_or("", |stage| self.root(stage))
    }

    /// Returns the image that the first stage is based on. Empty where there is no stage.
    #[must_use]
    pub fn build_base(&self) -> &str {
        self.image.stages.first().map_or("", |stage| self.root(stage))
    }

    /// Returns the image below a stage.
    pub(super) fn root<'a>(&'a self, stage: &'a Stage) -> &'a str {
        let stages = &self.image.stages;
        let mut base = stage.base.as_str();
        // A stage may be based on an earlier one only: there are no more steps than stages.
        for _ in 0..stages.len() {
            match stages.iter().find(|stage| stage.name == base) {
                Some(stage) => base = &stage.base,
                None => break,
            }
        }
        base
    }

    /// Returns value and source of the last decision on a subject.
    #[must_use]
    pub fn decided(&self, subject: &str) -> Option<(&str, &str)> {
        let decision = self.decisions.iter().rev().find(|decision| decision.subject == subject)?;
        Some((&decision.value, &decision.source))
    }

    /// Returns the commands of all stages, each joined by blanks.
    #[must_use]
    pub fn runs(&self) -> Vec<String> {
        let steps = self.image.stages.iter().flat_map(|stage| &stage.steps);
        steps
            .filter_map(|step| match step {
                Step::Run(run) => Some(run.command.join(" ")),
                Step::Copy(_) | Step::Assets => None,
            })
            .collect()
    }

    /// Returns the start, joined by blanks.
    #[must_use]
    pub fn start(&self) -> String {
        self.image.start.join(" ")
    }
}
