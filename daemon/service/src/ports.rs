//! Ports of the use cases, beside those of the store.

use crate::error::ServiceError;
use async_trait::async_trait;
use std::collections::BTreeMap;
use windlass_engine::{
    pipeline::{DryRun, DryRunRequest},
    ports::{PluginStatus, Tree, UploadedFile},
};
use windlass_model::{
    app::App,
    diagnosis::Diagnosis,
    job::Commit,
    own::registry::{LoginUse, OwnRegistry, RegistrySecrets},
    revision::Revision,
    spec::Spec,
};

/// Pipeline without effects, on the ports that jobs run on.
#[async_trait]
pub trait Planner: Send + Sync {
    /// Finds the commit that a revision leads to now, in the repository of `commit`. Dropping the future ends it.
    async fn resolve(
        &self,
        app: &App,
        commit: Commit,
        revision: &Revision,
    ) -> Result<Commit, Box<Diagnosis>>;
    /// Runs the stages up to the plan. Dropping the future ends them.
    async fn plan(&self, request: &DryRunRequest<'_>) -> Result<DryRun, Box<Diagnosis>>;
    /// Decides how a folder that a client has sent is built. Dropping the future ends it.
    async fn plan_folder(
        &self,
        app: &App,
        spec: &Spec,
        tree: &dyn Tree,
    ) -> Result<DryRun, Box<Diagnosis>>;
}

/// Questions to a project's repositories, on the ports that jobs run on. Dropping a future ends its question.
#[async_trait]
pub trait RemoteReader: Send + Sync {
    /// Returns what the refs of a repository lead to now, by their full names. An annotated tag leads to its commit.
    /// The id of `commit` is not read.
    async fn refs(
        &self,
        project: &str,
        commit: &Commit,
    ) -> Result<BTreeMap<String, String>, Box<Diagnosis>>;
    /// Returns the paths of files that differ between the trees of `from` and of the commit.
    async fn changed_paths(
        &self,
        project: &str,
        from: &str,
        commit: &Commit,
    ) -> Result<Vec<String>, Box<Diagnosis>>;
}

/// Files of a folder, as a client sends them.
#[async_trait]
pub trait SentFiles: Send {
    /// Returns the next file. `None` means that the client has sent all.
    async fn next(&mut self) -> Result<Option<UploadedFile>, ServiceError>;
}

/// A login of a project's own registry that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryFinding {
    /// Use of the login.
    pub login: LoginUse,
    pub message: String,
    /// Advice to whoever put the registry.
    pub fix: String,
}

/// The operator's rules for registries of projects' own, and the world in which these are tried.
#[async_trait]
pub trait RegistryAdmin: Send + Sync {
    /// Checks that the operator allows the registry: host, addresses, plugins with their settings, and no other login
    /// for the host. A project waits for its own checks before.
    ///
    /// # Errors
    /// [`ServiceError::Invalid`] with the key that the operator has to set.
    async fn admit(
        &self,
        project: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
    ) -> Result<(), ServiceError>;
    /// Tries each login, and returns those that do not work. Nothing is written to the registry. A project waits for its
    /// own checks before.
    async fn check(
        &self,
        project: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
    ) -> Vec<RegistryFinding>;
    /// Reports that the logins of a project were changed: pull secrets of its apps are looked at now.
    async fn changed(&self, project: &str);
    /// Returns advice for nodes of a cluster of the project's own, where they get no login for the place that the
    /// project's images are pushed to. `None` means that they get one, or that none is configured for it.
    async fn withheld(&self, project: &str) -> Option<String>;
}

/// Plugins of a daemon.
#[async_trait]
pub trait PluginRecords: Send + Sync {
    /// Returns the set that new jobs begin with.
    fn list(&self) -> Vec<PluginStatus>;
    /// Reads the configuration's plugins again, and returns the changes. All plugins go live, or none.
    ///
    /// # Errors
    /// Message with the plugin that cannot be loaded, and the reason.
    async fn reload(&self) -> Result<Vec<String>, String>;
}

/// Link of the page that logs one browser in.
#[derive(Clone, PartialEq, Eq)]
pub struct LoginLink {
    /// Path and query at the page's address. They are a proof of identity until the link ends.
    pub path: String,
    /// Time at which the link ends, in milliseconds since 1970.
    pub expires_ms: u64,
}

/// Maker of login links: the page, which redeems them.
pub trait LoginLinks: Send + Sync {
    /// Makes a link that opens one session of the token with this SHA-256, in hex.
    fn login_link(&self, token_sha256: &str) -> LoginLink;
}

/// Message of the queue that could become no job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadMessage {
    /// Id by which it is found again. Messages that differ in nothing have the same.
    pub id: String,
    /// Stable code of the reason, such as `unreadable`.
    pub reason: String,
    /// Path of the field, or name of the property. Empty means the message as a whole.
    pub field: String,
    /// Sentence for people.
    pub detail: String,
    /// Time at which it was refused, in milliseconds since 1970. `None` means that the broker gave it up.
    pub at_ms: Option<u64>,
    /// Property `message-id`. Empty means that it has none.
    pub message_id: String,
    /// Property `correlation-id`. Empty means that it has none.
    pub correlation_id: String,
    /// Property `type`. Empty means that it has none.
    pub kind: String,
    /// Property `content-type`. Empty means that it has none.
    pub content_type: String,
    /// Beginning of the body.
    pub body: Vec<u8>,
    /// Number of bytes of the whole body.
    pub body_bytes: u64,
}

/// The oldest dead messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeadPage {
    pub messages: Vec<DeadMessage>,
    /// Number of messages behind these.
    pub more: u64,
}

/// Dead messages of the queue, where the broker keeps them.
///
/// An error says why the broker does not do what is asked. A call that is dropped leaves the messages where they are, or
/// where it has put them so far.
#[async_trait]
pub trait DeadMessages: Send + Sync {
    /// Returns the oldest messages, and leaves them there. Their bodies are cut short.
    async fn list(&self, most: u32) -> Result<DeadPage, String>;
    /// Returns a message with its body, up to a bound. `None` means that none of the oldest has this id.
    async fn find(&self, id: &str) -> Result<Option<DeadMessage>, String>;
    /// Puts one message, or all that are there, into the queue of jobs, and returns their number. A message is taken away
    /// once the broker has confirmed its copy.
    async fn replay(&self, id: Option<&str>) -> Result<u32, String>;
    /// Deletes a message, and returns it. `None` means that none of the oldest has this id.
    async fn discard(&self, id: &str) -> Result<Option<DeadMessage>, String>;
}
