//! Volumes of a pod: `volumes` and `volumeMounts`.

use serde::{Deserialize, Serialize};

/// A folder that a pod has beside its image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// `mountPath`.
    pub path: String,
    /// `readOnly` of the mount.
    pub read_only: bool,
    pub source: VolumeSource,
}

/// The source of a volume's content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeSource {
    /// A `PersistentVolumeClaim` that Windlass makes and never deletes.
    Claim {
        /// `resources.requests.storage`.
        size: String,
        /// `storageClassName`. `None` means the cluster's default class.
        class: Option<String>,
        /// `accessModes`, of which there is one: `ReadWriteOnce` …
        access: String,
    },
    /// An existing `PersistentVolumeClaim` that Windlass does not manage.
    Existing(String),
    /// An `emptyDir`, which is deleted with the pod.
    Scratch {
        /// `sizeLimit`. `None` means no limit.
        size: Option<String>,
    },
    /// A `Secret` of the namespace.
    Secret(String),
    /// A `ConfigMap` of the namespace.
    ConfigMap(String),
}
