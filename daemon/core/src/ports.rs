//! What the pipeline needs from the world. Adapters implement these; nothing here knows which.

use crate::{
    app::App,
    cluster::Targets,
    event::Event,
    hook::{About, Action, ActionResult, Hook, HookStep},
    job::{Commit, CommitInfo, Image, Release},
    plan::Change,
    recipe::Recipe,
    revision::{Resolved, Revision},
    run::{JournalLost, Recorder},
    secret::Secret,
    snapshot::Snapshot,
    testing::{LastWords, TestOutput, TestPlan, TestRun, TestSummary},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path, sync::Arc};
use tokio::sync::mpsc;

mod error;
mod inspect;

pub use error::{BuildError, ClusterError, GitError, PluginError, SecretError};
pub use inspect::{Inspect, LogLine, LogRequest};

/// All that one job may use, and what the operator decided for all jobs.
#[derive(Clone)]
pub struct Ports {
    /// Fetches commits.
    pub git: Arc<dyn Git>,
    /// The detector plugins: a job keeps the set that it began with.
    pub detectors: Arc<dyn Detectors>,
    /// The test-runner plugins, of the same set.
    pub runners: Arc<dyn TestRunners>,
    /// The operator's hooks, and the plugins of the same set that decide them.
    pub hooks: Arc<dyn Hooks>,
    /// Builds, tests and pushes.
    pub builder: Arc<dyn Builder>,
    /// Where releases run.
    pub cluster: Arc<dyn Cluster>,
    /// The same, looked at.
    pub preview: Arc<dyn Preview>,
    /// What serves there, looked at.
    pub inspect: Arc<dyn Inspect>,
    /// Which apps go to which clusters: asked again when a job begins, since it may have waited.
    pub targets: Arc<Targets>,
    /// The sealed secrets.
    pub secrets: Arc<dyn Secrets>,
    /// Where images go, without a trailing slash: `registry.example.com/apps`.
    pub registry: String,
    /// Refuses images that run as root.
    pub forbid_root: bool,
}

/// Fetches commits.
#[async_trait]
pub trait Git: Send + Sync {
    /// The commit's tree in a folder of its own, gone when the tree is dropped. `credential` is
    /// `user:token`. Dropping the future ends the fetch.
    async fn checkout(
        &self,
        commit: &Commit,
        credential: Option<&Secret>,
        recorder: &Recorder,
    ) -> Result<Box<dyn Tree>, GitError>;

    /// Finds the commit that `revision` leads to now, in the repository of `commit`, by the rules of
    /// [`crate::revision::find`]. `credential` is as for a checkout, and so is the egress policy.
    async fn resolve(
        &self,
        commit: &Commit,
        revision: &Revision,
        credential: Option<&Secret>,
    ) -> Result<Resolved, GitError>;
}

/// A checked-out commit, opened at the app's folder. No path in it leads outside.
pub trait Tree: Send + Sync {
    /// Where it is, for adapters that walk it themselves. No part of this path is a symlink.
    fn root(&self) -> &Path;
    /// A file's text, or none where there is no such file.
    fn read(&self, path: &str, longest: u64) -> Result<Option<String>, GitError>;
    /// Whether a folder has this name; a symlink is none.
    fn is_folder(&self, _: &str) -> bool {
        false
    }
    /// The commit that it is of, where that is known.
    fn commit(&self) -> Option<&CommitInfo> {
        None
    }
    /// The Git LFS pointers in the app's folder.
    fn pointers(&self) -> &Pointers {
        &NO_POINTERS
    }
    /// The names of the tags that lead to the commit, as far as the server told them.
    fn tags(&self) -> &[String] {
        &[]
    }
}

/// Git LFS pointers among files: texts that stand for files which are kept elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pointers {
    /// By path from the repository's root. Of many, the first.
    pub files: Vec<String>,
    /// The number of all.
    pub count: usize,
}

impl Pointers {
    /// The most that are named.
    pub const NAMED: usize = 20;
}

static NO_POINTERS: Pointers = Pointers { files: Vec::new(), count: 0 };

/// The answers of all detectors about one tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detected {
    /// Recipes, in the operator's order.
    pub recipes: Vec<Recipe>,
    /// Refusals, in the same order.
    pub refusals: Vec<PluginError>,
}

/// The detector plugins.
#[async_trait]
pub trait Detectors: Send + Sync {
    /// Asks all, in the operator's order. A refusal keeps no other detector from answering. An error
    /// means that none could be asked.
    async fn detect(&self, tree: &dyn Tree, recorder: &Recorder) -> Result<Detected, PluginError>;
    /// Their names, for errors that say what was asked.
    fn names(&self) -> Vec<String>;
}

