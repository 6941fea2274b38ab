//! Fields of an object, by key or by JSON pointer.

use serde_json::{Value, json};

/// Returns a text in an object, by its JSON pointer. Empty means that there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Sets a field of an object. Another value stays as it is.
pub(crate) fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.into(), value);
    }
}

/// Adds entries to an object, in the place of those that it has under the same keys.
pub(crate) fn merge(object: &mut Value, entries: Value) {
    if let (Some(map), Value::Object(entries)) = (object.as_object_mut(), entries) {
        map.extend(entries);
    }
}

/// Returns the object at a key, and puts an empty one in the place of any other value. `None` means that the
/// outer value is no object.
pub(crate) fn entry<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let entry = object.as_object_mut()?.entry(key).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = json!({});
    }
    Some(entry)
}
