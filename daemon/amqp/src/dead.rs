//! Copies of messages that cannot become a job: for the dead exchange, and from there for the queue once more.

use crate::poison::Poison;
use lapin::{
    BasicProperties,
    types::{AMQPValue, FieldTable, LongString, ShortString},
};

/// Headers by which the broker itself routes a message further, or judges it. A copy has them no more.
const ROUTING: [&str; 4] = ["CC", "BCC", "x-delivery-count", "x-delay"];

/// Headers of a copy: the reason, and where the original was.
const OURS: [&str; 7] = [
    REASON,
    FIELD,
    DETAIL,
    "windlass-exchange",
    "windlass-routing-key",
    AT,
    "windlass-headers-left-out",
];

pub(crate) const REASON: &str = "windlass-reason";
pub(crate) const FIELD: &str = "windlass-field";
pub(crate) const DETAIL: &str = "windlass-detail";
/// Time of the refusal, in seconds since 1970.
pub(crate) const AT: &str = "windlass-at";

/// Beginnings of headers in which a broker keeps how a message came to a dead exchange, and how often it was given.
const OF_BROKER: [&str; 4] = ["x-death", "x-first-death-", "x-last-death-", "x-acquired-count"];

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
        (REASON, &*poison.reason),
        (FIELD, &*poison.field),
        (DETAIL, &*poison.detail),
        ("windlass-exchange", exchange),
        ("windlass-routing-key", key),
    ] {
        headers.insert(name.into(), AMQPValue::LongString(LongString::from(text)));
    }
    // Seconds since 1970, by the protocol.
    headers.insert(AT.into(), AMQPValue::Timestamp(at_ms / 1000));
    kept(original).with_headers(headers)
}

/// Returns the properties with which a dead message goes to the queue of jobs once more: as its sender made them.
pub(crate) fn replayed(dead: &BasicProperties) -> BasicProperties {
    with_headers(dead, |name| !OURS.contains(&name))
}

/// Returns the properties of a dead message that is published to its queue again. `reason` and `detail` are kept where
/// only the broker's own headers have them.
pub(crate) fn renewed(dead: &BasicProperties, reason: &str, detail: &str) -> BasicProperties {
    let properties = with_headers(dead, |_| true);
    let mut headers = properties.headers().clone().unwrap_or_default();
    if !headers.contains_key(REASON) {
        for (name, text) in [(REASON, reason), (DETAIL, detail)] {
            headers.insert(name.into(), AMQPValue::LongString(LongString::from(text)));
        }
    }
    properties.with_headers(headers)
}

/// Returns the properties that a copy keeps, with the headers that are neither the broker's nor refused.
fn with_headers(original: &BasicProperties, keeps: impl Fn(&str) -> bool) -> BasicProperties {
    let mut headers = FieldTable::default();
    for (name, value) in original.headers().iter().flatten() {
        let text = name.as_str();
        let is_of_broker = OF_BROKER.iter().any(|begin| text.starts_with(begin));
        if keeps(text) && !is_of_broker && !ROUTING.contains(&text) {
            headers.insert(name.clone(), value.clone());
        }
    }
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

    #[test]
    fn a_replay_is_as_its_sender_made_it() {
        let mut own = FieldTable::default();
        own.insert("mine".into(), AMQPValue::Boolean(true));
        let sent = BasicProperties::default()
            .with_message_id("m1".into())
            .with_content_type("a/b".into())
            .with_correlation_id("c1".into())
            .with_type("submit".into())
            .with_headers(own);
        assert_eq!(replayed(&copy(&sent)), sent);
    }

    #[test]
    fn what_the_broker_noted_is_left_out_and_its_reason_is_kept() {
        let mut headers = FieldTable::default();
        for name in ["x-death", "x-first-death-reason", "x-delivery-count", "x-acquired-count"] {
            headers.insert(name.into(), AMQPValue::LongLongInt(1));
        }
        let by_broker = BasicProperties::default().with_headers(headers);
        let renewed_once = renewed(&by_broker, "delivery-limit", "too often");
        let headers = renewed_once.headers().clone().unwrap();
        let names: Vec<_> = headers.inner().keys().map(ShortString::as_str).collect();
        assert_eq!(names, [DETAIL, REASON]);
        assert_eq!(renewed(&renewed_once, "other", "other"), renewed_once);
        let ours = copy(&BasicProperties::default());
        assert_eq!(renewed(&ours, "other", "other"), ours);
        assert_eq!(
            replayed(&renewed_once),
            BasicProperties::default().with_headers(FieldTable::default())
        );
    }
}
