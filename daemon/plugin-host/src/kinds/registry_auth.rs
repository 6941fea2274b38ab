//! Logins at registries: the credential is taken out of the store before the store is dropped, and
//! no guest sees it again.

use crate::{
    ask::Use,
    bindings::{
        registry_auth::{
            RegistryAuthPlugin, RegistryAuthPluginPre, exports::windlass::plugin::registry_auth,
        },
        types,
    },
    call::Guest,
    secrets::Held,
    state::{State, shown},
};
use std::time::{SystemTime, UNIX_EPOCH};
use wasmtime::{Store, component::InstancePre};
use windlass_core::{
    job::Stage,
    ports::{Credential, Login},
    secret::Secret,
};

/// `authenticate`.
pub(crate) struct Authenticate {
    pub(crate) registry: String,
}

impl Guest for Authenticate {
    const CALL: &'static str = "authenticate";
    const STAGE: Stage = Stage::Build;
    type Answer = Login;

    async fn call(
        self,
        pre: InstancePre<State>,
        store: &mut Store<State>,
    ) -> wasmtime::Result<Result<Login, types::Error>> {
        let guest: RegistryAuthPlugin =
            RegistryAuthPluginPre::new(pre)?.instantiate_async(&mut *store).await?;
        let request = registry_auth::Request { registry: self.registry, attrs: Vec::new() };
        let auth = guest.windlass_plugin_registry_auth();
        let login = match auth.call_authenticate(&mut *store, &request).await? {
            Ok(login) => login,
            Err(error) => return Ok(Err(error)),
        };
        let table = &mut store.data_mut().table;
        let (user, held) = match &login.credential {
            registry_auth::Credential::Basic((user, secret)) => {
                (Some(shown(user)), table.get(secret)?)
            }
            registry_auth::Credential::IdentityToken(secret)
            | registry_auth::Credential::Bearer(secret) => (None, table.get(secret)?),
        };
        let secret = match usable(held) {
            Ok(secret) => secret,
            Err(error) => return Ok(Err(error)),
        };
        let credential = match (login.credential, user) {
            (registry_auth::Credential::Basic(_), user) => {
                Credential::Basic(user.unwrap_or_default(), secret)
            }
            (registry_auth::Credential::IdentityToken(_), _) => Credential::IdentityToken(secret),
            (registry_auth::Credential::Bearer(_), _) => Credential::Bearer(secret),
        };
        Ok(Ok(Login { credential, renew_ms: renewal(login.until, login.renew) }))
    }
}

fn usable(held: &Held) -> Result<Secret, types::Error> {
    held.may(Use::Login)?;
    Ok(held.bytes.clone())
}

/// The plugin's word, but never later than a minute, or a tenth of the time, before the end.
fn renewal(until: Option<u64>, renew: Option<u64>) -> Option<u64> {
    let until = until?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let left = until.saturating_sub(u64::try_from(now).unwrap_or_default());
    let latest = until.saturating_sub((left / 10).max(60_000));
    Some(renew.map_or(latest, |renew| renew.min(latest)))
}
