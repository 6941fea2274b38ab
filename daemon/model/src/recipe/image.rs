//! Plan of an image: a multi-stage build as data.

use serde::{Deserialize, Serialize};

/// A multi-stage build as data. The last stage runs, and never as root.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePlan {
    /// Stages, in the order of the Dockerfile.
    pub stages: Vec<BuildStage>,
    /// The stage with the tools that tests need. `None` means that no stage has them.
    pub test_in: Option<String>,
    /// `Cmd` of the image: argv of the app. Empty means that the host's own server serves a folder.
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
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildStage {
    /// Name of the stage, for `COPY --from` and `test_in`.
    pub name: String,
    /// An image reference or the name of an earlier stage.
    pub base: String,
    /// `WORKDIR`, absolute. `None` means `/app`.
    #[serde(default)]
    pub workdir: Option<String>,
    /// Environment of the build.
    pub env: Vec<(String, String)>,
    /// System packages by the names of the base's distribution, installed before the steps.
    #[serde(default)]
    pub packages: Vec<String>,
    pub steps: Vec<BuildStep>,
    /// Reason for the stage, as a comment. `None` means that the stage has no comment.
    #[serde(default)]
    pub why: Option<String>,
}

/// One line of a stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BuildStep {
    /// `COPY`.
    Copy {
        /// `--from`: an earlier stage. `None` means the build's context.
        from: Option<String>,
        sources: Vec<String>,
        /// A path in this stage.
        dest: String,
        /// `--chown` to the image's user, for folders that the app writes to.
        #[serde(default)]
        owned: bool,
        /// Reason for the line, as a comment. `None` means that the line has no comment.
        #[serde(default)]
        why: Option<String>,
    },
    /// `RUN`, with folders that outlive the build.
    Run {
        /// Arguments of the command. No shell reads them.
        argv: Vec<String>,
        /// Paths of the cache mounts.
        caches: Vec<String>,
        /// Variables whose values are mounted as secrets, for this command alone.
        #[serde(default)]
        secrets: Vec<String>,
        /// Reason for the line, as a comment. `None` means that the line has no comment.
        #[serde(default)]
        why: Option<String>,
    },
    /// Place for the files that another detector's [`Assets`](super::Assets) build. The engine replaces or
    /// removes it.
    Assets,
}

impl BuildStep {
    /// Returns a `COPY` out of the build's context, or out of an earlier stage.
    #[must_use]
    pub fn copy(from: Option<&str>, sources: &[&str], dest: &str) -> Self {
        Self::Copy {
            from: from.map(str::to_owned),
            sources: sources.iter().map(ToString::to_string).collect(),
            dest: dest.into(),
            owned: false,
            why: None,
        }
    }

    /// Returns a `RUN` without caches and secrets.
    #[must_use]
    pub fn run(argv: &[&str]) -> Self {
        Self::Run {
            argv: argv.iter().map(ToString::to_string).collect(),
            caches: Vec::new(),
            secrets: Vec::new(),
            why: None,
        }
    }
}

impl ImagePlan {
    /// Returns a stage and the stages that it is based on, itself first.
    #[must_use]
    pub fn based(&self, name: &str) -> Vec<&BuildStage> {
        let find = |name: &str| self.stages.iter().position(|stage| stage.name == name);
        let mut all = Vec::new();
        let mut at = find(name);
        while let Some(index) = at {
            let Some(stage) = self.stages.get(index) else { break };
            all.push(stage);
            // Only earlier ones: a plan that nobody has checked may lead in a circle.
            at = find(&stage.base).filter(|base| *base < index);
        }
        all
    }
}
