//! The copy of a message that cannot become a job, for the dead exchange.

use crate::poison::Poison;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, LongString, ShortString},
};

/// Headers by which the broker itself routes a message further, or judges it. A copy has them no more.
const ROUTING: [&str; 4] = ["CC", "BCC", "x-delivery-count", "x-delay"];

/// Bytes of the sender's own headers in a copy, as JSON. All headers must fit into one frame.
const MOST_HEADERS: usize = 64 << 10;

/// Returns the properties of the copy: the sender's own, with the reason and the original routing as headers.
///
/// Left out is what the broker would act on: `user-id`, which must be the publisher's own; `expiration`, by which the
/// copy would vanish; and headers that route.
pub(crate) fn properties(
    original: &BasicProperties,
    exchange: &str,
    key: &str,
    poison: &Poison,
    at_ms: u64,
) -> BasicProperties {
    let mut headers = FieldTable::default();
    if let Some(own) = original.headers() {
        let size = serde_json::to_vec(own).map_or(usize::MAX, |text| text.len());
        if size > MOST_HEADERS {
            headers.insert("windlass-headers-left-out".into(), AMQPValue::Boolean(true));
        } else {
            for (name, value) in
                own.into_iter().filter(|(name, _)| !ROUTING.contains(&name.as_str()))
            {
                headers.insert(name.clone(), value.clone());
            }
        }
    }
    for (name, text) in [
        ("windlass-reason", &*poison.reason),
        ("windlass-field", &*poison.field),
        ("windlass-detail", &*poison.detail),
        ("windlass-exchange", exchange),
        ("windlass-routing-key", key),
    ] {
        headers.insert(name.into(), AMQPValue::LongString(LongString::from(text)));
    }
    // Seconds since 1970, by the protocol.
    headers.insert("windlass-at".into(), AMQPValue::Timestamp(at_ms / 1000));
    kept(original).with_headers(headers)
}

/// Returns the properties that a copy keeps.
fn kept(original: &BasicProperties) -> BasicProperties {
    type Set = fn(BasicProperties, ShortString) -> BasicProperties;
    let texts: [(&Option<ShortString>, Set); 7] = [
        (original.content_type(), BasicProperties::with_content_type),
        (original.content_encoding(), BasicProperties::with_content_encoding),
        (original.correlation_id(), BasicProperties::with_correlation_id),
        (original.reply_to(), BasicProperties::with_reply_to),
        (original.message_id(), BasicProperties::with_message_id),
        (original.kind(), BasicProperties::with_type),
        (original.app_id(), BasicProperties::with_app_id),
    ];
    let mut properties = BasicProperties::default();
    for (text, set) in texts {
        if let Some(text) = text {
            properties = set(properties, text.clone());
        }
    }
    if let Some(timestamp) = original.timestamp() {
        properties = properties.with_timestamp(*timestamp);
    }
    properties
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(original: &BasicProperties) -> BasicProperties {
        let poison = Poison::unreadable("spec.prot", "is unknown");
        properties(original, "", "jobs", &poison, 1_700_000_000_123)
    }

    #[test]
    fn a_copy_says_what_is_wrong_and_where_it_was() {
        let copy = copy(&BasicProperties::default().with_message_id("m1".into()));
        let headers = copy.headers().clone().unwrap();
        let text = |name: &str| match headers.inner().get(name) {
            Some(AMQPValue::LongString(text)) => text.to_string(),
            other => panic!("{name}: {other:?}"),
        };
        assert_eq!(text("windlass-reason"), "unreadable");
        assert_eq!(text("windlass-field"), "spec.prot");
        assert_eq!(text("windlass-detail"), "is unknown");
        assert_eq!(
            (text("windlass-exchange"), text("windlass-routing-key")),
            ("".into(), "jobs".into())
        );
        let at = headers.inner().get("windlass-at");
        assert_eq!(at, Some(&AMQPValue::Timestamp(1_700_000_000)));
        assert_eq!(copy.message_id().as_ref().map(ShortString::as_str), Some("m1"));
    }

    #[test]
    fn a_copy_is_routed_and_kept_by_us_alone() {
        let mut headers = FieldTable::default();
        for name in ["CC", "BCC", "mine"] {
            headers.insert(name.into(), AMQPValue::Boolean(true));
        }
        let original = BasicProperties::default()
            .with_user_id("other".into())
            .with_expiration("1000".into())
            .with_headers(headers);
        let copy = copy(&original);
        assert_eq!((copy.user_id(), copy.expiration()), (&None, &None));
        let headers = copy.headers().clone().unwrap();
        assert!(headers.contains_key("mine"));
        assert!(!headers.contains_key("CC") && !headers.contains_key("BCC"));
    }

    #[test]
    fn headers_that_fit_into_no_frame_are_left_out() {
        let mut headers = FieldTable::default();
        let long = AMQPValue::LongString(LongString::from(vec![b'a'; MOST_HEADERS]));
        headers.insert("long".into(), long);
        let copy = copy(&BasicProperties::default().with_headers(headers));
        let headers = copy.headers().clone().unwrap();
        assert!(!headers.contains_key("long") && headers.contains_key("windlass-headers-left-out"));
    }
}
