//! JSON, with the name of the field that is wrong.

use super::fields::text;
use crate::error::Unreadable;
use serde::de::DeserializeOwned;
use serde_json::Deserializer;

/// Reads a body. Depth is bounded by the reader of JSON, size by the door.
pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Unreadable> {
    let mut json = Deserializer::from_slice(body);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { "body".to_owned() } else { text(&path) };
        Unreadable { field, problem: problem(error.inner()) }
    })?;
    json.end().map_err(|error| Unreadable::new("body", problem(&error)))?;
    Ok(value)
}

fn problem(error: &serde_json::Error) -> String {
    format!("cannot be: {}", text(&error.to_string()))
}
