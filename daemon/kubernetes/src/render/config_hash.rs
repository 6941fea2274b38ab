//! Hash of the ConfigMaps that pods read, as an annotation of their template.
//!
//! Pods read a ConfigMap at their start: a change of one of the repository's own replaces the pods that read
//! it.

use super::{image::put_image, names::short_hash};
use crate::json::{entry, set, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use windlass_model::job::Release;

/// Annotation of a pod template with the hash of the ConfigMaps that its pods read.
const CONFIG: &str = "windlass.dev/config";

/// Annotates a pod template with the hash of the repository's own ConfigMaps that its pods read.
pub(super) fn mark(release: &Release, template: &mut Value) {
    let mut read = BTreeSet::new();
    collect(template.get("spec").unwrap_or(&Value::Null), &mut read);
    let mut content = String::new();
    for manifest in &release.runtime.manifests {
        // Most manifests are no ConfigMaps, and need not be parsed.
        if read.is_empty() || !manifest.json.contains("\"ConfigMap\"") {
            continue;
        }
        let mut object: Value = serde_json::from_str(&manifest.json).unwrap_or_default();
        let name = text(&object, "/metadata/name").to_owned();
        if text(&object, "/kind") == "ConfigMap" && read.contains(&name) {
            put_image(&mut object, &release.image.by_digest());
            let plain = object.get("data");
            let binary = object.get("binaryData");
            content.push_str(&json!([name, plain, binary]).to_string());
        }
    }
    if content.is_empty() {
        return;
    }
    if let Some(annotations) =
        entry(template, "metadata").and_then(|metadata| entry(metadata, "annotations"))
    {
        set(annotations, CONFIG, json!(short_hash(&content)));
    }
}

/// Collects names of ConfigMaps, wherever a pod's spec takes one: `volumes`, `envFrom` or `env`.
fn collect(spec: &Value, names: &mut BTreeSet<String>) {
    match spec {
        Value::Array(list) => list.iter().for_each(|value| collect(value, names)),
        Value::Object(map) => {
            for (key, value) in map {
                if matches!(&**key, "configMap" | "configMapRef" | "configMapKeyRef") {
                    names.insert(text(value, "/name").to_owned());
                }
                collect(value, names);
            }
        }
        _ => {}
    }
}
