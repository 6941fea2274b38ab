//! How a Deployment's new pods come in the place of the old ones.

use serde_json::{Value, json};
use windlass_model::runtime::{Process, VolumeSource};

/// The strategy of a process's Deployment. `shares`: whether a claim that somebody else made, by its name,
/// can be had by several pods at once, to be written or only to be read.
pub(crate) fn strategy(process: &Process, shares: &dyn Fn(&str, bool) -> bool) -> Value {
    // A disk that one node or one pod has at a time cannot be given to a new pod before the old one is
    // gone.
    let alone = process.volumes.values().any(|volume| match &volume.source {
        VolumeSource::Claim { access, .. } => access.starts_with("ReadWriteOnce"),
        VolumeSource::Existing(claim) => !shares(claim, volume.read_only),
        VolumeSource::Scratch { .. } | VolumeSource::Secret(_) | VolumeSource::ConfigMap(_) => {
            false
        }
    });
    if alone {
        return json!({ "type": "Recreate" });
    }
    // One replica with the default of one unavailable would be an outage; a quarter more at once makes
    // many pods come in a few waves.
    let surge = (process.replicas / 4).max(1);
    json!({
        "type": "RollingUpdate",
        "rollingUpdate": { "maxUnavailable": 0, "maxSurge": surge },
    })
}
