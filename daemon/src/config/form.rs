//! Forms of values that several tables share.

use serde::{Deserialize, Deserializer, de::IntoDeserializer};

/// Returns empty settings.
pub(super) fn object() -> serde_json::Value {
    serde_json::json!({})
}

/// Reads one value of an enumeration. The derived reader's error names neither the key nor the values.
pub(super) fn word<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(String::deserialize(from)?.into_deserializer())
}
