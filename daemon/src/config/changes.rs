//! Differences between the configuration that was read at start and the file as it is now.

use serde_json::{Map, Value};

/// Keys that a reload reads again.
const RELOADED: [&str; 6] =
    ["hooks", "own-registries", "plugin-policy", "plugins", "principals", "registries"];

/// Returns the keys that differ and take effect at the next start only, such as `listen.tcp`.
pub(super) fn for_next_start(before: &Map<String, Value>, now: &Map<String, Value>) -> Vec<String> {
    let mut all = Vec::new();
    for key in keys(before, now) {
        if RELOADED.contains(&key.as_str()) {
            continue;
        }
        let (before, now) = (before.get(key), now.get(key));
        match (before, now) {
            (before, now) if before == now => {}
            (Some(Value::Object(before)), Some(Value::Object(now))) => {
                let inner = keys(before, now).into_iter();
                let inner = inner.filter(|inner| before.get(*inner) != now.get(*inner));
                all.extend(inner.map(|inner| format!("{key}.{inner}")));
            }
            _ => all.push(key.clone()),
        }
    }
    all
}

/// Returns the keys of both, each once.
fn keys<'a>(one: &'a Map<String, Value>, other: &'a Map<String, Value>) -> Vec<&'a String> {
    let mut all: Vec<_> = one.keys().chain(other.keys()).collect();
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_changed_key_is_named_unless_a_reload_reads_it() {
        let of = |value: Value| value.as_object().cloned().unwrap();
        let before = of(json!({
            "jobs": 4, "listen": { "tcp": "a", "uids": [] }, "principals": [],
            "registries": [{ "host": "a", "plugin": "p" }],
        }));
        assert!(for_next_start(&before, &before).is_empty());
        let now = of(json!({
            "listen": { "tcp": "b", "uids": [] }, "principals": [{}], "data": "/x",
            "registries": [{ "host": "c", "plugin": "p" }],
        }));
        assert_eq!(for_next_start(&before, &now), ["data", "jobs", "listen.tcp"]);
    }
}
