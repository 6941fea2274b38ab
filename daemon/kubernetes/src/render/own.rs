//! Objects of a repository's own: they are labelled and watched as ours, and run our image.

use super::names::{APPLY_SET, INSTANCE, JOB, apply_set, labels, set};
use serde_json::{Value, json};
use windlass_core::{job::Release, manifest::IMAGE, runtime::Manifest};

/// None for what is no JSON: it was when it was read.
pub(super) fn object(release: &Release, manifest: &Manifest) -> Option<Value> {
    let mut object: Value = serde_json::from_str(&manifest.json).ok()?;
    let image = release.image.by_digest();
    put_image(&mut object, &image);
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    let metadata = object.get_mut("metadata")?;
    set(metadata, "namespace", json!(release.app.namespace()));
    let own = entry(metadata, "labels");
    if let Some(labels) = labels(release).as_object() {
        for (key, value) in labels {
            // Its own word goes over ours, but for whose it is.
            if key == "app.kubernetes.io/managed-by" || key == INSTANCE || own.get(key).is_none() {
                set(own, key, value.clone());
            }
        }
    }
    set(own, APPLY_SET, json!(apply_set(release)));
    set(entry(metadata, "annotations"), JOB, json!(release.id));
    if matches!(&*kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job")
        && let Some(template) = object.pointer_mut("/spec/template")
    {
        // So that its pods are seen; a label of its own stays.
        let labels = entry(entry(template, "metadata"), "labels");
        if labels.get(INSTANCE).is_none() {
            set(labels, INSTANCE, json!(release.app.name));
        }
    }
    Some(object)
}

fn entry<'a>(object: &'a mut Value, key: &str) -> &'a mut Value {
    if !object.get(key).is_some_and(Value::is_object) {
        set(object, key, json!({}));
    }
    &mut object[key]
}

fn put_image(value: &mut Value, image: &str) {
    match value {
        Value::String(text) if text == IMAGE => image.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(|value| put_image(value, image)),
        Value::Object(map) => map.values_mut().for_each(|value| put_image(value, image)),
        _ => {}
    }
}
