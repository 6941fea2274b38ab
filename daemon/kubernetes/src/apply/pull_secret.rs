//! Pull secrets: made with each release, and renewed before they expire.
//!
//! With an expired one, the next node that needs the image cannot pull it.

use super::server_side;
use crate::{
    client::{Client, limited},
    render::{self, PullLogin},
};
use k8s_openapi::api::core::v1::Secret;
use windlass_engine::{
    ports::{Credential, Logins},
    recorder::Recorder,
};
use windlass_model::{
    error::ClusterError,
    event::Event,
    job::{Release, Stage},
};

/// Returns the registry's host of a release's image, as the reference names it.
pub(crate) fn host(release: &Release) -> &str {
    release.image.reference.split('/').next().unwrap_or_default()
}

/// Returns a login that nodes can use, and the time of its renewal in milliseconds since 1970. `None` means
/// that nodes have no login from us. `None` as a time means that the login needs no renewal.
pub(crate) async fn login(
    logins: &dyn Logins,
    host: &str,
    recorder: &Recorder,
) -> Result<Option<(PullLogin, Option<u64>)>, ClusterError> {
    let found = logins.login(host, recorder).await;
    let found = found.map_err(|error| ClusterError::Login { host: host.into(), error })?;
    let Some(found) = found else { return Ok(None) };
    match found.credential {
        Credential::Basic(user, password) => {
            Ok(Some((PullLogin { host: host.into(), user, password }, found.renew_ms)))
        }
        // The kubelet reads user and password only (k8s.io/kubernetes `credentialprovider`).
        Credential::IdentityToken(_) | Credential::Bearer(_) => {
            let message =
                format!("nodes cannot pull from {host} with a token: no pull secret is made");
            let fix = "give the nodes a login of their own for this registry".into();
            recorder.record(Event::Warning { stage: Stage::Release, message, fix }).await;
            Ok(None)
        }
    }
}

/// Renews the pull secret of a release, and returns the time of the next renewal. `None` means that the app was
/// deleted, or that its login needs no further renewal.
pub(crate) async fn renew(
    client: &Client,
    logins: &dyn Logins,
    release: &Release,
    recorder: &Recorder,
) -> Result<Option<u64>, ClusterError> {
    let api = client.api::<Secret>(&release.app.namespace());
    let name = render::pull_name(release);
    if limited(api.get_metadata_opt(&name), "the pull secret").await?.is_none() {
        return Ok(None);
    }
    let Some((pull, renew_ms)) = login(logins, host(release), recorder).await? else {
        return Ok(None);
    };
    server_side::apply(client, &render::pull_secret(release, &pull)).await?;
    Ok(renew_ms)
}
