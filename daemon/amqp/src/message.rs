//! Commands: what messages ask for.

use crate::{json, poison::Poison};
use lapin::{BasicProperties, types::ShortString};
use prost::Message;
use serde::Deserialize;
use windlass_proto::v1;
use windlass_service::SubmitRequest;

/// Bytes of the largest body, as of a request over gRPC.
pub(crate) const LARGEST: usize = 1 << 20;

/// Content types, each with the version that is read.
const SUBMIT_JSON: &str = "application/vnd.windlass.submit+json";
const SUBMIT_PROTOBUF: &str = "application/x-protobuf";
const CANCEL_JSON: &str = "application/vnd.windlass.cancel+json";

/// Version of all content types.
const VERSION: &str = "1";

/// A message as it came, without what only the broker needs.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Incoming<'a> {
    pub(crate) content_type: &'a str,
    /// Property `type`.
    pub(crate) kind: &'a str,
    pub(crate) message_id: &'a str,
    pub(crate) body: &'a [u8],
}

impl<'a> Incoming<'a> {
    /// Takes what a message asks for from its properties. An absent one is empty.
    pub(crate) fn of(properties: &'a BasicProperties, body: &'a [u8]) -> Self {
        Self {
            content_type: text(properties.content_type()),
            kind: text(properties.kind()),
            message_id: text(properties.message_id()),
            body,
        }
    }
}

/// Returns the text of a property. An absent one is empty.
pub(crate) fn text(property: &Option<ShortString>) -> &str {
    property.as_ref().map_or("", ShortString::as_str)
}

/// Request of a message.
pub(crate) enum Command {
    Submit(Box<SubmitRequest>),
    /// Cancel the job with this id.
    CancelJob(String),
    /// Cancel the job of an earlier request of the same queue.
    CancelRequest(String),
}

/// Body of a request to cancel.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    #[serde(default)]
    id: String,
    #[serde(default, alias = "requestId")]
    request_id: String,
}

/// Reads a message.
///
/// # Errors
/// [`Poison`] names the property, or the field of the body, and what is expected.
pub(crate) fn read(message: &Incoming<'_>) -> Result<Command, Poison> {
    let length = message.body.len();
    if length > LARGEST {
        let detail = format!("the body has {length} bytes; expected at most {LARGEST}");
        return Err(Poison::new("too-large", "", &detail));
    }
    match message.kind {
        "submit" => submit(message),
        "cancel" => cancel(message),
        "" => Err(Poison::field("type", "is missing; expected the property `submit` or `cancel`")),
        other => {
            let detail = format!("`{other}` is no kind of message; expected `submit` or `cancel`");
            Err(Poison::field("type", &detail))
        }
    }
}

/// Reads a message as the door does, and returns the word of what it asks for: `submit` or `cancel`.
///
/// # Errors
/// Returns the code, the field and the sentence of the fault that a copy in the dead exchange names.
pub fn examine(
    kind: &str,
    content_type: &str,
    message_id: &str,
    body: &[u8],
) -> Result<&'static str, [String; 3]> {
    match read(&Incoming { content_type, kind, message_id, body }) {
        Ok(Command::Submit(_)) => Ok("submit"),
        Ok(Command::CancelJob(_) | Command::CancelRequest(_)) => Ok("cancel"),
        Err(Poison { reason, field, detail }) => Err([reason, field, detail]),
    }
}

fn submit(message: &Incoming<'_>) -> Result<Command, Poison> {
    let mut request = match media_type(message, &[SUBMIT_JSON, SUBMIT_PROTOBUF])? {
        SUBMIT_PROTOBUF => v1::SubmitRequest::decode(message.body).map_err(|error| {
            Poison::unreadable("", &format!("the body is no SubmitRequest: {error}"))
        })?,
        _ => json::submit(message.body)
            .map_err(|fault| Poison::unreadable(&fault.field, &fault.problem))?,
    };
    match (message.message_id, &*request.request_id) {
        ("", "") => {
            let detail = "is missing, and so is the property `message-id`: a repeat would be another job; choose a UUID";
            return Err(Poison::field("request_id", detail));
        }
        (id, "") => request.request_id = id.to_owned(),
        ("", _) => {}
        (id, own) if id == own => {}
        (id, own) => {
            let detail = format!(
                "`{id}` is not the `request_id` of the body, `{own}`; send one of them, or the same"
            );
            return Err(Poison::field("message-id", &detail));
        }
    }
    Ok(Command::Submit(Box::new(windlass_api::submit_request(request)?)))
}

fn cancel(message: &Incoming<'_>) -> Result<Command, Poison> {
    media_type(message, &[CANCEL_JSON])?;
    let mut reader = serde_json::Deserializer::from_slice(message.body);
    let read: Result<Cancel, _> = serde_path_to_error::deserialize(&mut reader);
    let Cancel { id, request_id } = read.map_err(|error| {
        let path = error.path().to_string();
        // A dot is the whole.
        Poison::unreadable(path.trim_start_matches('.'), &error.inner().to_string())
    })?;
    reader.end().map_err(|error| Poison::unreadable("", &error.to_string()))?;
    match (id.is_empty(), request_id.is_empty()) {
        (false, true) => Ok(Command::CancelJob(id)),
        (true, false) => Ok(Command::CancelRequest(request_id)),
        _ => Err(Poison::field("id", "expected either `id`, a job, or `request_id`, a request")),
    }
}

