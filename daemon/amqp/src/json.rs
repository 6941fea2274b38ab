//! Requests as protobuf JSON, read by the descriptors of the proto.
//!
//! A key is `camelCase`, as in the names of the proto, or as in `windlass.toml`. One that the proto does not have is
//! refused: a typo would deploy a default.

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};
use std::{fmt, sync::LazyLock};
use windlass_proto::v1;

/// Message that a body is.
const REQUEST: &str = "windlass.v1.SubmitRequest";

/// Messages that protobuf JSON writes in forms of their own: `"3600s"`.
const WELL_KNOWN: &str = "google.protobuf.";

static DESCRIPTOR: LazyLock<Option<MessageDescriptor>> = LazyLock::new(|| {
    let pool = DescriptorPool::decode(v1::DESCRIPTORS).ok()?;
    pool.get_message_by_name(REQUEST)
});

/// Fault of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Path of the field. Empty means the body as a whole.
    pub(crate) field: String,
    pub(crate) problem: String,
}

fn fault<T>(field: &str, problem: impl Into<String>) -> Result<T, Fault> {
    Err(Fault { field: field.to_owned(), problem: problem.into() })
}

/// Reads a request.
///
/// # Errors
/// [`Fault`] names the first field that cannot be read, and what is expected.
pub(crate) fn submit(body: &[u8]) -> Result<v1::SubmitRequest, Fault> {
    let Some(descriptor) = DESCRIPTOR.as_ref() else {
        return fault("", format!("this daemon has no description of {REQUEST}"));
    };
    let mut value = match serde_json::from_slice(body) {
        Ok(Unique(value)) => value,
        Err(error) => return fault("", format!("the body is no JSON: {error}")),
    };
    if !value.is_object() {
        return fault("", "the body is no JSON object");
    }
    rename(&mut value, descriptor, "")?;
    let mut track = serde_path_to_error::Track::new();
    let reader = serde_path_to_error::Deserializer::new(&value, &mut track);
    let read = match DynamicMessage::deserialize(descriptor.clone(), reader) {
        Ok(read) => read,
        Err(error) => {
            let path = track.path().to_string();
            // A dot is the whole.
            return fault(path.trim_start_matches('.'), error.to_string());
        }
    };
    let bytes = read.encode_to_vec();
    v1::SubmitRequest::decode(&*bytes).or_else(|error| fault("", error.to_string()))
}

/// A value of which no object has a key twice. `serde_json` alone would keep the last one, and say nothing.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

/// Reader of such a value.
struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Unique(value)) = entries.next_element()? {
            all.push(value);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((key, Unique(value))) = entries.next_entry::<String, Unique>()? {
            if all.contains_key(&key) {
                return Err(A::Error::custom(format!("the key `{key}` stands twice")));
            }
            all.insert(key, value);
        }
        Ok(Value::Object(all))
    }
}

/// Gives the keys of a message the names of the proto.
fn rename(value: &mut Value, message: &MessageDescriptor, path: &str) -> Result<(), Fault> {
    if message.full_name().starts_with(WELL_KNOWN) {
        return Ok(());
    }
    // What is no object is left to the reader, which names its type.
    let Value::Object(keys) = value else { return Ok(()) };
    let mut renamed = Map::new();
    for (key, mut inner) in std::mem::take(keys) {
        let at = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let named = message.get_field_by_name(&key.replace('-', "_"));
        let Some(field) = named.or_else(|| message.get_field_by_json_name(&key)) else {
            let known: Vec<_> = message.fields().map(|field| field.name().to_owned()).collect();
            return fault(&at, format!("is unknown; expected one of {}", known.join(", ")));
        };
        rename_field(&mut inner, &field, &at)?;
        if renamed.insert(field.name().to_owned(), inner).is_some() {
            return fault(&at, "stands twice, in two spellings; keep one of them");
        }
    }
    *keys = renamed;
    Ok(())
}

