//! Waves in which objects are applied.

use super::autoscaler::is_scaler;
use crate::json::text;
use serde_json::Value;

/// First wave that makes pods.
pub(crate) const PODS: usize = 3;

/// Returns an object's wave: objects of a wave are applied together, after all that they need.
pub(crate) fn wave(object: &Value) -> usize {
    match text(object, "/kind") {
        "Namespace" => 0,
        "ServiceAccount"
        | "Role"
        | "RoleBinding"
        | "NetworkPolicy"
        | "PodDisruptionBudget"
        | "ConfigMap"
        | "Secret"
        | "PersistentVolumeClaim"
        | "LimitRange"
        | "ResourceQuota" => 1,
        "Service" => 2,
        "HorizontalPodAutoscaler" | "Ingress" | "HTTPRoute" | "VirtualService" => 4,
        _ if is_scaler(object) => 4,
        _ => 3,
    }
}
