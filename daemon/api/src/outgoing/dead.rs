//! Message of a dead message of the queue.

use super::time::timestamp;
use windlass_proto::v1;
use windlass_service::DeadMessage;

/// Returns the message for a dead one of the queue. Bytes of its body that are no text are shown as U+FFFD.
pub(crate) fn dead(message: DeadMessage) -> v1::DeadMessage {
    v1::DeadMessage {
        id: message.id,
        reason: message.reason,
        field: message.field,
        detail: message.detail,
        at: message.at_ms.map(timestamp),
        message_id: message.message_id,
        correlation_id: message.correlation_id,
        r#type: message.kind,
        content_type: message.content_type,
        body: String::from_utf8_lossy(&message.body).into_owned(),
        body_bytes: message.body_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_text_is_shown_and_an_unknown_time_is_absent() {
        let shown = dead(DeadMessage {
            kind: "submit".into(),
            body: b"a\xff".to_vec(),
            body_bytes: 9,
            ..DeadMessage::default()
        });
        assert_eq!((&*shown.body, shown.body_bytes), ("a\u{fffd}", 9));
        assert_eq!((&*shown.r#type, shown.at), ("submit", None));
        let known = dead(DeadMessage { at_ms: Some(7_000), ..DeadMessage::default() });
        assert_eq!(known.at.map(|at| at.seconds), Some(7));
    }
}
