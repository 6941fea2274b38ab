//! The PersistentVolumeClaims of a process.

use super::names::{metadata, workload_name};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::{
    job::Release,
    runtime::{Process, Volume, VolumeSource},
};

/// Claims of a process whose pods share them; a StatefulSet makes its own.
pub(super) fn claims(release: &Release, process: &Process) -> Vec<Value> {
    if process.stateful {
        return Vec::new();
    }
    let of_volume = |(name, volume): (&String, &Volume)| {
        let name = format!("{}-{name}", workload_name(release, process));
        Some(json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": metadata(release, &name),
            "spec": claim(&volume.source)?,
        }))
    };
    process.volumes.iter().filter_map(of_volume).collect()
}

/// Returns the spec of a volume's claim. `None` means that the volume has none of its own.
pub(super) fn claim(source: &VolumeSource) -> Option<Value> {
    let VolumeSource::Claim { size, class, access } = source else { return None };
    let mut spec =
        json!({ "accessModes": [access], "resources": { "requests": { "storage": size } } });
    if let Some(class) = class {
        set(&mut spec, "storageClassName", json!(class));
    }
    Some(spec)
}
