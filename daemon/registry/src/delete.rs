//! The deletion of an image by its digest.

use crate::{
    check::{Checker, ScopedLogin, odd},
    fault::Fault,
};
use http::{Method, StatusCode};
use tokio::time::timeout;
use windlass_engine::ports::Credential;

/// Bytes of a SHA-256 digest in hexadecimal form.
const DIGEST: usize = 64;

/// An image that is to go.
#[derive(Clone, Copy, Debug)]
pub struct Deletion<'a> {
    /// Host as images name it.
    pub host: &'a str,
    /// Path of the image at the host: `apps/shop/web`.
    pub repository: &'a str,
    /// Digest of its manifest: `sha256:…`. All tags of it go, too.
    pub digest: &'a str,
    /// Login for the request. `None` means that there is none: an open registry asks for none.
    pub credential: Option<&'a Credential>,
}

/// Answer of a registry to a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The manifest is deleted. The registry frees the room of its layers when it collects garbage.
    Deleted,
    /// The repository has no such manifest.
    Absent,
    /// The registry deletes nothing: its own settings do not allow it.
    NotAllowed,
}

impl Checker {
    /// Deletes an image by its digest.
    ///
    /// # Errors
    /// The fault of the registry, or of the login. Another attempt may succeed.
    pub async fn delete(&self, deletion: &Deletion<'_>) -> Result<Deleted, Fault> {
        match timeout(self.limit, self.deleted(deletion)).await {
            Ok(deleted) => deleted,
            Err(_) => Err(Fault::new(
                format!("{} has not answered within {} s", deletion.host, self.limit.as_secs()),
                "see that the registry and its token server run",
            )),
        }
    }

    async fn deleted(&self, deletion: &Deletion<'_>) -> Result<Deleted, Fault> {
        let Deletion { host, repository, digest, credential } = *deletion;
        let api = self.rules.address(host)?;
        let url = Some(format!("{repository}/manifests/{digest}"));
        let url = url.filter(|_| is_repository(repository) && is_digest(digest));
        let url = url.and_then(|path| api.join(&path).ok()).ok_or_else(|| {
            Fault::new(
                format!("`{repository}@{digest}` is no image by digest"),
                "this is a defect of Windlass: report it",
            )
        })?;
        let tls = self.tls().await?;
        let mut answer = self.send(Method::DELETE, &url, None, None, &tls).await?;
        if answer.status == StatusCode::UNAUTHORIZED
            && let Some(credential) = credential
        {
            let scope = Some(format!("repository:{repository}:delete"));
            let login = ScopedLogin { host, credential, scope };
            let authorization = self.authorization(&login, &answer, &tls).await?;
            answer = self.send(Method::DELETE, &url, Some(authorization), None, &tls).await?;
        }
        match answer.status {
            status if status.is_success() => Ok(Deleted::Deleted),
            StatusCode::NOT_FOUND => Ok(Deleted::Absent),
            StatusCode::METHOD_NOT_ALLOWED => Ok(Deleted::NotAllowed),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Fault::new(
                format!(
                    "{host} answers {} to the deletion of `{repository}@{digest}`",
                    answer.status.as_u16()
                ),
                "give the login of `[[registries]]` the right to delete images",
            )),
            _ => Err(odd(&url, &answer)),
        }
    }
}

/// Returns whether a text is the path of a repository, so that it leads nowhere else.
fn is_repository(text: &str) -> bool {
    text.split('/').all(|part| {
        let is_part = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || b"._-".contains(&c);
        part.bytes().any(|c| c.is_ascii_alphanumeric()) && part.bytes().all(is_part)
    })
}

/// Returns whether a text is a SHA-256 digest.
fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == DIGEST && hex.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
    })
}

#[cfg(test)]
mod tests;
