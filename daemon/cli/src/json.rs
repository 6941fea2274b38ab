//! Messages as JSON objects: the names are those of the proto, and `proto/build.rs` has the exceptions.

use serde::Serialize;
use serde_json::Value;

pub(crate) use windlass_proto::word;

/// Returns any message as a JSON object.
pub(crate) fn value(message: &impl Serialize) -> Value {
    // Keys are texts and numbers are finite, so that nothing can fail here.
    serde_json::to_value(message).unwrap_or_default()
}
