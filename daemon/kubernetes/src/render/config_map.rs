//! The `ConfigMap` of an app: the environment of its pods.

use super::names::{metadata, short_hash};
use serde_json::{Value, json};
use windlass_model::job::Release;

/// Renders the ConfigMap, named by its content and immutable: a rollback finds the one of its release again,
/// and an old pod never reads new values. `None` means that the app has no environment.
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

/// Returns the name of the ConfigMap. `None` means that the app has no environment.
pub(super) fn config_name(release: &Release) -> Option<String> {
    let env = &release.runtime.env;
    let text = env.iter().map(|(name, value)| format!("{name}={value}\0")).collect::<String>();
    (!env.is_empty()).then(|| format!("{}-env-{}", release.app.name, short_hash(&text)))
}
