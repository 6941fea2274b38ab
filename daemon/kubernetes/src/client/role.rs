//! A `Role` that grants the rights that are missing.

use std::{collections::BTreeMap, fmt::Write};

/// Returns a Role for `kubectl apply` with the sentence what to do with it, from verbs by group and resource.
pub(super) fn role(namespace: &str, missing: &BTreeMap<(String, String), Vec<&str>>) -> String {
    let role = yaml(namespace, missing);
    format!("apply this as an admin, and bind it to the daemon's account:\n{role}")
}

/// Returns a Role for `kubectl apply`, from verbs by group and resource.
pub(super) fn yaml(namespace: &str, missing: &BTreeMap<(String, String), Vec<&str>>) -> String {
    let mut text = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: windlass-missing\n  namespace: {namespace}\nrules:\n"
    );
    for ((group, resource), verbs) in missing {
        let verbs = verbs.iter().map(|verb| format!("\"{verb}\"")).collect::<Vec<_>>().join(", ");
        let _ = writeln!(
            text,
            "- apiGroups: [\"{group}\"]\n  resources: [\"{resource}\"]\n  verbs: [{verbs}]"
        );
    }
    text.trim_end().to_owned()
}
