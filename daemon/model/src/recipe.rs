//! What a detector found: how to build, start and test what is in the tree.

use serde::{Deserialize, Serialize};

/// A detector's answer, checked by the host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipe {
    /// The plugin that said so.
    pub detector: String,
    /// `node`, `python`, `go` …
    pub language: String,
    /// 0–100: how sure it is. The best score wins.
    pub score: u8,
    /// Tools and the versions that were asked for: `node 22`.
    pub toolchains: Vec<String>,
    /// File and rule, for each thing that was concluded.
    pub evidence: Vec<String>,
    /// How to build an image.
    pub image: ImagePlan,
}

impl Recipe {
    /// Replaces `${name}` in all environments, and returns whether it was there.
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

/// A multi-stage build as data. The last stage is what runs, never as root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePlan {
    /// In the order they are written.
    pub stages: Vec<BuildStage>,
    /// The stage that has the tools that tests need.
    pub test_in: Option<String>,
    /// argv of the app.
    pub start: Vec<String>,
    /// Where it listens.
    pub port: Option<u16>,
    /// A path that answers 200 when the app is well.
    pub health: Option<String>,
    /// Environment at run time.
    pub env: Vec<(String, String)>,
    /// Numeric user that it runs as.
    pub user: u32,
}

/// One `FROM`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildStage {
    /// Its name, for `COPY --from` and `test_in`.
    pub name: String,
    /// An image reference or an earlier stage.
    pub base: String,
    /// Environment while building.
    pub env: Vec<(String, String)>,
    /// In order.
    pub steps: Vec<BuildStep>,
}

/// One line of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildStep {
    /// From the repository, or from an earlier stage.
    Copy {
        /// The earlier stage.
        from: Option<String>,
        /// Paths.
        sources: Vec<String>,
        /// A path in this stage.
        dest: String,
    },
    /// A command, with folders that outlive the build.
    Run {
        /// Never a shell line.
        argv: Vec<String>,
        /// Cache mounts, by path.
        caches: Vec<String>,
    },
}
