//! Recipes: the answer of a detector how to build, start and test the content of a tree.

mod answer;
mod image;

pub use answer::{
    Advice, Assets, BuildSecret, Candidate, Choice, FoundProcess, ProcessKind, Refusal, StaticSite,
};
pub use image::{BuildStage, BuildStep, ImagePlan};

use serde::{Deserialize, Serialize};

/// A detector's answer, checked by the host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The plugin that made the recipe.
    pub detector: String,
    /// `node`, `python`, `go` …
    pub language: String,
    /// Certainty of the detector, 0–100. The highest score wins.
    pub score: u8,
    /// Folder of the repository that sources of `COPY` are relative to. Empty means the repository's root.
    #[serde(default)]
    pub context: String,
    /// Tools with the versions that the tree requests: `node 22`.
    pub toolchains: Vec<String>,
    /// File and rule for each conclusion.
    pub evidence: Vec<String>,
    /// Values that the detector chose, each with its origin.
    #[serde(default)]
    pub decisions: Vec<Choice>,
    #[serde(default)]
    pub warnings: Vec<Advice>,
    pub image: ImagePlan,
    /// Folder that the host's own server serves. `None` means that the image has a `start` of its own.
    #[serde(default)]
    pub serves: Option<StaticSite>,
    /// Processes that the repository declares, beside `web`.
    #[serde(default)]
    pub processes: Vec<FoundProcess>,
    /// Folders that are apps of their own.
    #[serde(default)]
    pub candidates: Vec<Candidate>,
    /// Variables that the install wants.
    #[serde(default)]
    pub build_secrets: Vec<BuildSecret>,
    /// Files for an app of another language, should that one win. `None` means that there are none.
    #[serde(default)]
    pub assets: Option<Assets>,
}

impl Recipe {
    /// Replaces `${name}` in all environments, and returns whether one held it.
    pub fn fill(&mut self, name: &str, value: &str) -> bool {
        let placeholder = format!("${{{name}}}");
        let assets = self.assets.iter_mut().flat_map(|assets| &mut assets.stages);
        let stages = self.image.stages.iter_mut().chain(assets).flat_map(|stage| &mut stage.env);
        let mut is_there = false;
        for (_, text) in stages.chain(&mut self.image.env) {
            if text.contains(&placeholder) {
                *text = text.replace(&placeholder, value);
                is_there = true;
            }
        }
        is_there
    }
}