/// Returns which of these content types a message has. The version must be known.
fn media_type(message: &Incoming<'_>, known: &[&'static str]) -> Result<&'static str, Poison> {
    let given = message.content_type;
    let mut parts = given.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let found = known.iter().find(|known| known.eq_ignore_ascii_case(name));
    let version = parts.find_map(|part| {
        let (key, value) = part.split_once('=')?;
        key.trim().eq_ignore_ascii_case("v").then(|| value.trim().trim_matches('"'))
    });
    match (found, version) {
        (Some(found), Some(VERSION)) => Ok(found),
        _ => {
            let known: Vec<_> = known.iter().map(|name| format!("`{name};v={VERSION}`")).collect();
            let detail = format!("`{given}` is not read here; expected {}", known.join(" or "));
            Err(Poison::field("content-type", &detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str = r#"{"app":{"project":"shop","name":"web"},"source":{"repository":"r"}}"#;

    fn message<'a>(kind: &'a str, content_type: &'a str, body: &'a [u8]) -> Incoming<'a> {
        Incoming { content_type, kind, message_id: "m1", body }
    }

    fn submitted(message: &Incoming<'_>) -> SubmitRequest {
        match read(message) {
            Ok(Command::Submit(request)) => *request,
            Ok(_) => panic!("another command"),
            Err(poison) => panic!("{poison:?}"),
        }
    }

    fn poison(message: &Incoming<'_>) -> Poison {
        read(message).map(|_| "a command").unwrap_err()
    }

    #[test]
    fn json_and_protobuf_are_the_same_request() {
        let json = message("submit", "application/vnd.windlass.submit+json; V=1", BODY.as_bytes());
        let bytes = json::submit(BODY.as_bytes()).unwrap().encode_to_vec();
        let protobuf = message("submit", "application/x-protobuf;v=1", &bytes);
        let (json, protobuf) = (submitted(&json), submitted(&protobuf));
        assert_eq!((&*json.request_id, &*json.app.project), ("m1", "shop"));
        assert_eq!(json.body, protobuf.body);
    }

    #[test]
    fn the_message_and_its_body_agree_on_the_id() {
        let body = BODY.replacen('{', r#"{"requestId":"r1","#, 1);
        let of = |message_id| Incoming {
            message_id,
            ..message("submit", "application/vnd.windlass.submit+json;v=1", body.as_bytes())
        };
        assert_eq!(submitted(&of("")).request_id, "r1");
        assert_eq!(submitted(&of("r1")).request_id, "r1");
        let wrong = poison(&of("r2"));
        assert_eq!((&*wrong.reason, &*wrong.field), ("field-invalid", "message-id"));
        let none = Incoming {
            message_id: "",
            ..message("submit", "application/vnd.windlass.submit+json;v=1", BODY.as_bytes())
        };
        assert_eq!(poison(&none).field, "request_id");
    }

    #[test]
    fn a_wrong_message_has_a_reason_and_a_field() {
        let json = "application/vnd.windlass.submit+json;v=1";
        let cancel = "application/vnd.windlass.cancel+json;v=1";
        let large = vec![b' '; LARGEST + 1];
        for (message, reason, field) in [
            (message("submit", json, &large), "too-large", ""),
            (message("", json, b"{}"), "field-invalid", "type"),
            (message("deploy", json, b"{}"), "field-invalid", "type"),
            (message("submit", "application/json", b"{}"), "field-invalid", "content-type"),
            (
                message("submit", "application/vnd.windlass.submit+json", b"{}"),
                "field-invalid",
                "content-type",
            ),
            (
                message("submit", "application/vnd.windlass.submit+json;v=2", b"{}"),
                "field-invalid",
                "content-type",
            ),
            (message("submit", "application/x-protobuf;v=1", b"\xff"), "unreadable", ""),
            (message("submit", json, b"{\"spec\":{\"prot\":1}}"), "unreadable", "spec.prot"),
            (message("submit", json, b"{}"), "field-invalid", "app"),
            (message("cancel", json, b"{\"id\":\"a\"}"), "field-invalid", "content-type"),
            (message("cancel", cancel, b"{}"), "field-invalid", "id"),
            (message("cancel", cancel, b"{\"id\":7}"), "unreadable", "id"),
            (message("cancel", cancel, b"{\"id\":\"a\"}{\"id\":\"b\"}"), "unreadable", ""),
        ] {
            let found = poison(&message);
            assert_eq!((&*found.reason, &*found.field), (reason, field), "{}", found.detail);
        }
    }

    #[test]
    fn an_examined_message_is_a_word_or_a_fault() {
        let cancel = "application/vnd.windlass.cancel+json;v=1";
        assert_eq!(examine("cancel", cancel, "", b"{\"id\":\"j1\"}"), Ok("cancel"));
        let submit = "application/vnd.windlass.submit+json;v=1";
        assert_eq!(examine("submit", submit, "m1", BODY.as_bytes()), Ok("submit"));
        let [reason, field, detail] = examine("deploy", submit, "m1", b"{}").unwrap_err();
        assert_eq!((&*reason, &*field), ("field-invalid", "type"));
        assert!(detail.contains("`deploy` is no kind of message"), "{detail}");
    }

    #[test]
    fn a_job_or_a_request_is_cancelled() {
        let of = |body: &'static [u8]| {
            read(&message("cancel", "application/vnd.windlass.cancel+json;v=1", body))
        };
        assert!(matches!(of(b"{\"id\":\"j1\"}"), Ok(Command::CancelJob(id)) if id == "j1"));
        for body in [&b"{\"request_id\":\"r1\"}"[..], b"{\"requestId\":\"r1\"}"] {
            assert!(matches!(of(body), Ok(Command::CancelRequest(id)) if id == "r1"));
        }
    }
}
