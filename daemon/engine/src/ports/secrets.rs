//! Secrets of projects.

use async_trait::async_trait;
use windlass_model::{error::SecretError, secret::Secret};

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
