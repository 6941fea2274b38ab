//! Registries of projects' own, as they were put.

use super::StoreError;
use async_trait::async_trait;
use windlass_model::own::registry::{OwnRegistry, RegistrySecrets};

/// Number of registries of one project's own, at most.
pub const MOST_OWN_REGISTRIES: usize = 50;

/// Number of versions of a registry that are kept.
pub const OWN_REGISTRY_VERSIONS_KEPT: u32 = 100;

/// Number of removed registries of one project whose versions are kept: those that were removed last.
pub const REMOVED_REGISTRIES_KEPT: usize = 100;

/// One version of a registry of a project's own, without its secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnRegistryRecord {
    pub project: String,
    pub registry: OwnRegistry,
    /// Number of the version: 1, 2, 3 … per project and host, also after the registry was removed.
    pub version: u32,
    /// Fault that a check found when the version was put. Empty means that the check found none.
    pub finding: String,
    /// Caller that put the version.
    pub by: String,
    /// Time at which it was put, in milliseconds since 1970.
    pub at_ms: u64,
}

/// A registry of a project's own with its secrets, for the one place that logs in.
#[derive(Clone, Debug)]
pub struct OpenedRegistry {
    pub record: OwnRegistryRecord,
    pub secrets: RegistrySecrets,
}

/// One version of a registry, in its history.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnRegistryVersion {
    pub version: u32,
    /// Registry of the version. `None` means that this version removed it.
    pub registry: Option<OwnRegistry>,
    /// Fault that a check found when the version was put. Empty means that the check found none.
    pub finding: String,
    pub by: String,
    pub at_ms: u64,
}

/// Answer to a registry that is put.
#[derive(Clone, Debug, PartialEq)]
pub enum PutRegistry {
    /// It is stored as this version.
    Version(Box<OwnRegistryRecord>),
    /// Another registry of the project has a place for images already. Its host is named, and nothing is stored.
    SecondPlace(String),
    /// The project has [`MOST_OWN_REGISTRIES`], and nothing is stored.
    TooMany,
}

/// Registries of projects' own. A version is never changed, and a removal is a version too. The newest
/// [`OWN_REGISTRY_VERSIONS_KEPT`] of each are kept. Secrets are sealed, and only those of the current version are kept.
/// `host` is always the one of [`windlass_model::own::registry::canonical_host`].
#[async_trait]
pub trait OwnRegistries: Send + Sync {
    /// Stores a version, in place of the one before.
    async fn put_registry(
        &self,
        project: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
        finding: &str,
        by: &str,
    ) -> Result<PutRegistry, StoreError>;
    /// Returns the current version of each registry of a project, by host.
    async fn registries(&self, project: &str) -> Result<Vec<OwnRegistryRecord>, StoreError>;
    /// Returns the current version of a registry with its secrets. `None` means that the project has none at the host.
    async fn open_registry(
        &self,
        project: &str,
        host: &str,
    ) -> Result<Option<OpenedRegistry>, StoreError>;
    /// Returns the versions of a registry, the newest first, also those before it was removed.
    async fn registry_versions(
        &self,
        project: &str,
        host: &str,
    ) -> Result<Vec<OwnRegistryVersion>, StoreError>;
    /// Removes a registry with its secrets. Its number goes on, unless [`REMOVED_REGISTRIES_KEPT`] others are removed
    /// before it is put again. `false` means that there is none.
    async fn delete_registry(
        &self,
        project: &str,
        host: &str,
        by: &str,
    ) -> Result<bool, StoreError>;
}
