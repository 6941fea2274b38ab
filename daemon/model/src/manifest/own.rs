//! Objects that make, read or open what is Windlass's own in the namespace.

use crate::reserved;
use serde_json::Value;

/// ClusterRoles of Kubernetes that a repository may bind: none of them reads a Secret.
const CLUSTER_ROLES: [&str; 4] =
    ["view", "system:auth-delegator", "system:basic-user", "system:discovery"];

/// Fault of an object.
pub(super) struct Fault {
    /// Kind, name and field.
    pub(super) value: String,
    pub(super) problem: String,
}

/// Returns the first fault. `None` means that the object touches nothing of Windlass's own.
pub(super) fn fault(object: &Value) -> Option<Fault> {
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("/kind"), text("/metadata/name"));
    let fault = |field: &str, problem: &str| {
        let value = format!("{kind} {name} {field}").trim().to_owned();
        Some(Fault { value, problem: problem.into() })
    };
    if kind == "ConfigMap" && reserved::is_config_map(name) {
        return fault("", reserved::CONFIG_MAP);
    }
    if let Some((field, secret)) = secret_of(object, "", false) {
        return fault(&format!("{field}: {secret}"), reserved::SECRET);
    }
    let is_role = matches!(kind, "Role" | "ClusterRole");
    let rules = object.get("rules").and_then(Value::as_array).filter(|_| is_role);
    if let Some(index) = rules.and_then(|rules| rules.iter().position(opens_secrets)) {
        let problem = "gives a right to `secrets`: the namespace's pull secrets hold the operator's login; name the app's secrets in `secrets` instead";
        return fault(&format!("rules[{index}]"), problem);
    }
    let is_binding = matches!(kind, "RoleBinding" | "ClusterRoleBinding");
    let role = text("/roleRef/name");
    if is_binding && text("/roleRef/kind") == "ClusterRole" && !CLUSTER_ROLES.contains(&role) {
        let problem = format!(
            "binds a ClusterRole that may read the namespace's pull secrets; bind a Role of your own, or one of {}",
            CLUSTER_ROLES.join(", ")
        );
        return fault(&format!("roleRef: {role}"), &problem);
    }
    None
}

/// Finds a reserved name where an object names a Secret: in a field whose path says so, or in a reference of the
/// kind `Secret`.
fn secret_of<'a>(value: &'a Value, at: &str, names: bool) -> Option<(String, &'a str)> {
    match value {
        Value::String(text) if names && reserved::is_secret(text) => {
            Some((at.to_owned(), text.as_str()))
        }
        Value::Array(list) => {
            let mut each = list.iter().enumerate();
            each.find_map(|(index, value)| secret_of(value, &format!("{at}[{index}]"), names))
        }
        Value::Object(map) => {
            let names = names || map.get("kind").and_then(Value::as_str) == Some("Secret");
            map.iter().find_map(|(key, value)| {
                let path = if at.is_empty() { key.clone() } else { format!("{at}.{key}") };
                secret_of(value, &path, names || names_secrets(key))
            })
        }
        _ => None,
    }
}

/// Returns whether a field's value names Secrets. `certificateRefs` of a Gateway are Secrets unless they name another
/// kind, and `resourceNames` of a rule may be Secrets.
fn names_secrets(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("secret") || key == "certificaterefs" || key == "resourcenames"
}

/// Returns whether a rule of RBAC gives a right to Secrets.
fn opens_secrets(rule: &Value) -> bool {
    let has = |key: &str, fits: fn(&str) -> bool| {
        let list = rule.get(key).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).any(fits)
    };
    has("apiGroups", |group| group.is_empty() || group == "*")
        && has("resources", |name| name == "*" || name == "secrets" || name.starts_with("secrets/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn problem(kind: &str, more: Value) -> Option<String> {
        let mut object =
            json!({ "apiVersion": "x/v1", "kind": kind, "metadata": { "name": "own" } });
        object.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        fault(&object).map(|fault| format!("{}: {}", fault.value, fault.problem))
    }

    #[test]
    fn a_pull_secret_is_named_nowhere() {
        let pod = |spec: Value| json!({ "spec": { "template": { "spec": spec } } });
        for (spec, field) in [
            (
                json!({ "volumes": [{ "name": "c", "secret": { "secretName": "web-pull" } }] }),
                "volumes[0].secret.secretName: web-pull",
            ),
            (
                json!({ "volumes": [{ "projected": { "sources": [{ "secret": { "name": "web-pull" } }] } }] }),
                "projected.sources[0].secret.name: web-pull",
            ),
            (
                json!({ "containers": [{ "envFrom": [{ "secretRef": { "name": "web-pull" } }] }] }),
                "envFrom[0].secretRef.name: web-pull",
            ),
            (
                json!({ "containers": [{ "env": [{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "web-secrets-0123456789", "key": "A" } } }] }] }),
                "secretKeyRef.name: web-secrets-0123456789",
            ),
            (json!({ "imagePullSecrets": [{ "name": "web-pull" }] }), "imagePullSecrets[0].name"),
        ] {
            let problem = problem("Deployment", pod(spec)).unwrap();
            assert!(problem.contains(field), "{problem}");
            assert!(problem.contains("holds the operator's login"), "{problem}");
        }
        let reference = json!({ "spec": { "target": { "kind": "Secret", "name": "web-pull" } } });
        assert!(problem("Copy", reference).is_some());
        // A name elsewhere is no Secret.
        let own = json!({ "volumes": [{ "secret": { "secretName": "shop-tls" } }], "containers": [{ "name": "git-pull", "args": ["image-pull"] }] });
        assert_eq!(problem("Deployment", pod(own)), None);
    }

    #[test]
    fn no_role_opens_secrets() {
        let rules = |group: &str, name: &str| json!({ "rules": [{ "apiGroups": ["apps"], "resources": ["deployments"] }, { "apiGroups": [group], "resources": [name] }] });
        for (group, name) in [("", "secrets"), ("*", "*"), ("", "*")] {
            let problem = problem("Role", rules(group, name)).unwrap();
            assert!(
                problem.starts_with("Role own rules[1]: gives a right to `secrets`"),
                "{problem}"
            );
        }
        assert_eq!(problem("Role", rules("", "configmaps")), None);
        assert_eq!(problem("Role", rules("example.com", "*")), None);
        let binding = |kind: &str, name: &str| json!({ "roleRef": { "kind": kind, "name": name } });
        assert!(problem("RoleBinding", binding("ClusterRole", "edit")).is_some());
        assert_eq!(problem("RoleBinding", binding("ClusterRole", "view")), None);
        assert_eq!(problem("RoleBinding", binding("Role", "edit")), None);
    }

    #[test]
    fn what_windlass_makes_is_not_made() {
        let named = |name: &str| json!({ "metadata": { "name": name } });
        assert!(problem("ConfigMap", named("windlass-web")).is_some());
        assert_eq!(problem("ConfigMap", named("web-config")), None);
    }
}
