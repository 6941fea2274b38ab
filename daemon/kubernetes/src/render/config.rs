//! What pods are configured with, and what nodes pull with.

use super::{
    PullLogin,
    names::{metadata, pull_name, short_hash},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use windlass_model::{job::Release, runtime::SecretEnv, secret::Secret};

/// Named by content and immutable: a release that is put back finds its own again, and an old pod
/// never reads new values.
pub(super) fn config_map(release: &Release) -> Option<Value> {
    let name = config_name(release)?;
    Some(json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": metadata(release, &name),
        "immutable": true,
        "data": release.runtime.env,
    }))
}

pub(super) fn config_name(release: &Release) -> Option<String> {
    let env = &release.runtime.env;
    let text = env.iter().map(|(name, value)| format!("{name}={value}\0")).collect::<String>();
    (!env.is_empty()).then(|| format!("{}-env-{}", release.app.name, short_hash(&text)))
}

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

/// Of names and versions, never of values: a hash of a short value tells it.
pub(super) fn secret_name(release: &Release) -> Option<String> {
    let secrets = &release.runtime.secrets;
    let text = secrets
        .iter()
        .map(|SecretEnv { env, name, version }| format!("{env}={name}@{version}\0"))
        .collect::<String>();
    (!secrets.is_empty()).then(|| format!("{}-secrets-{}", release.app.name, short_hash(&text)))
}

/// Under one name and mutable: tokens are renewed under running pods.
pub(crate) fn pull_secret(release: &Release, login: &PullLogin) -> Value {
    let password = login.password.reveal_text().unwrap_or_default();
    let auth = STANDARD.encode(format!("{}:{password}", login.user));
    let config = json!({
        "auths": { &login.host: { "username": login.user, "password": password, "auth": auth } },
    });
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": metadata(release, &pull_name(release)),
        "data": { ".dockerconfigjson": STANDARD.encode(config.to_string()) },
    })
}
