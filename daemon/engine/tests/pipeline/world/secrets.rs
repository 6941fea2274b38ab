//! Fake of the secrets.

use super::fault::{Fault, Faults};
use async_trait::async_trait;
use windlass_engine::ports::Secrets;
use windlass_model::{error::SecretError, secret::Secret};

/// Secrets with one in each project, `password`, in its third version. Names that begin with `large-` have
/// values of 600 KiB.
pub(crate) struct FakeSecrets {
    pub(super) faults: Faults,
}

#[async_trait]
impl Secrets for FakeSecrets {
    async fn open(
        &self,
        project: &str,
        name: &str,
        version: Option<u32>,
    ) -> Result<(Secret, u32), SecretError> {
        if self.faults.has(&Fault::SecretsAway("the pipeline")) {
            return Err(SecretError::Unavailable { message: "no answer".into() });
        }
        match name {
            "password" => Ok((Secret::new(b"hunter22".into()), 3)),
            large if large.starts_with("large-") => {
                Ok((Secret::new(large.repeat((600 << 10) / large.len()).into()), 1))
            }
            _ => Err(SecretError::Missing { project: project.into(), name: name.into(), version }),
        }
    }
}
