//! Messages of the queue: a line with the property `type`, one with the content type, one with the id, and the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_amqp::examine;

/// Bytes of the longest text of a fault: it stands in a header, which must fit into one frame.
const LONGEST: usize = 2048;

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let mut text = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
    let (Some(kind), Some(content_type), Some(id)) = (text(), text(), text()) else { return };
    let Some(body) = parts.next() else { return };
    match examine(kind, content_type, id, body) {
        Ok(word) => assert_eq!(word, kind),
        Err([reason, field, detail]) => {
            assert!(
                reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'),
                "{reason}"
            );
            assert!(!reason.is_empty() && !detail.is_empty(), "{reason} {field} {detail}");
            assert!(field.len() <= LONGEST && detail.len() <= LONGEST, "{field} {detail}");
        }
    }
});
