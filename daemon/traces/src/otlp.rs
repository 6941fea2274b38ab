//! OTLP as JSON, by its published mapping: ids are hex digits, 64-bit numbers are text, enumerations are numbers.

use serde::{Serialize, Serializer};

/// `SPAN_KIND_INTERNAL`.
pub(crate) const INTERNAL: u8 = 1;

/// `SPAN_KIND_SERVER`.
pub(crate) const SERVER: u8 = 2;

/// `STATUS_CODE_ERROR`.
const ERROR: u8 = 2;

/// Flags of a span: recorded, and known to have no parent in another process.
pub(crate) const OF_OWN_PARENT: u32 = 0x101;

/// Flags of a span: recorded, and known to have its parent in another process.
pub(crate) const OF_CALLER: u32 = 0x301;

/// Body of a request.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Export {
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceSpans {
    resource: Resource,
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Debug, Serialize)]
struct Resource {
    attributes: Vec<Attribute>,
}

#[derive(Debug, Serialize)]
struct ScopeSpans {
    scope: Scope,
    spans: Vec<Span>,
}

#[derive(Debug, Serialize)]
struct Scope {
    name: &'static str,
    version: &'static str,
}

/// One span.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Span {
    pub(crate) trace_id: String,
    pub(crate) span_id: String,
    /// Empty means that the span has no parent.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) parent_span_id: String,
    pub(crate) flags: u32,
    pub(crate) name: String,
    pub(crate) kind: u8,
    /// Milliseconds since 1970.
    #[serde(rename = "startTimeUnixNano", serialize_with = "nanoseconds")]
    pub(crate) start_ms: u64,
    /// Milliseconds since 1970.
    #[serde(rename = "endTimeUnixNano", serialize_with = "nanoseconds")]
    pub(crate) end_ms: u64,
    pub(crate) attributes: Vec<Attribute>,
    #[serde(rename = "events")]
    pub(crate) notes: Vec<Note>,
    pub(crate) status: Status,
}

/// One moment within a span.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Note {
    /// Milliseconds since 1970.
    #[serde(rename = "timeUnixNano", serialize_with = "nanoseconds")]
    pub(crate) at_ms: u64,
    pub(crate) name: &'static str,
    pub(crate) attributes: Vec<Attribute>,
}

/// Status of a span. Without a code the span is of no failure.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<u8>,
    #[serde(skip_serializing_if = "String::is_empty")]
    message: String,
}

impl Status {
    /// Returns the status of a failure.
    pub(crate) fn error(message: String) -> Self {
        Self { code: Some(ERROR), message }
    }
}

/// One attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Attribute {
    pub(crate) key: &'static str,
    pub(crate) value: Value,
}

/// Value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) enum Value {
    #[serde(rename = "stringValue")]
    Text(String),
    #[serde(rename = "boolValue")]
    Flag(bool),
    /// A number as text.
    #[serde(rename = "intValue")]
    Number(String),
    #[serde(rename = "arrayValue")]
    List { values: Vec<Value> },
}

impl Attribute {
    pub(crate) fn text(key: &'static str, text: impl Into<String>) -> Self {
        Self { key, value: Value::Text(text.into()) }
    }

    pub(crate) fn flag(key: &'static str, flag: bool) -> Self {
        Self { key, value: Value::Flag(flag) }
    }

    pub(crate) fn number(key: &'static str, number: u64) -> Self {
        Self { key, value: Value::Number(number.to_string()) }
    }

    pub(crate) fn texts(key: &'static str, texts: &[String]) -> Self {
        let values = texts.iter().cloned().map(Value::Text).collect();
        Self { key, value: Value::List { values } }
    }
}

impl Export {
    /// Returns the request with these spans. Without any it asks whether the collector takes requests.
    pub(crate) fn of(spans: Vec<Span>) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let attributes = vec![
            Attribute::text("service.name", "windlassd"),
            Attribute::text("service.version", version),
        ];
        let scope = Scope { name: "windlass", version };
        let scope_spans = vec![ScopeSpans { scope, spans }];
        let resource = Resource { attributes };
        Self { resource_spans: vec![ResourceSpans { resource, scope_spans }] }
    }
}

fn nanoseconds<S: Serializer>(ms: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&ms.saturating_mul(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The names are those of the protocol's own example, `examples/trace.json`.
    #[test]
    fn a_span_is_written_by_the_published_mapping() {
        let span = Span {
            trace_id: "5b8efff798038103d269b633813fc60c".into(),
            span_id: "eee19b7ec3c1b174".into(),
            parent_span_id: "eee19b7ec3c1b173".into(),
            flags: OF_OWN_PARENT,
            name: "build".into(),
            kind: SERVER,
            start_ms: 1_544_712_660_000,
            end_ms: 1_544_712_661_000,
            attributes: vec![
                Attribute::text("a", "b"),
                Attribute::number("n", 7),
                Attribute::flag("f", true),
                Attribute::texts("t", &["x".into()]),
            ],
            notes: vec![Note { at_ms: 1, name: "warning", attributes: Vec::new() }],
            status: Status::error("no".into()),
        };
        let expected = json!({
            "traceId": "5b8efff798038103d269b633813fc60c",
            "spanId": "eee19b7ec3c1b174",
            "parentSpanId": "eee19b7ec3c1b173",
            "flags": 257,
            "name": "build",
            "kind": 2,
            "startTimeUnixNano": "1544712660000000000",
            "endTimeUnixNano": "1544712661000000000",
            "attributes": [
                { "key": "a", "value": { "stringValue": "b" } },
                { "key": "n", "value": { "intValue": "7" } },
                { "key": "f", "value": { "boolValue": true } },
                { "key": "t", "value": { "arrayValue": { "values": [{ "stringValue": "x" }] } } },
            ],
            "events": [{ "timeUnixNano": "1000000", "name": "warning", "attributes": [] }],
            "status": { "code": 2, "message": "no" },
        });
        assert_eq!(serde_json::to_value(&span).unwrap(), expected);
        let export = serde_json::to_value(Export::of(vec![span])).unwrap();
        assert_eq!(export["resourceSpans"][0]["scopeSpans"][0]["spans"][0], expected);
        let resource = &export["resourceSpans"][0]["resource"]["attributes"][0];
        let name = json!({ "key": "service.name", "value": { "stringValue": "windlassd" } });
        assert_eq!(*resource, name);
    }
}
