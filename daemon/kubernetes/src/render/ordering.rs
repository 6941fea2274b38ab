//! `podManagementPolicy` of StatefulSets: those that start their pods one after the other.

use crate::json::text;
use serde_json::Value;

/// Returns whether an object is a StatefulSet that starts its pods one after the other.
pub(crate) fn is_ordered(object: &Value) -> bool {
    let policy = object.pointer("/spec/podManagementPolicy").and_then(Value::as_str);
    text(object, "/kind") == "StatefulSet" && starts_in_order(policy)
}

/// Returns whether a `podManagementPolicy` starts pods one after the other. `None` means the default, which
/// does.
pub(crate) fn starts_in_order(policy: Option<&str>) -> bool {
    policy != Some("Parallel")
}
