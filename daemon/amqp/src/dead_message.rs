//! A dead message as people see it: the reason, the field, and the beginning of its body.

use crate::{
    dead::{AT, DETAIL, FIELD, REASON},
    message::text,
};
use lapin::{BasicProperties, types::AMQPValue};
use sha2::{Digest, Sha256};
use windlass_service::DeadMessage;

/// Bytes of a digest that an id has.
const ID: usize = 8;

/// Header in which a broker counts how often a message was given back.
const GIVEN_BACK: &str = "x-delivery-count";

/// Header in which a broker that gave a message up says why.
const BY_BROKER: [&str; 2] = ["x-last-death-reason", "x-first-death-reason"];

/// Reads a dead message. Of its body, `longest` bytes are kept.
pub(crate) fn read(properties: &BasicProperties, body: &[u8], longest: usize) -> DeadMessage {
    let (reason, detail) = reason(properties);
    let owned = |property| text(property).to_owned();
    DeadMessage {
        id: id(properties, body),
        reason,
        field: header(properties, FIELD).unwrap_or_default(),
        detail,
        at_ms: at(properties).map(|seconds| seconds.saturating_mul(1000)),
        message_id: owned(properties.message_id()),
        correlation_id: owned(properties.correlation_id()),
        kind: owned(properties.kind()),
        content_type: owned(properties.content_type()),
        body: body.get(..longest).unwrap_or(body).to_vec(),
        body_bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
    }
}

