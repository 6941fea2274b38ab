//! Port of projects' secrets.

use async_trait::async_trait;
use windlass_model::{error::SecretError, secret::Secret};

/// Sealed secrets of projects.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// Opens a secret, and returns it with its version. `None` means the newest version.
    async fn open(
        &self,
        project: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), SecretError>;
}
