//! Fields of an object, by key or by JSON pointer.

use serde_json::{Value, json};

/// A text in an object, by its JSON pointer; empty where there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Sets a field. What is no object stays as it is.
pub(crate) fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(map) = object.as_object_mut() {
        map.insert(key.into(), value);
    }
}

/// The second's entries over the first's.
pub(crate) fn merge(object: &mut Value, over: Value) {
    if let (Some(map), Value::Object(over)) = (object.as_object_mut(), over) {
        map.extend(over);
    }
}

/// Returns the object at a key, and makes one of what is none. `None` means that nothing can be put in.
pub(crate) fn entry<'a>(object: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let entry = object.as_object_mut()?.entry(key).or_insert_with(|| json!({}));
    if !entry.is_object() {
        *entry = json!({});
    }
    Some(entry)
}
