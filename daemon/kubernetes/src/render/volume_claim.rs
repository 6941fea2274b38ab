//! The `PersistentVolumeClaim`s of a process.

use super::names::{metadata, service_name};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::{
    job::Release,
    runtime::{Process, Volume, VolumeSource},
};

/// Renders the volume claims that a process's pods share, on whichever track they are. A StatefulSet makes its own ones.
pub(super) fn claims(release: &Release, process: &Process) -> Vec<Value> {
    if process.stateful {
        return Vec::new();
    }
    let of_volume = |(name, volume): (&String, &Volume)| {
        let name = format!("{}-{name}", service_name(release, process));
        Some(json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata(release, &name),
            "spec": claim(&volume.source)?,
        }))
    };
    process.volumes.iter().filter_map(of_volume).collect()
}

/// Renders the spec of a volume's claim. `None` means that the volume has no claim of its own.
pub(super) fn claim(source: &VolumeSource) -> Option<Value> {
    let VolumeSource::Claim { size, class, access } = source else { return None };
    let mut spec =
        json!({ "accessModes": [access], "resources": { "requests": { "storage": size } } });
    if let Some(class) = class {
        set(&mut spec, "storageClassName", json!(class));
    }
    Some(spec)
}
