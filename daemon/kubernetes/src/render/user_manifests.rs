//! Objects of a repository's own: they are labelled and watched as ours, and run our image.

use super::{
    config_hash::mark,
    image::put_image,
    names::{APPLY_SET, INSTANCE, JOB, MANAGED_BY, apply_set, labels, short_hash},
    workload::MIN_READY,
};
use crate::json::{entry, set, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use windlass_model::{job::Release, runtime::Manifest};

/// Of a Job's name, without its hash: with the hash it is a label, of at most 63.
const LONGEST_JOB: usize = 52;

/// Kinds whose pods are watched.
const WITH_PODS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "Job"];

/// None for what is no JSON: it was when it was read.
pub(crate) fn object(release: &Release, manifest: &Manifest) -> Option<Value> {
    let mut object: Value = serde_json::from_str(&manifest.json).ok()?;
    let image = release.image.by_digest();
    put_image(&mut object, &image);
    let kind = text(&object, "/kind").to_owned();
    let spec = object.get("spec").map(Value::to_string).unwrap_or_default();
    let metadata = object.get_mut("metadata")?;
    if kind == "Job" {
        // A Job's template cannot change: one that says something else is another Job, and runs once.
        let mut name = text(metadata, "/name").to_owned();
        name.truncate(name.floor_char_boundary(LONGEST_JOB));
        set(metadata, "name", json!(format!("{name}-{}", short_hash(&spec))));
    }
    if kind == "Job"
        && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
    {
        // One that is gone by itself would be waited for, and run again by the next release. It goes
        // with the release that no longer has it.
        spec.remove("ttlSecondsAfterFinished");
    }
    let metadata = object.get_mut("metadata")?;
    set(metadata, "namespace", json!(release.app.namespace()));
    let own = entry(metadata, "labels")?;
    if let Some(labels) = labels(release).as_object() {
        for (key, value) in labels {
            // Its own word goes over ours, but for whose it is.
            if key == MANAGED_BY || key == INSTANCE || own.get(key).is_none() {
                set(own, key, value.clone());
            }
        }
    }
    set(own, APPLY_SET, json!(apply_set(release)));
    set(entry(metadata, "annotations")?, JOB, json!(release.id));
    let is_rolled = matches!(&*kind, "Deployment" | "StatefulSet" | "DaemonSet");
    if let Some(spec) = object.get_mut("spec").filter(|_| is_rolled)
        && spec.is_object()
        && spec.get("minReadySeconds").is_none()
    {
        // Without a probe of its own a pod is ready for the moment until it crashes.
        set(spec, "minReadySeconds", json!(MIN_READY));
    }
    if kind == "Deployment"
        && let Some(spec) = object.get_mut("spec").filter(|spec| spec.is_object())
        && let Some(strategy) = entry(spec, "strategy")
        && text(strategy, "/type").is_empty()
    {
        // The default. Were it not said, the `Recreate` of a later release would stay on the way back.
        set(strategy, "type", json!("RollingUpdate"));
    }
    if WITH_PODS.contains(&&*kind)
        && let Some(template) = object.pointer_mut("/spec/template")
    {
        // So that its pods are seen; a label of its own stays.
        let labels = entry(template, "metadata").and_then(|metadata| entry(metadata, "labels"));
        if let Some(labels) = labels.filter(|labels| labels.get(INSTANCE).is_none()) {
            set(labels, INSTANCE, json!(release.app.name));
        }
        // A Job's template cannot change: it reads what is there when it runs, once.
        if is_rolled {
            mark(release, template);
        }
    }
    Some(object)
}

/// Selects all pods of an app. Those of its own manifests may say that they are of another instance, which
/// stays: their workload's selector, which can never change, may name it.
pub(crate) fn pods_of(release: &Release) -> String {
    let own = release.runtime.manifests.iter().filter_map(|manifest| object(release, manifest));
    let labels = own.filter(|object| WITH_PODS.contains(&text(object, "/kind"))).map(|object| {
        text(&object, "/spec/template/metadata/labels/app.kubernetes.io~1instance").to_owned()
    });
    let mut all: BTreeSet<_> = labels.filter(|label| is_label(label)).collect();
    all.insert(release.app.name.clone());
    let all: Vec<_> = all.into_iter().collect();
    match &*all {
        [one] => format!("{INSTANCE}={one}"),
        all => format!("{INSTANCE} in ({})", all.join(",")),
    }
}

/// Whether it can be a label's value. What cannot the API server refuses before anything is watched.
fn is_label(value: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !value.is_empty() && value.len() <= 63 && value.chars().all(fits)
}
