//! Objects of a repository's own manifests, labelled and watched as ours, with the release's image.

use super::{
    autoscaler::lead_to_track,
    config_hash::mark,
    image::put_image,
    names::{APPLY_SET, INSTANCE, JOB, MANAGED_BY, apply_set, labels, short_hash},
    workload::min_ready,
};
use crate::json::{entry, set, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use windlass_model::{job::Release, runtime::Manifest};

/// Characters of a Job's name, without its hash. With the hash, the name is a label's value of at most 63
/// characters.
const LONGEST_JOB: usize = 52;

/// Kinds whose pods are watched.
const WITH_PODS: [&str; 4] = ["Deployment", "StatefulSet", "DaemonSet", "Job"];

/// Renders an object of the repository's own. `None` means that the manifest is no JSON, though it was when it
/// was read.
pub(crate) fn object(release: &Release, manifest: &Manifest) -> Option<Value> {
    let mut object: Value = serde_json::from_str(&manifest.json).ok()?;
    let image = release.image.by_digest();
    put_image(&mut object, &image);
    lead_to_track(release, &mut object);
    let kind = text(&object, "/kind").to_owned();
    let spec = object.get("spec").map(Value::to_string).unwrap_or_default();
    let metadata = object.get_mut("metadata")?;
    if kind == "Job" {
        // A Job's template cannot change: another template makes another Job, which runs once.
        let mut name = text(metadata, "/name").to_owned();
        name.truncate(name.floor_char_boundary(LONGEST_JOB));
        set(metadata, "name", json!(format!("{name}-{}", short_hash(&spec))));
    }
    if kind == "Job"
        && let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut)
    {
        // A Job that is deleted by itself would be waited for, and run again by the next release. Ours is
        // deleted by the release that no longer has it.
        spec.remove("ttlSecondsAfterFinished");
    }
    let metadata = object.get_mut("metadata")?;
    set(metadata, "namespace", json!(release.app.namespace()));
    let own = entry(metadata, "labels")?;
    if let Some(labels) = labels(release).as_object() {
        for (key, value) in labels {
            // The object's own labels replace ours, except those that name the owner.
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
        // A pod without a probe is ready for the moment until it crashes.
        let seconds = min_ready(spec.get("template").unwrap_or(&Value::Null));
        set(spec, "minReadySeconds", json!(seconds));
    }
    if kind == "Deployment"
        && let Some(spec) = object.get_mut("spec").filter(|spec| spec.is_object())
        && let Some(strategy) = entry(spec, "strategy")
        && text(strategy, "/type").is_empty()
    {
        // The default. Without it, the `Recreate` of a later release would stay in a rollback.
        set(strategy, "type", json!("RollingUpdate"));
    }
    if WITH_PODS.contains(&&*kind)
        && let Some(template) = object.pointer_mut("/spec/template")
    {
        // So that the pods are observed. A label of the object's own stays.
        let labels = entry(template, "metadata").and_then(|metadata| entry(metadata, "labels"));
        if let Some(labels) = labels.filter(|labels| labels.get(INSTANCE).is_none()) {
            set(labels, INSTANCE, json!(release.app.name));
        }
        // A Job's template cannot change: a Job reads the ConfigMap of the time when it runs, once.
        if is_rolled {
            mark(release, template);
        }
    }
    Some(object)
}

/// Returns the label selector of all pods of an app. Pods of the repository's own manifests may have another
/// [`INSTANCE`], which stays: their workload's selector, which can never change, may name that instance.
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

/// Returns whether a text can be a label's value. The API server refuses any other before objects are watched.
fn is_label(value: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    !value.is_empty() && value.len() <= 63 && value.chars().all(fits)
}
