//! Errors of the daemon's own logins.

use windlass_model::error::PluginError;

/// Returns an error that no plugin answers for, with what to do.
pub(super) fn refused(message: String, hint: &str) -> PluginError {
    let (plugin, call) = (String::new(), "login".to_owned());
    PluginError { plugin, call, message, hint: Some(hint.to_owned()) }
}