/// The test-runner plugins.
#[async_trait]
pub trait TestRunners: Send + Sync {
    /// Asks those of this language whose files are in the tree, in the operator's order; none where
    /// no plugin knows any tests.
    async fn plan(
        &self,
        tree: &dyn Tree,
        language: &str,
        recorder: &Recorder,
    ) -> Result<Option<TestPlan>, PluginError>;
    /// Lets a runner of this language, or this very one, read what was printed and written; none
    /// where it finds nothing that it can read.
    async fn read(
        &self,
        language: &str,
        runner: Option<&str>,
        output: &TestOutput,
        recorder: &Recorder,
    ) -> Result<Option<TestSummary>, PluginError>;
}

/// The operator's hooks.
#[async_trait]
pub trait Hooks: Send + Sync {
    /// Those of an app, in the operator's order. `said`: what the app says of them, by name.
    fn of(&self, app: &App, said: &BTreeMap<String, String>) -> Vec<Hook>;
    /// Asks a hook what it wants; `earlier`: the state that it gave and what came of its batch.
    async fn next(
        &self,
        hook: &Hook,
        about: &About,
        earlier: Option<(&[u8], &[ActionResult])>,
        recorder: &Recorder,
    ) -> Result<HookStep, PluginError>;
}

/// Logins at registries. They live in the host only.
#[async_trait]
pub trait Logins: Send + Sync {
    /// The login of a host, as image references name it; none where nobody logs in there.
    async fn login(&self, host: &str, recorder: &Recorder) -> Result<Option<Login>, PluginError>;
    /// Whether anybody logs in there, without logging in.
    fn knows(&self, host: &str) -> bool;
    /// The registry refused the login: says whether another one can be had.
    async fn refused(&self, host: &str) -> bool;
}

/// A login at a registry.
#[derive(Clone, Debug)]
pub struct Login {
    /// What it is.
    pub credential: Credential,
    /// When it is to be renewed, in milliseconds since 1970; none where it does not expire.
    pub renew_ms: Option<u64>,
}

/// What a registry is shown.
#[derive(Clone, Debug)]
pub enum Credential {
    /// User, and password or token.
    Basic(String, Secret),
    /// Exchanged for tokens at the registry's token server (OAuth2 refresh token).
    IdentityToken(Secret),
    /// A token of the registry itself.
    Bearer(Secret),
}

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

/// What is seen of a release; or why nothing is, which is the last that is said.
pub type Observation = Result<Snapshot, ClusterError>;

/// The cluster, as one job may change it.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Makes a change; the same one again changes nothing.
    async fn make(&self, change: &Change, recorder: &Recorder) -> Result<(), ClusterError>;
    /// Does what a hook wants. The same `key` again makes no second Job.
    async fn act(
        &self,
        release: &Release,
        hook: &str,
        key: &str,
        action: &Action,
        recorder: &Recorder,
    ) -> Result<ActionResult, ClusterError>;
    /// What the cluster shows of this release, each time that it changes.
    async fn observe(&self, release: &Release)
    -> Result<mpsc::Receiver<Observation>, ClusterError>;
    /// Last words of failing pods and events, read before anything is undone.
    async fn evidence(&self, release: &Release) -> Vec<String>;
    /// Renews what nodes pull this release's image with. Says when it is due again, in milliseconds
    /// since 1970; none where the app is gone.
    async fn renew(
        &self,
        release: &Release,
        recorder: &Recorder,
    ) -> Result<Option<u64>, ClusterError>;
}

/// The cluster, looked at before anything is changed.
#[async_trait]
pub trait Preview: Send + Sync {
    /// Whether the cluster knows all kinds of a release, and lets this daemon make them.
    async fn check(&self, release: &Release) -> Result<(), ClusterError>;
    /// Whether pods of this app serve, of whatever release.
    async fn serves(&self, release: &Release) -> Result<bool, ClusterError>;
    /// A release's objects as JSON, in the order in which they are applied; those that hold a password
    /// are left out.
    fn manifests(&self, release: &Release) -> Result<Vec<String>, ClusterError>;
    /// What applying a release would change. Secrets are masked.
    async fn changes(&self, release: &Release) -> Result<Vec<ObjectChange>, ClusterError>;
}

/// What applying would do to one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectChange {
    /// Kind and name.
    pub object: String,
    /// What happens.
    pub verb: ChangeVerb,
    /// Lines of YAML: those that go from `-`, those that come from `+`, and some around them.
    pub lines: Vec<String>,
}

/// What happens to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeVerb {
    /// It is made.
    Create,
    /// Some of its fields change.
    Update,
    /// It stays as it is.
    Keep,
    /// It goes, once the release is healthy.
    Delete,
}

/// The project's sealed secrets.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Opens one, of this version or the newest, and says which version it is.
    async fn open(
        &self,
        project: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), SecretError>;
}

/// Where a job's events go, and what they add up to.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Returns once the event is stored.
    ///
    /// # Errors
    /// [`JournalLost`] when this daemon may not speak for the job any more, or the store takes nothing.
    async fn append(&self, event: Event) -> Result<(), JournalLost>;
    /// The app's last release that succeeded in a cluster: what a way back there leads to.
    async fn last_release(&self, app: &App, cluster: &str) -> Result<Option<Release>, JournalLost>;
}
