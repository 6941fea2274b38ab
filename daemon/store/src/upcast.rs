//! The format of stored values, with its versions.
//!
//! Each stored value has its version beside it. A value of an older version is raised, one version after
//! the other, before it is read. A new version adds a step here, and a fixture that it must read.
//!
//! | version | what changed |
//! |---|---|
//! | 1 | the first: rows that had no version yet |
//! | 2 | a runtime always has a list of processes, and every field of its own |

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use windlass_engine::ports::store::StoreError;
use windlass_model::{
    runtime::{Expose, Resources, Runtime, ServiceKind},
    spec,
};

/// The version that is written.
pub(crate) const VERSION: u32 = 2;

/// Returns a value in the format of [`VERSION`].
pub(crate) fn write<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Other(error.to_string()))
}

/// Reads a value that was stored in `version` of the format. `what` names the row, for errors.
pub(crate) fn read<T: DeserializeOwned>(
    what: &str,
    version: i64,
    json: &str,
) -> Result<T, StoreError> {
    let unreadable = |error: serde_json::Error| StoreError::Unreadable {
        what: what.into(),
        why: error.to_string(),
    };
    if version == i64::from(VERSION) {
        return serde_json::from_str(json).map_err(unreadable);
    }
    if version > i64::from(VERSION) {
        return Err(StoreError::TooNew { what: what.into(), version, known: VERSION });
    }
    let mut value: Value = serde_json::from_str(json).map_err(unreadable)?;
    raise_runtimes(&mut value).map_err(unreadable)?;
    serde_json::from_value(value).map_err(unreadable)
}

/// Raises the runtimes of all releases in a value from version 1 to 2.
fn raise_runtimes(value: &mut Value) -> serde_json::Result<()> {
    match value {
        Value::Array(values) => values.iter_mut().try_for_each(raise_runtimes),
        Value::Object(fields) => {
            if is_release(fields)
                && let Some(Value::Object(runtime)) = fields.get_mut("runtime")
            {
                raise_runtime(runtime)?;
            }
            fields.values_mut().try_for_each(raise_runtimes)
        }
        _ => Ok(()),
    }
}

/// Returns whether an object is a release. Users write only text into a job, and never such an object.
fn is_release(fields: &Map<String, Value>) -> bool {
    ["id", "app", "commit", "image", "runtime"].iter().all(|field| fields.contains_key(*field))
}

/// The only process of a runtime of version 1, which has no name.
#[derive(Deserialize)]
struct OnlyProcess {
    port: u16,
    replicas: Option<u32>,
    resources: Option<Resources>,
    health: Option<String>,
    #[serde(default)]
    command: Vec<String>,
}

fn raise_runtime(runtime: &mut Map<String, Value>) -> serde_json::Result<()> {
    let old = std::mem::take(runtime);
    if let Value::Object(fields) = serde_json::to_value(Runtime::default())? {
        *runtime = fields;
    }
    for (name, field) in runtime.iter_mut() {
        if let Some(value) = old.get(name) {
            *field = value.clone();
        }
    }
    let processes = old.get("processes").and_then(Value::as_array);
    let has_processes = processes.is_some_and(|processes| !processes.is_empty());
    let has_port = old.get("port").is_some_and(|port| !port.is_null());
    if has_processes || !has_port {
        return Ok(());
    }
    let only: OnlyProcess = serde_json::from_value(Value::Object(old))?;
    let mut web = spec::web(only.port, only.health.as_deref());
    web.replicas = only.replicas.unwrap_or(1);
    web.resources = only.resources.unwrap_or(web.resources);
    web.command = only.command;
    let expose = Expose {
        service: Some(ServiceKind::Cluster),
        port: 80,
        path: "/".into(),
        ..Expose::default()
    };
    runtime.insert("processes".into(), serde_json::to_value([web])?);
    runtime.insert("expose".into(), serde_json::to_value(expose)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{event::Event, job::Release};

    const RUNTIME: &str = r#"{"port":3000,"env":{"A":"b"},"secrets":[],"replicas":2,"resources":{"cpu":"1","memory":"1Gi","memory_limit":"2Gi"},"health":"/h","command":["x"],"user":7}"#;

    fn release() -> String {
        let app = r#"{"project":"shop","name":"web","environment":"production"}"#;
        let image = r#"{"reference":"r/x:1","digest":"sha256:1"}"#;
        format!(r#"{{"id":"1","app":{app},"commit":"abc","image":{image},"runtime":{RUNTIME}}}"#)
    }

    #[test]
    fn a_release_of_an_older_journal_is_one_web_process() {
        let old: Release = read("release 1", 1, &release()).unwrap();
        let web = old.runtime.web().unwrap();
        assert_eq!((web.port, web.replicas, &*web.resources.memory), (Some(3000), 2, "1Gi"));
        assert_eq!((&*web.command, old.runtime.user), (&["x".to_owned()][..], Some(7)));
        assert_eq!(old.runtime.expose.port, 80);
        let again: Release = read("release 1", 2, &write(&old).unwrap()).unwrap();
        assert_eq!(again, old);
    }

    #[test]
    fn a_release_deep_in_an_event_is_raised_too() {
        let release = release();
        let plan = format!(
            r#"{{"planned":{{"forward":[{{"together":[{{"change":{{"apply":{release}}}}}]}}],"back":[],"release":{release}}}}}"#
        );
        let Event::Planned(plan) = read("event 1 of job 1", 1, &plan).unwrap() else {
            panic!("another event")
        };
        assert_eq!(plan.release.runtime.web().unwrap().port, Some(3000));
    }

    #[test]
    fn a_newer_version_is_named() {
        let error = read::<Event>("event 3 of job 7", 9, r#"{"unheard":{}}"#).unwrap_err();
        let known =
            StoreError::TooNew { what: "event 3 of job 7".into(), version: 9, known: VERSION };
        assert_eq!(error, known);
        let text = error.to_string();
        assert!(text.contains("event 3 of job 7") && text.contains("version 9"), "{text}");
    }

    #[test]
    fn what_no_version_writes_is_named() {
        let error = read::<Event>("event 3 of job 7", 1, r#"{"unheard":{}}"#).unwrap_err();
        assert!(matches!(error, StoreError::Unreadable { .. }), "{error}");
        assert!(error.to_string().contains("event 3 of job 7"));
    }
}
