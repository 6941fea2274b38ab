//! Recipes: the answer of a detector how to build, start and test the content of a tree.

use serde::{Deserialize, Serialize};

/// A detector's answer, checked by the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The plugin that made the recipe.
    pub detector: String,
    /// `node`, `python`, `go` …
    pub language: String,
    /// Certainty of the detector, 0–100. The highest score wins.
    pub score: u8,
    /// Tools with the versions that the tree requests: `node 22`.
    pub toolchains: Vec<String>,
    /// File and rule for each conclusion.
    pub evidence: Vec<String>,
    pub image: ImagePlan,
}

impl Recipe {
    /// Replaces `${name}` in all environments, and returns whether one held it.
    pub fn fill(&mut self, name: &str, value: &str) -> bool {
        let placeholder = format!("${{{name}}}");
        let stages = self.image.stages.iter_mut().flat_map(|stage| &mut stage.env);
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

/// A multi-stage build as data. The last stage runs, and never as root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePlan {
    /// Stages, in the order of the Dockerfile.
    pub stages: Vec<BuildStage>,
    /// The stage with the tools that tests need. `None` means that no stage has them.
    pub test_in: Option<String>,
    /// `Cmd` of the image: argv of the app.
    pub start: Vec<String>,
    /// TCP port at which the app listens. `None` means that it is not known.
    pub port: Option<u16>,
    /// A path that answers 200 when the app is healthy. `None` means that no such path is known.
    pub health: Option<String>,
    /// Environment at run time.
    pub env: Vec<(String, String)>,
    /// `User` of the image: the numeric user that the app runs as.
    pub user: u32,
}

/// One `FROM`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildStage {
    /// Name of the stage, for `COPY --from` and `test_in`.
    pub name: String,
    /// An image reference or the name of an earlier stage.
    pub base: String,
    /// Environment of the build.
    pub env: Vec<(String, String)>,
    pub steps: Vec<BuildStep>,
}

/// One line of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildStep {
    /// `COPY`.
    Copy {
        /// `--from`: an earlier stage. `None` means the repository.
        from: Option<String>,
        sources: Vec<String>,
        /// A path in this stage.
        dest: String,
    },
    /// `RUN`, with folders that outlive the build.
    Run {
        /// Arguments of the command. No shell reads them.
        argv: Vec<String>,
        /// Paths of the cache mounts.
        caches: Vec<String>,
    },
}
