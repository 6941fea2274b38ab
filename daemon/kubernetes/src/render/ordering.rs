//! StatefulSets that start their pods one after the other.

use crate::json::text;
use serde_json::Value;

/// Whether an object is a StatefulSet that starts its pods one after the other.
pub(crate) fn is_ordered(object: &Value) -> bool {
    let policy = object.pointer("/spec/podManagementPolicy").and_then(Value::as_str);
    text(object, "/kind") == "StatefulSet" && starts_in_order(policy)
}

/// Whether a policy is to start pods one after the other: the default.
pub(crate) fn starts_in_order(policy: Option<&str>) -> bool {
    policy != Some("Parallel")
}
