//! The daemon's own variables of the environment: `WINDLASSD_LISTEN__TCP` for `listen.tcp`.
//!
//! An environment is shared. Variables of others are ignored: those of the client, and those that Kubernetes sets for a
//! `Service` of the same name.

use super::explain::explain;
use serde_json::Value;
use std::ffi::OsString;

/// Beginning of each of the daemon's variables, without the `_` after it.
pub(super) const PREFIX: &str = "WINDLASSD";

/// Former beginning of the daemon's variables.
const FORMER: &str = "WINDLASS_";

/// Returns the daemon's own variables among all. `schema` is that of the configuration.
pub(super) fn own(
    all: impl IntoIterator<Item = (OsString, OsString)>,
    schema: &Value,
) -> Result<config::Map<String, String>, String> {
    let mut own = config::Map::new();
    for (name, value) in all {
        let Ok(name) = name.into_string() else { continue };
        let key = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_prefix('_'));
        if let Some(key) = key {
            match find(key, schema) {
                Ok(()) => {}
                Err(_) if is_of_a_service(key) => continue,
                Err(unknown) => return Err(format!("{name}: {unknown}")),
            }
            let value = value
                .into_string()
                .map_err(|_| format!("{name}: the value is not UTF-8; expected text"))?;
            own.insert(name, value);
        } else if let Some(key) = name.strip_prefix(FORMER)
            && find(key, schema).is_ok()
        {
            return Err(format!(
                "{name}: the daemon's variables begin with `{PREFIX}_` now; rename it to {PREFIX}_{key}, or unset it"
            ));
        }
    }
    Ok(own)
}

/// Looks for the key that a variable names. The error names the part that is unknown.
fn find(key: &str, schema: &Value) -> Result<(), String> {
    let mut at = schema;
    for part in key.split("__") {
        let part = part.to_ascii_lowercase().replace('_', "-");
        let properties = resolve(schema, at).get("properties").and_then(Value::as_object);
        let Some(properties) = properties else {
            return Err(format!("`{part}` is within a key that is no table"));
        };
        let Some(found) = properties.get(&part) else {
            let known: Vec<_> = properties.keys().map(|known| format!("`{known}`")).collect();
            let message = format!("unknown field `{part}`, expected one of {}", known.join(", "));
            return Err(explain(&message));
        };
        at = found;
    }
    match resolve(schema, at).get("properties") {
        None => Ok(()),
        Some(_) => Err("is a table; name one of its keys after `__`".into()),
    }
}

/// Follows a reference, and takes the schema of a value out of that of an optional one.
fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let target = reference.strip_prefix('#').and_then(|path| root.pointer(path));
        return target.map_or(schema, |target| resolve(root, target));
    }
    let first = schema.get("anyOf").and_then(Value::as_array).and_then(|any| any.first());
    first.map_or(schema, |first| resolve(root, first))
}

/// Returns whether Kubernetes sets such a variable in all containers, for each `Service` of their namespace.
fn is_of_a_service(key: &str) -> bool {
    let ends = |end: &str| {
        key.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    let protocols = ["_TCP", "_UDP", "_SCTP"];
    ends("SERVICE_HOST")
        || ends("SERVICE_PORT")
        || ends("PORT")
        || key.contains("SERVICE_PORT_")
        || (key.contains("PORT_") && protocols.iter().any(|protocol| key.contains(protocol)))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    fn of(name: &str) -> Result<Vec<String>, String> {
        let all = [(OsString::from(name), OsString::from("8"))];
        let own = own(all, &Config::schema())?;
        Ok(own.into_keys().collect())
    }

    #[test]
    fn a_key_is_named_by_its_parts() {
        for name in ["WINDLASSD_JOBS", "WINDLASSD_LISTEN__TCP", "WINDLASSD_BUILDER__ADDRESS"] {
            assert_eq!(of(name).unwrap(), [name]);
        }
    }

    #[test]
    fn variables_of_others_are_ignored() {
        for name in [
            "WINDLASS_TOKEN",
            "WINDLASS_ADDRESS",
            "WINDLASS_SERVICE_HOST",
            "WINDLASS_PORT",
            "WINDLASS_PORT_7443_TCP",
            "WINDLASS_ANYTHING",
            "WINDLASSD_SERVICE_HOST",
            "WINDLASSD_SERVICE_PORT",
            "WINDLASSD_SERVICE_PORT_GRPC",
            "WINDLASSD_PORT",
            "WINDLASSD_PORT_7443_TCP_ADDR",
            "WINDLASSD_METRICS_SERVICE_HOST",
            "PATH",
        ] {
            assert!(of(name).unwrap().is_empty(), "{name}");
        }
    }

    #[test]
    fn a_mistake_is_named_by_its_variable() {
        for (name, expected) in [
            ("WINDLASSD_JOB", "WINDLASSD_JOB: unknown key `job`: did you mean `jobs`?"),
            ("WINDLASSD_LISTEN__TPC", "unknown key `tpc`: did you mean `tcp`?"),
            ("WINDLASSD_LISTEN", "WINDLASSD_LISTEN: is a table"),
            ("WINDLASSD_JOBS__MANY", "`many` is within a key that is no table"),
            ("WINDLASS_JOBS", "rename it to WINDLASSD_JOBS"),
            ("WINDLASS_LISTEN__TCP", "rename it to WINDLASSD_LISTEN__TCP"),
        ] {
            let error = of(name).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
