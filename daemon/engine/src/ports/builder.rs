//! The builder: from a tree to an image, tested and pushed.

use super::source::Tree;
use crate::recorder::Recorder;
use async_trait::async_trait;
use std::collections::BTreeMap;
use windlass_model::{
    error::BuildError,
    job::Image,
    secret::Secret,
    testing::{LastWords, TestOutput, TestRun},
};

/// What to build.
pub struct BuildRequest {
    /// A path in the tree, or the text of a rendered recipe.
    pub dockerfile: Dockerfile,
    /// The stage to deploy; none is the last.
    pub target: Option<String>,
    /// Values of ARGs.
    pub arguments: BTreeMap<String, String>,
    /// Build secrets by id.
    pub secrets: BTreeMap<String, Secret>,
    /// What the image is called: `registry/project/app:commit`.
    pub reference: String,
    /// Whose context this is, so that unchanged files are not sent again: app, repository, folder.
    pub context: String,
}

/// Where the Dockerfile's text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dockerfile {
    /// A path in the tree.
    Path(String),
    /// Rendered from a recipe.
    Text(String),
}

/// Builds images.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Builds `order` from `tree`. Dropping what it gives, or the future, cancels the build.
    async fn open(
        &self,
        order: BuildRequest,
        tree: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Box<dyn Build>, BuildError>;
}

/// What one job built, still in the builder.
#[async_trait]
pub trait Build: Send + Sync {
    /// How the image says that it runs.
    fn config(&self) -> &ImageConfig;
    /// Runs a command in a container of the built stage. A command that fails is an answer, not
    /// an error. Dropping the future ends the command; `last` then holds its last lines.
    async fn test(
        &self,
        test: &TestRun,
        last: &LastWords,
        recorder: &Recorder,
    ) -> Result<TestOutput, BuildError>;
    /// Pushes exactly what was built. Pushing what is there is no error.
    async fn push(&mut self, recorder: &Recorder) -> Result<Image, BuildError>;
}

/// What the pipeline reads of an image's configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// Numeric user; none is root.
    pub user: Option<u32>,
    /// TCP ports that it exposes, ascending.
    pub ports: Vec<u16>,
    /// Those that the deployed stage exposes itself, beside what it is built on; empty where nobody
    /// can tell.
    pub own_ports: Vec<u16>,
    /// Entrypoint and command.
    pub command: Vec<String>,
    /// Stages of the repository's own Dockerfile that have a name, in order and in small letters; none
    /// where its frontend does not tell.
    pub stages: Option<Vec<String>>,
}
