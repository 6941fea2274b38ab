//! Pull secrets: made with each release, and renewed for as long as the app is there.
//!
//! With an expired one, or with a password that was rotated, the next node that needs the image cannot pull it.

use super::server_side;
use crate::{
    client::{Client, limited},
    render::{self, PullLogin},
};
use k8s_openapi::{ByteString, api::core::v1::Secret};
use serde_json::Value;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;
use windlass_engine::{
    ports::{Action, Credential, LoginRequest, Logins},
    recorder::Recorder,
};
use windlass_model::{
    clock::now_ms,
    error::{ClusterError, PluginError},
    event::Event,
    job::{Release, Stage},
};

/// Milliseconds after which a login without an end is looked at again: its password may have been rotated.
const LOOK_AGAIN_MS: u64 = 600_000;

/// Longest wait for the login of a renewal. A plugin may take a minute, and many renewals wait for the same one.
const LOGIN: Duration = Duration::from_secs(30);

/// Returns the registry's host of a release's image, as the reference names it.
pub(crate) fn host(release: &Release) -> &str {
    release.image.host()
}

/// Returns a login that nodes can use, and the time of its renewal in milliseconds since 1970. `None` means
/// that nodes have no login from us. The login is masked in all that `recorder` records from then on.
pub(crate) async fn login(
    logins: &dyn Logins,
    release: &Release,
    recorder: &Recorder,
) -> Result<Option<(PullLogin, u64)>, ClusterError> {
    let host = host(release);
    let project = &*release.app.project;
    // The image is the app's own, whatever the path of the registry was when it was pushed.
    let request = LoginRequest { host, project, repository: "", action: Action::Pull };
    let found = logins.login(&request, recorder).await;
    let found = found.map_err(|error| ClusterError::login(host, error))?;
    let Some(found) = found else { return Ok(None) };
    match found.credential {
        Credential::Basic(user, password) => {
            let login = PullLogin { host: host.into(), user, password };
            // The Secret holds it once more encoded.
            recorder.mask([login.auth()]);
            Ok(Some((login, found.renew_ms.unwrap_or_else(|| now_ms() + LOOK_AGAIN_MS))))
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

/// Renews the pull secret of a release, and returns the time at which to look at it again. `None` means that
/// the app was deleted. A secret with the same login is not written; without a login it stays as it is, since a
/// later configuration may have one.
pub(crate) async fn renew(
    client: &Client,
    logins: &dyn Logins,
    release: &Release,
    recorder: &Recorder,
) -> Result<Option<u64>, ClusterError> {
    let api = client.api::<Secret>(&release.app.namespace());
    let name = render::pull_name(release);
    let Some(live) = limited(api.get_opt(&name), "the pull secret").await? else {
        return Ok(None);
    };
    // The time of a plugin that hangs is not that of the cluster.
    let obtained = timeout(LOGIN, login(logins, release, recorder)).await;
    let obtained = obtained.unwrap_or_else(|_| Err(no_login(host(release))))?;
    let Some((pull, renew_ms)) = obtained else {
        return Ok(Some(now_ms() + LOOK_AGAIN_MS));
    };
    let next = render::pull_secret(release, &pull);
    if !holds(&live, &next) {
        server_side::apply(client, &next).await?;
    }
    Ok(Some(renew_ms))
}

/// Returns the error for a login that does not come.
fn no_login(host: &str) -> ClusterError {
    let message = format!("no login within {} s", LOGIN.as_secs());
    let (plugin, call) = (String::new(), "login".to_owned());
    let error = PluginError { plugin, call, message, hint: None };
    ClusterError::login(host, error.into())
}

/// Returns whether the live Secret has the same login.
fn holds(live: &Secret, next: &Value) -> bool {
    let data = next.get("data").cloned().unwrap_or_default();
    let next = serde_json::from_value::<BTreeMap<String, ByteString>>(data);
    next.is_ok_and(|next| live.data.as_ref() == Some(&next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live(config: &str) -> Secret {
        let data = [(".dockerconfigjson".to_owned(), ByteString(config.into()))];
        Secret { data: Some(data.into()), ..Secret::default() }
    }

    #[test]
    fn only_another_login_is_written() {
        // `{}` and `{"auths":{}}`, as the API server has them.
        let next = json!({ "data": { ".dockerconfigjson": "e30=" } });
        assert!(holds(&live("{}"), &next));
        assert!(!holds(&live("{\"auths\":{}}"), &next));
        assert!(!holds(&Secret::default(), &next));
    }
}
