//! Settings of the operator.

use serde_json::Value;
use windlass_plugin_sdk::config;

/// Settings by name.
pub(crate) struct Settings(Value);

impl Settings {
    /// Reads the settings of this plugin.
    pub(crate) fn read() -> Self {
        Self(serde_json::from_str(&config()).unwrap_or_default())
    }

    /// Returns a setting's text. `None` means that the operator did not set it.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }
}
