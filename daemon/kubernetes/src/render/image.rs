//! The image of a release, in objects of the repository's own.

use serde_json::Value;
use windlass_model::manifest::IMAGE;

/// Puts the image wherever its placeholder stands.
pub(super) fn put_image(value: &mut Value, image: &str) {
    match value {
        Value::String(text) if text == IMAGE => image.clone_into(text),
        Value::Array(list) => list.iter_mut().for_each(|value| put_image(value, image)),
        Value::Object(map) => map.values_mut().for_each(|value| put_image(value, image)),
        _ => {}
    }
}