fn rename_field(value: &mut Value, field: &FieldDescriptor, path: &str) -> Result<(), Fault> {
    let Kind::Message(message) = field.kind() else { return Ok(()) };
    match value {
        Value::Object(entries) if field.is_map() => {
            let Kind::Message(inner) = message.map_entry_value_field().kind() else {
                return Ok(());
            };
            // The keys of a map are the user's own.
            for (key, entry) in entries.iter_mut() {
                rename(entry, &inner, &format!("{path}.{key}"))?;
            }
            Ok(())
        }
        Value::Array(entries) if field.is_list() => {
            for (index, entry) in entries.iter_mut().enumerate() {
                rename(entry, &message, &format!("{path}[{index}]"))?;
            }
            Ok(())
        }
        one => rename(one, &message, path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: &Value) -> Result<v1::SubmitRequest, Fault> {
        submit(&serde_json::to_vec(value).unwrap())
    }

    #[test]
    fn all_three_spellings_are_the_same_request() {
        let of = |request: &str, order: &str, pull: &str, memory: &str| {
            let value = serde_json::json!({
                request: "r1",
                "app": { "project": "shop", "name": "web" },
                "source": { "repository": "https://git.example/web", "revision": "main" },
                "spec": {
                    "port": 8080,
                    "env": { "SOME_VAR": "a-b", "other-key": "" },
                    pull: ["mine"],
                    "processes": { "big-worker": { "resources": { memory: "1Gi" } } },
                },
                "labels": { "my-id": "7" },
                "timeout": "90s",
                "clusters": ["eu"],
                order: "CLUSTER_ORDER_PARALLEL",
            });
            read(&value).unwrap()
        };
        let camel = of("requestId", "clusterOrder", "pullSecrets", "memoryLimit");
        assert_eq!(of("request_id", "cluster_order", "pull_secrets", "memory_limit"), camel);
        assert_eq!(of("request-id", "cluster-order", "pull-secrets", "memory-limit"), camel);
        assert_eq!((&*camel.request_id, camel.cluster_order), ("r1", 2));
        assert_eq!(camel.timeout.map(|timeout| timeout.seconds), Some(90));
        let spec = camel.spec.unwrap();
        assert_eq!((spec.port, spec.pull_secrets), (Some(8080), vec!["mine".to_owned()]));
        assert_eq!(spec.env.keys().collect::<Vec<_>>(), ["SOME_VAR", "other-key"]);
        let worker = spec.processes.get("big-worker").unwrap().resources.clone().unwrap();
        assert_eq!(worker.memory_limit.as_deref(), Some("1Gi"));
        assert_eq!(camel.labels.get("my-id").map(String::as_str), Some("7"));
    }

    #[test]
    fn a_strategy_comes_with_its_metrics() {
        let value = serde_json::json!({
            "spec": { "strategy": {
                "kind": "canary",
                "weights": [5, 100],
                "hold-seconds": 30,
                "metrics": { "p99-latency": { "builtin": "latency", "max": 1, "intervalSeconds": 5 } },
            } },
        });
        let strategy = read(&value).unwrap().spec.unwrap().strategy.unwrap();
        assert_eq!((strategy.weights, strategy.hold_seconds), (vec![5, 100], Some(30)));
        let metric = &strategy.metrics["p99-latency"];
        assert_eq!((metric.max, metric.min, metric.interval_seconds), (Some(1.0), None, Some(5)));
    }

    #[test]
    fn a_fault_is_named_by_its_path() {
        for (body, field, problem) in [
            ("{", "", "is no JSON"),
            ("[]", "", "is no JSON object"),
            (r#"{"sorce":{}}"#, "sorce", "is unknown; expected one of request_id, app, source"),
            (r#"{"spec":{"prot":1}}"#, "spec.prot", "is unknown"),
            (r#"{"spec":{"processes":{"w":{"prot":1}}}}"#, "spec.processes.w.prot", "is unknown"),
            (
                r#"{"spec":{"processes":{"w":{"placement":{"tolerations":[{"kee":"a"}]}}}}}"#,
                "spec.processes.w.placement.tolerations[0].kee",
                "is unknown",
            ),
            (r#"{"requestId":"a","request_id":"b"}"#, "request_id", "stands twice"),
            (r#"{"app":{"project":"a","project":"b"}}"#, "", "the key `project` stands twice"),
            (r#"{"spec":{"port":"many"}}"#, "spec.port", ""),
            (r#"{"app":"shop"}"#, "app", ""),
            (r#"{"timeout":"soon"}"#, "timeout", ""),
            (r#"{"clusterOrder":"SIDEWAYS"}"#, "cluster_order", ""),
        ] {
            let fault = submit(body.as_bytes()).unwrap_err();
            assert_eq!(fault.field, field, "{body}: {}", fault.problem);
            assert!(fault.problem.contains(problem), "{body}: {}", fault.problem);
        }
    }

    #[test]
    fn deep_nesting_is_an_error() {
        let deep = format!("{{\"spec\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(submit(deep.as_bytes()).unwrap_err().problem.contains("is no JSON"));
    }
}
