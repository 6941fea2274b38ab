//! Errors of the daemon's own logins.

use windlass_engine::ports::store::StoreError;
use windlass_model::error::{LoginError, PluginError};

/// Returns an error that no plugin answers for, with what to do.
pub(super) fn refused(message: String, hint: &str) -> PluginError {
    let (plugin, call) = (String::new(), "login".to_owned());
    PluginError { plugin, call, message, hint: Some(hint.to_owned()) }
}

/// Returns an error of a registry of the project's own that no plugin answers for, with what to do.
pub(super) fn own_refused(message: String, hint: &str) -> LoginError {
    of_own(refused(message, hint))
}

/// Returns the error of a login as that of a registry of the project's own.
pub(super) fn of_own(error: PluginError) -> LoginError {
    LoginError::Own(Box::new(error))
}

/// Converts an error of the store. One that may pass is no verdict on a job. A row that cannot be read stays so, and is
/// for the operator to mend.
pub(super) fn unread(error: StoreError) -> LoginError {
    let message = error.to_string();
    match error {
        StoreError::Unreadable { .. } | StoreError::TooNew { .. } => refused(
            format!("the project's registries cannot be read: {message}"),
            "operator: restore the store with its key, or start a daemon that is as new as the one that wrote it",
        )
        .into(),
        _ => LoginError::Unavailable { message },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_away_is_no_verdict_and_a_row_that_cannot_be_read_is_the_operators() {
        let busy = unread(StoreError::Busy("5 s".into()));
        assert!(matches!(busy, LoginError::Unavailable { .. }), "{busy:?}");
        let unreadable =
            || StoreError::Unreadable { what: "a registry".into(), why: "seal".into() };
        let error = unread(unreadable());
        let LoginError::Operator(error) = error else { panic!("{error:?}") };
        assert!(error.message.contains("seal") && error.hint.is_some(), "{error:?}");
    }
}
