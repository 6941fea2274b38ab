//! A plugin that is ready to be called.

use crate::{
    breaker::CircuitBreaker,
    grant::Granted,
    limits::{Budget, Limits},
    manifest::Manifest,
    run::Execute,
    settings::Schema,
    setup::Isolation,
};
use globset::GlobSet;
use serde::Serialize;
use std::{path::PathBuf, sync::Arc};
use windlass_model::error::PluginError;

/// A plugin that is ready, as the operator configured it.
pub(crate) struct Plugin {
    pub(crate) manifest: Manifest,
    /// Digest of the component, `sha256:…`, as grants and records write it.
    pub(crate) digest: String,
    pub(crate) execute: Arc<dyn Execute>,
    /// Memory of all plugins of the process together.
    pub(crate) budget: Arc<Budget>,
    pub(crate) isolation: Isolation,
    pub(crate) markers: GlobSet,
    pub(crate) limits: Limits,
    pub(crate) granted: Arc<Granted>,
    pub(crate) schema: Schema,
    /// The operator's settings, without those of a registry or a hook.
    pub(crate) settings: serde_json::Value,
    pub(crate) path: PathBuf,
    pub(crate) breaker: CircuitBreaker,
}

impl Plugin {
    /// Returns the error of a call that gave no answer.
    pub(crate) fn error(&self, call: &str, message: String, hint: Option<String>) -> PluginError {
        PluginError { plugin: self.manifest.name.clone(), call: call.into(), message, hint }
    }

    /// Returns whether the plugin runs tests of a language.
    pub(crate) fn speaks(&self, language: &str) -> bool {
        self.manifest.languages.iter().any(|own| own == language)
    }

    /// Returns an answer, or an error if it is larger than the limit.
    pub(crate) fn measured<T: Serialize>(&self, call: &str, answer: T) -> Result<T, PluginError> {
        let limit = self.limits.output;
        let size = serde_json::to_vec(&answer).map_or(usize::MAX, |json| json.len());
        if size <= limit {
            return Ok(answer);
        }
        let message = format!("its answer has {size} bytes; {limit} are allowed (limit `output`)");
        Err(self.error(call, message, None))
    }
}
