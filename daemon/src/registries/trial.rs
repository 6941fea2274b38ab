//! Logins of a project's own registry, tried as they were put.

use super::{
    Registries,
    own::{NotAllowed, source},
};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;
use windlass_engine::{
    ports::{Action, Credential},
    recorder::Recorder,
};
use windlass_model::own::registry::{
    LoginUse, OwnRegistry, PASSWORD, RegistryLogin, RegistrySecrets,
};
use windlass_registry::{Attempt, Fault};

/// Longest wait for a plugin's login.
const PLUGIN: Duration = Duration::from_secs(60);

impl Registries {
    /// Checks a registry's addresses, and the plugins that it logs in with.
    pub(crate) async fn admit_parts(
        &self,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
    ) -> Result<(), NotAllowed> {
        let Some(own) = &self.own else { return Ok(()) };
        let set = self.plugins.current();
        for (of, login) in registry.logins() {
            if let RegistryLogin::Plugin { name, settings } = login {
                let names: BTreeSet<_> = secrets.of(of).keys().map(String::as_str).collect();
                set.check_registry(name, settings, &names).map_err(|expected| NotAllowed {
                    field: format!("{}.plugin", of.as_str()),
                    value: name.clone(),
                    expected,
                })?;
            }
        }
        // A name that does not resolve is a finding of the check.
        let rules = own.allowed().rules.clone();
        if let Ok(Some(address)) = rules.forbidden_address(&registry.host).await {
            return Err(NotAllowed {
                field: "host".into(),
                value: registry.host.clone(),
                expected: format!(
                    "is {address}, which is not of the public internet: the operator has to name its network in `own-registries.private-addresses`"
                ),
            });
        }
        Ok(())
    }

    /// Tries one login of a registry.
    pub(crate) async fn try_login(
        &self,
        project: &str,
        registry: &OwnRegistry,
        secrets: &RegistrySecrets,
        of: LoginUse,
    ) -> Result<(), Fault> {
        let Some(own) = &self.own else { return Ok(()) };
        let login = match of {
            LoginUse::Push => &registry.push,
            LoginUse::Pull => &registry.pull,
        };
        let credential = match login {
            None => return Ok(()),
            Some(RegistryLogin::User(user)) => {
                let password = secrets.of(of).get(PASSWORD).cloned();
                let password = password.ok_or_else(|| Fault {
                    message: format!("the password of `{user}` is not there"),
                    fix: "put the registry with its password".into(),
                })?;
                Credential::Basic(user.clone(), password)
            }
            Some(RegistryLogin::Plugin { name, settings }) => {
                let plugins = self.plugins.current().for_job(project);
                let asked = source(registry, name, settings);
                let recorder = Recorder::null();
                let answer = plugins.authenticate_with(&asked, secrets.of(of), &recorder);
                let answer = timeout(PLUGIN, answer).await.map_err(|_| Fault {
                    message: format!("plugin `{name}` has no login within {} s", PLUGIN.as_secs()),
                    fix: "see that what it asks runs, and try again".into(),
                })?;
                let login = answer.map_err(|error| Fault {
                    message: error.to_string(),
                    fix: error
                        .hint
                        .unwrap_or_else(|| "put the settings and secrets that it needs".into()),
                })?;
                login.credential
            }
        };
        let attempt = Attempt {
            host: &registry.host,
            path: registry.path(),
            action: match of {
                LoginUse::Push => Action::Push,
                LoginUse::Pull => Action::Pull,
            },
            credential: &credential,
        };
        own.allowed().checker().log_in(&attempt).await
    }
}
