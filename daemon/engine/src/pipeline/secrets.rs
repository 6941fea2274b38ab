//! Opens the secrets that a job names, and masks them before anything can record them.

use crate::{deploy::Deploy, journal::JournalLost, ports::Ports, run::Run};
use std::collections::{BTreeMap, BTreeSet};
use windlass_model::{
    app::App, error::SecretError, job::Release, redact::LARGEST_SUM, runtime::SecretEnv,
    secret::Secret, spec::Spec,
};

/// Opens the newest version of one secret, and returns it with its number.
pub(super) async fn open(
    project: &str,
    name: &str,
    ports: &Ports,
    run: &Run,
) -> Result<(Secret, u32), SecretError> {
    let (secret, version) = ports.secrets.open(project, name, None).await?;
    run.mask_all(masks(&secret)).await;
    Ok((secret, version))
}

/// Returns what is masked of a secret. A credential is `user:token`, and the token alone is as secret.
fn masks(secret: &Secret) -> Vec<Secret> {
    let token = secret.reveal_text().and_then(|text| text.split_once(':')).map(|(_, token)| token);
    token.map(|token| Secret::new(token.into())).into_iter().chain([secret.clone()]).collect()
}

/// Opens all secrets that a spec names: versions for the release, values for the build.
///
/// # Errors
/// [`SecretError::TooLarge`] for secrets that together are too large to be masked.
pub(super) async fn resolve(
    app: &App,
    spec: &Spec,
    ports: &Ports,
    run: &Run,
) -> Result<(Vec<SecretEnv>, BTreeMap<String, Secret>), SecretError> {
    // All are opened first, since each change makes the redactor again.
    let mut opened = BTreeMap::new();
    for name in spec.secrets.values().chain(&spec.build.secrets) {
        if !opened.contains_key(name) {
            let secret = ports.secrets.open(&app.project, name, None).await?;
            opened.insert(name.clone(), secret);
            check_sum(app, &opened)?;
        }
    }
    run.mask_all(opened.values().flat_map(|(secret, _)| masks(secret)).collect()).await;
    let version = |(env, name): (&String, &String)| {
        let version = opened.get(name)?.1;
        Some(SecretEnv { env: env.clone(), name: name.clone(), version })
    };
    let env = spec.secrets.iter().filter_map(version).collect();
    let build = spec.build.secrets.iter();
    let build = build.filter_map(|name| Some((name.clone(), opened.get(name)?.0.clone())));
    Ok((env, build.collect()))
}

/// Refuses secrets whose masking would take the memory of other jobs.
fn check_sum(app: &App, opened: &BTreeMap<String, (Secret, u32)>) -> Result<(), SecretError> {
    let values: BTreeSet<_> = opened.values().map(|(secret, _)| secret.reveal()).collect();
    let bytes: usize = values.iter().map(|value| value.len()).sum();
    if bytes <= LARGEST_SUM {
        return Ok(());
    }
    Err(SecretError::TooLarge { app: app.to_string(), count: values.len(), bytes })
}

impl Deploy<'_> {
    /// Masks the secrets that releases of the app name, so that the last lines of a crashing app do not show
    /// them. A secret that was deleted is no error here: applying the release fails with it.
    ///
    /// # Errors
    /// [`JournalLost`] for a store that cannot be read now: nothing may go on unmasked.
    pub(crate) async fn mask_released(&self, releases: &[&Release]) -> Result<(), JournalLost> {
        let mut secrets = Vec::new();
        let mut known = BTreeSet::new();
        for release in releases {
            let project = &release.app.project;
            for SecretEnv { name, version, .. } in &release.runtime.secrets {
                if !known.insert((name, version)) {
                    continue;
                }
                match self.ports.secrets.open(project, name, Some(*version)).await {
                    Ok((secret, _)) => secrets.push(secret),
                    Err(SecretError::Unavailable { message }) => {
                        return Err(JournalLost::Unavailable(message));
                    }
                    Err(
                        SecretError::Missing { .. }
                        | SecretError::Sealed { .. }
                        | SecretError::TooLarge { .. },
                    ) => {}
                }
            }
        }
        self.run.mask_all(secrets).await;
        Ok(())
    }
}
