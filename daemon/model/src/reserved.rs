//! Names of objects that Windlass makes in the namespace of a project. No app may mount, name or make them.
//!
//! A namespace holds all apps of a project and an environment, so a name is reserved for every app.

/// Fault of a reserved name of a Secret, for errors.
pub const SECRET: &str = "is the name of a Secret that Windlass makes: names that end with `-pull` or with `-secrets-` and a hash are reserved, since a pull secret holds the operator's login; name another Secret";

/// Fault of a reserved name of a ConfigMap, for errors.
pub const CONFIG_MAP: &str = "is the name of a ConfigMap that Windlass makes: names that begin with `windlass-` or end with `-env-` and a hash are reserved; name another ConfigMap";

/// Returns whether Windlass makes Secrets of this name: pull secrets (`<app>-pull`), and those of an environment.
#[must_use]
pub fn is_secret(name: &str) -> bool {
    name.ends_with("-pull") || is_hashed(name, "-secrets-")
}

/// Returns whether Windlass makes ConfigMaps of this name: inventories (`windlass-<app>`), and those of an
/// environment.
#[must_use]
pub fn is_config_map(name: &str) -> bool {
    name.starts_with("windlass-") || is_hashed(name, "-env-")
}

/// Returns whether a name ends with `part` and the ten hex digits of a hash.
fn is_hashed(name: &str, part: &str) -> bool {
    let Some((_, hash)) = name.rsplit_once(part) else { return false };
    hash.len() == 10
        && hash.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_objects_that_windlass_makes_are_reserved_for_every_app() {
        for name in
            ["web-pull", "other-pull", "web-secrets-0123456789", "a-secrets-b-secrets-abcdef0123"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in
            ["web-pullers", "pull", "web-secrets-file", "web-secrets-012345678Z", "shop-tls"]
        {
            assert!(!is_secret(name), "{name}");
        }
        for name in ["windlass-web", "web-env-0123456789"] {
            assert!(is_config_map(name), "{name}");
        }
        for name in ["web", "my-windlass-map", "web-env-production"] {
            assert!(!is_config_map(name), "{name}");
        }
    }
}
