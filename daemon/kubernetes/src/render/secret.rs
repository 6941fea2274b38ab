//! The `Secret` of an app: the secret environment of its pods.

use super::names::{metadata, short_hash};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use windlass_model::{job::Release, runtime::SecretEnv, secret::Secret};

/// Renders the Secret. `values` are by variable. `None` among them, or for all, renders `***`. A result of
/// `None` means that the app has no secrets.
pub(super) fn secret(
    release: &Release,
    values: Option<&BTreeMap<String, Secret>>,
) -> Option<Value> {
    let name = secret_name(release)?;
    let data: BTreeMap<_, _> = release
        .runtime
        .secrets
        .iter()
        .map(|secret| {
            let value = values.and_then(|values| values.get(&secret.env));
            let shown = value.map(|value| STANDARD.encode(value.reveal()));
            (secret.env.clone(), shown.unwrap_or_else(|| "***".into()))
        })
        .collect();
    Some(json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(release, &name),
        "immutable": true,
        "data": data,
    }))
}

/// Returns the name of the Secret, by a hash of names and versions. A hash of a short value would disclose the
/// value. `None` means that the app has no secrets.
pub(super) fn secret_name(release: &Release) -> Option<String> {
    let secrets = &release.runtime.secrets;
    let text = secrets
        .iter()
        .map(|SecretEnv { env, name, version }| format!("{env}={name}@{version}\0"))
        .collect::<String>();
    (!secrets.is_empty()).then(|| format!("{}-secrets-{}", release.app.name, short_hash(&text)))
}
