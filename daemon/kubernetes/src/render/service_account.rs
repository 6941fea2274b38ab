//! The `ServiceAccount` of an app: the rights of its pods.

use super::names::{account_name, metadata};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::job::Release;

/// Renders the ServiceAccount. It has no rights, and its token is not mounted unless the app requests that.
/// `None` means that the app uses an existing account.
pub(super) fn service_account(release: &Release) -> Option<Value> {
    let account = &release.runtime.account;
    if account.existing.is_some() {
        return None;
    }
    let mut head = metadata(release, &account_name(release));
    if !account.annotations.is_empty() {
        set(&mut head, "annotations", json!(account.annotations));
    }
    Some(json!({
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": head,
        "automountServiceAccountToken": false,
    }))
}
