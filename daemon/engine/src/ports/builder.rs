//! Port of the builder: from a tree to an image, tested and pushed.

use super::source::Tree;
use crate::recorder::Recorder;
use async_trait::async_trait;
use std::{collections::BTreeMap, path::PathBuf};
use windlass_model::{
    error::BuildError,
    job::Image,
    secret::Secret,
    testing::{LastWords, TestOutput, TestRun},
};

/// Request for a build.
pub struct BuildRequest {
    /// Project whose logins and images the build may use.
    pub project: String,
    /// Name of the caches that the build shares with others. It begins with the project's.
    pub caches: String,
    /// A stranger wrote what is built: the build pulls without a login, and pushes its own image alone.
    pub is_fork: bool,
    pub dockerfile: Dockerfile,
    /// BuildKit's `target`: the stage to deploy. `None` means the last one.
    pub target: Option<String>,
    /// Values of `ARG`s.
    pub arguments: BTreeMap<String, String>,
    /// Build secrets by id.
    pub secrets: BTreeMap<String, Secret>,
    /// Reference of the image: `registry/project/app:commit`.
    pub reference: String,
    /// Key of the build context, by which unchanged files are not sent again: app, repository, folder.
    pub context: String,
    /// Folder of the build context, in the tree's repository. `None` means the app's folder.
    pub folder: Option<PathBuf>,
}

/// Source of a Dockerfile's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dockerfile {
    /// A path in the tree.
    Path(String),
    /// Text that was rendered from a recipe.
    Text(String),
}

/// Builds images.
#[async_trait]
pub trait Builder: Send + Sync {
    /// Builds an image from `tree`. Dropping the build, or the future, cancels it.
    async fn open(
        &self,
        request: BuildRequest,
        tree: &dyn Tree,
        recorder: &Recorder,
    ) -> Result<Box<dyn Build>, BuildError>;
}

/// Build of one job, still in the builder.
#[async_trait]
pub trait Build: Send + Sync {
    /// Returns the image's configuration.
    fn config(&self) -> &ImageConfig;
    /// Runs a command in a container of the built stage. A command that fails is an answer, not
    /// an error. Dropping the future ends the command; `last` then holds its last lines.
    async fn test(
        &self,
        test: &TestRun,
        last: &LastWords,
        recorder: &Recorder,
    ) -> Result<TestOutput, BuildError>;
    /// Pushes exactly this build. Pushing an image that is there is no error.
    async fn push(&mut self, recorder: &Recorder) -> Result<Image, BuildError>;
}

/// Part of an image's OCI configuration that the pipeline reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// `User` as a number. `None` means root.
    pub user: Option<u32>,
    /// TCP ports of `ExposedPorts`, ascending.
    pub ports: Vec<u16>,
    /// TCP ports that the deployed stage exposes itself, without those of its base. Empty means that there are
    /// none, or that they are not known.
    pub own_ports: Vec<u16>,
    /// `Entrypoint` and `Cmd`.
    pub command: Vec<String>,
    /// Stages of the repository's own Dockerfile that have a name, in order and in small letters. `None` means
    /// that its frontend does not list them.
    pub stages: Option<Vec<String>>,
}
