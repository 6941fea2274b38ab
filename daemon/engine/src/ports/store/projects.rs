//! Projects as people apply them, hooks that forges call, and sessions of the dashboard.

use super::StoreError;
use async_trait::async_trait;
use windlass_model::{project::ProjectSpec, secret::Secret};

/// Number of projects that [`Projects::projects`] returns at most.
pub const PROJECTS_LISTED: u32 = 100_000;

/// Number of versions of a project that are kept. Each may have as many bytes as a file.
pub const VERSIONS_KEPT: u32 = 1000;

/// Number of hooks that [`ForgeHooks::hooks`] returns at most.
pub const HOOKS_LISTED: u32 = 1_000;

/// One version of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectRecord {
    pub spec: ProjectSpec,
    /// Number of the version: 1, 2, 3 … per project, also after it was deleted and applied again.
    pub version: u32,
    /// Caller that applied the version.
    pub by: String,
    /// Time at which it was applied, in milliseconds since 1970.
    pub at_ms: u64,
}

/// Answer to a project that is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It is stored as this version.
    Version(Box<ProjectRecord>),
    /// The current version is another than the caller expected. `None` means that there is no such project.
    Conflict(Option<u32>),
}

/// A hook without its secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookRecord {
    /// 26 random letters, the last part of the hook's address.
    pub id: String,
    pub project: String,
    /// Name of the repository in the project's file.
    pub repository: String,
    pub created_ms: u64,
    /// Caller that made the hook.
    pub by: String,
    /// Time until which the secret before the current one is valid. `None` means that there is none.
    pub previous_until_ms: Option<u64>,
    /// Time of the last verified delivery. `None` means that none came.
    pub seen_ms: Option<u64>,
    /// Repository's id at the forge, learned from the first verified delivery. `None` means that none came.
    pub repository_id: Option<String>,
}

/// A hook with its secrets, for the door that verifies.
#[derive(Clone, Debug)]
pub struct OpenedHook {
    pub record: HookRecord,
    pub secret: Secret,
    /// Secret before the current one. `None` means that there is none, or that its time is over.
    pub previous: Option<Secret>,
}

/// A session of the dashboard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// SHA-256 of the cookie's value, hex.
    pub id: String,
    /// SHA-256 of the token that the session was opened with, hex. The session ends when the operator revokes it.
    pub token_sha256: String,
    /// Name of the principal, for people.
    pub principal: String,
    pub created_ms: u64,
    /// Time of the last use.
    pub seen_ms: u64,
}

/// Projects and their versions. The newest [`VERSIONS_KEPT`] are kept.
#[async_trait]
pub trait Projects: Send + Sync {
    /// Stores a version. `expected` is the version that the caller saw; 0 means that there is no such project, and
    /// `None` that any will do; it is compared first. A spec equal to the current one is no new version.
    async fn apply_project(
        &self,
        spec: &ProjectSpec,
        by: &str,
        expected: Option<u32>,
    ) -> Result<Applied, StoreError>;
    /// Returns the current version. `None` means that there is no such project, or that it was deleted.
    async fn project(&self, name: &str) -> Result<Option<ProjectRecord>, StoreError>;
    /// Returns the current version of each project, by name, at most [`PROJECTS_LISTED`]. One that cannot be read is
    /// left out, and logged.
    async fn projects(&self) -> Result<Vec<ProjectRecord>, StoreError>;
    /// Returns versions of a project, the newest first, also those before it was deleted. `newest` is the number of the
    /// first that is returned; `None` means that the list begins with the newest.
    async fn project_versions(
        &self,
        name: &str,
        newest: Option<u32>,
        limit: u32,
    ) -> Result<Vec<ProjectRecord>, StoreError>;
    /// Deletes a project, with its hooks, and the clusters and registries of its own. Its versions stay. `false` means that
    /// there is none.
    async fn delete_project(&self, name: &str, by: &str) -> Result<bool, StoreError>;
}

/// Hooks that forges call.
#[async_trait]
pub trait ForgeHooks: Send + Sync {
    /// Stores a hook with its sealed secret.
    async fn create_hook(&self, record: &HookRecord, secret: &Secret) -> Result<(), StoreError>;
    /// Returns a hook with its secrets. `None` means that there is none. `now_ms` decides whether the previous secret
    /// is still valid.
    async fn open_hook(&self, id: &str, now_ms: u64) -> Result<Option<OpenedHook>, StoreError>;
    /// Returns the hooks of a project, the oldest first, at most [`HOOKS_LISTED`].
    async fn hooks(&self, project: &str) -> Result<Vec<HookRecord>, StoreError>;
    /// Replaces the secret. The one before stays valid until `previous_until_ms`. `false` means that there is no such
    /// hook.
    async fn rotate_hook(
        &self,
        id: &str,
        secret: &Secret,
        previous_until_ms: u64,
    ) -> Result<bool, StoreError>;
    /// Deletes a hook. `false` means that there is none.
    async fn delete_hook(&self, id: &str) -> Result<bool, StoreError>;
    /// Records a verified delivery, and the repository's id where none is known yet. An empty id changes nothing.
    async fn saw_hook(&self, id: &str, at_ms: u64, repository_id: &str) -> Result<(), StoreError>;
}

/// Sessions that one token has at once, at most.
pub const SESSIONS_OF_A_TOKEN: usize = 200;

/// Sessions of the dashboard.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Stores a new session. Beyond [`SESSIONS_OF_A_TOKEN`], those of its token that were not used for the longest time
    /// are closed.
    async fn open_session(&self, session: &SessionRecord) -> Result<(), StoreError>;
    /// Returns a session. `None` means that it was closed, or never opened.
    async fn session(&self, id: &str) -> Result<Option<SessionRecord>, StoreError>;
    /// Records a use.
    async fn saw_session(&self, id: &str, at_ms: u64) -> Result<(), StoreError>;
    /// Deletes a session. One that is not there is no error.
    async fn close_session(&self, id: &str) -> Result<(), StoreError>;
    /// Closes all sessions that a token opened.
    async fn close_sessions_of(&self, token_sha256: &str) -> Result<(), StoreError>;
    /// Closes sessions that were opened before `created_ms`, or not used since `seen_ms`.
    async fn close_old_sessions(&self, created_ms: u64, seen_ms: u64) -> Result<(), StoreError>;
}
