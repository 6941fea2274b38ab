//! The ServiceAccount of an app: the rights of its pods.

use super::names::{account_name, metadata};
use crate::json::set;
use serde_json::{Value, json};
use windlass_model::job::Release;

/// One of the app's own has no rights; pods do not even get its token unless they ask for it.
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