/// Returns the id by which a message is found again. A copy of it has the same.
pub(crate) fn id(properties: &BasicProperties, body: &[u8]) -> String {
    let at = at(properties).map(|at| at.to_string()).unwrap_or_default();
    let texts = [
        text(properties.message_id()),
        text(properties.correlation_id()),
        text(properties.kind()),
        text(properties.content_type()),
        at.as_str(),
    ];
    let mut digest = Sha256::new();
    for part in texts.iter().map(|text| text.as_bytes()).chain([body]) {
        // With its length, no part can be taken for the end of another.
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    let digest = digest.finalize();
    hex::encode(digest.iter().copied().take(ID).collect::<Vec<u8>>())
}

/// Returns how often a message was given back to its queue, as the broker counts.
pub(crate) fn given_back(properties: &BasicProperties) -> u64 {
    match value(properties, GIVEN_BACK) {
        Some(AMQPValue::LongLongInt(count)) => u64::try_from(*count).unwrap_or_default(),
        Some(AMQPValue::LongInt(count)) => u64::try_from(*count).unwrap_or_default(),
        Some(AMQPValue::LongUInt(count)) => u64::from(*count),
        Some(AMQPValue::ShortUInt(count)) => u64::from(*count),
        Some(AMQPValue::ShortShortUInt(count)) => u64::from(*count),
        _ => 0,
    }
}

/// Returns the reason and its sentence: the daemon's, or the broker's where that one gave the message up.
fn reason(properties: &BasicProperties) -> (String, String) {
    if let Some(reason) = header(properties, REASON) {
        return (reason, header(properties, DETAIL).unwrap_or_default());
    }
    let by_broker = BY_BROKER.iter().find_map(|name| header(properties, name));
    let (reason, detail) = match by_broker.as_deref() {
        Some("delivery_limit") => (
            "delivery-limit",
            "the broker gave the message up: it was given out too often, and never acknowledged",
        ),
        Some("expired") => ("expired", "the message's own time was over before it was taken"),
        Some("maxlen") => ("maxlen", "the queue was full"),
        Some("rejected") => ("rejected", "somebody else has rejected the message"),
        _ => ("unknown", "the message has no reason: somebody else has put it here"),
    };
    (reason.to_owned(), detail.to_owned())
}

/// Returns the time of the refusal in seconds since 1970.
fn at(properties: &BasicProperties) -> Option<u64> {
    match value(properties, AT) {
        Some(AMQPValue::Timestamp(seconds)) => Some(*seconds),
        _ => None,
    }
}

fn header(properties: &BasicProperties, name: &str) -> Option<String> {
    match value(properties, name) {
        Some(AMQPValue::LongString(text)) => Some(text.to_string()),
        Some(AMQPValue::ShortString(text)) => Some(text.to_string()),
        _ => None,
    }
}

fn value<'a>(properties: &'a BasicProperties, name: &str) -> Option<&'a AMQPValue> {
    properties.headers().as_ref().and_then(|headers| headers.inner().get(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{dead, poison::Poison};
    use lapin::types::{FieldTable, LongString};

    fn sent() -> BasicProperties {
        BasicProperties::default()
            .with_message_id("m1".into())
            .with_correlation_id("c1".into())
            .with_type("submit".into())
            .with_content_type("a/b".into())
    }

    fn refused() -> BasicProperties {
        let poison = Poison::unreadable("spec.prot", "is unknown");
        dead::properties(&sent(), "", "jobs", &poison, 1_700_000_000_123)
    }

    fn with(name: &str, value: AMQPValue) -> BasicProperties {
        let mut headers = FieldTable::default();
        headers.insert(name.into(), value);
        sent().with_headers(headers)
    }

    #[test]
    fn a_refused_message_shows_the_reason_the_field_and_the_beginning_of_its_body() {
        let read = read(&refused(), b"{\"a\":1}", 3);
        assert_eq!(
            (&*read.reason, &*read.field, &*read.detail),
            ("unreadable", "spec.prot", "is unknown")
        );
        assert_eq!(read.at_ms, Some(1_700_000_000_000));
        assert_eq!(
            [&*read.message_id, &*read.correlation_id, &*read.kind, &*read.content_type],
            ["m1", "c1", "submit", "a/b"]
        );
        assert_eq!((&*read.body, read.body_bytes), (&b"{\"a"[..], 7));
        assert_eq!(read.id.len(), 2 * ID);
    }

    #[test]
    fn one_that_the_broker_gave_up_has_the_brokers_reason() {
        for (reason, expected) in [
            ("delivery_limit", "delivery-limit"),
            ("expired", "expired"),
            ("maxlen", "maxlen"),
            ("rejected", "rejected"),
            ("other", "unknown"),
        ] {
            let text = AMQPValue::LongString(LongString::from(reason));
            let read = read(&with("x-first-death-reason", text), b"", 9);
            assert_eq!((&*read.reason, read.at_ms), (expected, None));
            assert!(!read.detail.is_empty());
        }
        assert_eq!(read(&sent(), b"", 9).reason, "unknown");
    }

    #[test]
    fn a_copy_has_the_same_id_and_another_message_has_not() {
        let own = id(&refused(), b"body");
        assert_eq!(id(&dead::renewed(&refused(), "", ""), &b"body"[..]), own);
        let counted = with(GIVEN_BACK, AMQPValue::LongLongInt(3));
        assert_eq!(id(&counted, &b"body"[..]), id(&sent(), b"body"));
        for (properties, body) in [
            (refused(), &b"bodx"[..]),
            (refused().with_message_id("m2".into()), &b"body"[..]),
            // A part is not taken for the end of another.
            (refused().with_message_id("m1c".into()).with_correlation_id("1".into()), &b"body"[..]),
            (sent(), &b"body"[..]),
        ] {
            assert_ne!(id(&properties, body), own);
        }
    }

    #[test]
    fn a_broker_counts_how_often_a_message_was_given_back() {
        for (value, count) in [
            (AMQPValue::LongLongInt(4), 4),
            (AMQPValue::LongInt(4), 4),
            (AMQPValue::LongLongInt(-1), 0),
            (AMQPValue::Boolean(true), 0),
        ] {
            assert_eq!(given_back(&with(GIVEN_BACK, value)), count);
        }
        assert_eq!(given_back(&sent()), 0);
    }
}
