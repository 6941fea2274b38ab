//! Image of a release, in objects of the repository's own.

use serde_json::Value;
use windlass_model::manifest::IMAGE;

/// Replaces each placeholder of the image.
pub(super) fn put_image(value: &mut Value, image: &str) {
    match value {
        Value::String(text) if text == IMAGE => image.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(|value| put_image(value, image)),
        Value::Object(map) => map.values_mut().for_each(|value| put_image(value, image)),
        _ => {}
    }
}
