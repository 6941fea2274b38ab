//! Opens the secrets that a job names, and masks them before anything can record them.

use crate::{deploy::Deploy, journal::JournalLost, ports::Ports, run::Run};
use std::collections::BTreeMap;
use windlass_model::{
    error::SecretError, job::Release, runtime::SecretEnv, secret::Secret, spec::Spec,
};

/// Opens the newest version of one secret, and returns it with its number.
pub(super) async fn open(
    project: &str,
    name: &str,
    ports: &Ports,
    run: &Run,
) -> Result<(Secret, u32), SecretError> {
    let (secret, version) = ports.secrets.open(project, name, None).await?;
    // A credential is `user:token`; the token alone is as secret.
    let token = secret.reveal_text().and_then(|text| text.split_once(':')).map(|(_, token)| token);
    run.mask(token.map(|token| Secret::new(token.into())).into_iter().chain([secret.clone()]));
    Ok((secret, version))
}

/// Opens all secrets that a spec names: versions for the release, values for the build.
pub(super) async fn resolve(
    project: &str,
    spec: &Spec,
    ports: &Ports,
    run: &Run,
) -> Result<(Vec<SecretEnv>, BTreeMap<String, Secret>), SecretError> {
    let env = versions(project, spec, ports, run).await?;
    let mut build = BTreeMap::new();
    for name in &spec.build.secrets {
        build.insert(name.clone(), open(project, name, ports, run).await?.0);
    }
    Ok((env, build))
}

/// Returns the newest versions of the secrets that a spec gives to processes.
pub(super) async fn versions(
    project: &str,
    spec: &Spec,
    ports: &Ports,
    run: &Run,
) -> Result<Vec<SecretEnv>, SecretError> {
    let mut env = Vec::new();
    for (variable, name) in &spec.secrets {
        let (_, version) = open(project, name, ports, run).await?;
        env.push(SecretEnv { env: variable.clone(), name: name.clone(), version });
    }
    Ok(env)
}

impl Deploy<'_> {
    /// Masks the secrets that a release names, so that the last lines of a crashing app do not show them. A
    /// secret that was deleted is no error here: applying the release fails with it.
    ///
    /// # Errors
    /// [`JournalLost`] for a store that cannot be read now: nothing may go on unmasked.
    pub(crate) async fn mask_released(&self, release: &Release) -> Result<(), JournalLost> {
        let project = &release.app.project;
        for SecretEnv { name, version, .. } in &release.runtime.secrets {
            let opened = self.ports.secrets.open(project, name, Some(*version)).await;
            match opened {
                Ok((secret, _)) => self.run.mask([secret]),
                Err(SecretError::Unavailable { message }) => {
                    return Err(JournalLost::Unavailable(message));
                }
                Err(SecretError::Missing { .. } | SecretError::Sealed { .. }) => {}
            }
        }
        Ok(())
    }
}
