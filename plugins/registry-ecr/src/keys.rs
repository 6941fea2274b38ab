//! Keys of an AWS account.

use windlass_plugin_sdk::{Error, Secret, secrets};

/// Keys that sign requests.
pub(crate) struct Keys {
    pub(crate) id: String,
    pub(crate) secret: Secret,
    pub(crate) token: Option<Secret>,
}

impl Keys {
    /// Opens the operator's keys, from the secret `aws`.
    pub(crate) fn own() -> Result<Self, Error> {
        let aws = secrets::open("aws")?;
        Ok(Self {
            id: aws.public_field("/access_key_id")?,
            secret: aws.field("/secret_access_key")?,
            token: aws.field("/session_token").ok(),
        })
    }
}
