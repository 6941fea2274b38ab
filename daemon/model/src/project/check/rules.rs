//! Rules that several parts of a project's file share.

use crate::{project::faults::Faults, secret::is_name};

/// Characters of the longest name.
pub(super) const LONGEST_NAME: usize = 30;

/// Characters of the longest name of an environment: it is a part of a namespace's.
pub(super) const LONGEST_ENVIRONMENT: usize = 20;

/// Checks the name of a secret. Many a token is pasted there, and is not repeated.
pub(super) fn secret(field: &str, name: Option<&str>, faults: &mut Faults) {
    if name.is_some_and(|name| !is_name(name)) {
        let problem = "must be the name of a secret of the project (a-z, 0-9, `-`, `_` and `.`), not its value: `windlass secret put` takes the value";
        faults.add(field, "***", problem);
    }
}
