//! Settings of plugins, checked against the schema that the manifest carries.

use crate::manifest::Manifest;
use serde_json::Value;

/// Schema of a plugin's settings.
pub(crate) struct Schema(Option<jsonschema::Validator>);

impl Schema {
    /// Compiles the schema that a manifest carries. The error names the fault of the schema.
    pub(crate) fn of(manifest: &Manifest) -> Result<Self, String> {
        let Some(schema) = &manifest.settings else { return Ok(Self(None)) };
        let validator = jsonschema::validator_for(schema);
        let validator = validator.map_err(|error| format!("its manifest: settings: {error}"))?;
        Ok(Self(Some(validator)))
    }

    /// Checks settings. The error names each field, its value and what is expected.
    pub(crate) fn check(&self, settings: &Value) -> Result<(), String> {
        let Some(validator) = &self.0 else {
            return if settings.as_object().is_some_and(serde_json::Map::is_empty) {
                Ok(())
            } else {
                Err("settings: it has none: remove them".into())
            };
        };
        let errors: Vec<_> = validator
            .iter_errors(settings)
            .map(|error| {
                let at = error.instance_path().to_string();
                format!("settings{}: {error}", at.replace('/', "."))
            })
            .take(5)
            .collect();
        if errors.is_empty() { Ok(()) } else { Err(errors.join("; ")) }
    }
}

/// Returns `settings` with those of `more` in their place, key by key.
pub(crate) fn merged(settings: &Value, more: &Value) -> Value {
    let mut all = settings.clone();
    if let (Some(all), Some(more)) = (all.as_object_mut(), more.as_object()) {
        all.extend(more.clone());
    }
    all
}
