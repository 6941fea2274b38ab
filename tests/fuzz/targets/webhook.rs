//! Webhooks of all kinds of forges. The first line is the kind's word, then come headers, an empty line and the body.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use windlass_forge::{read, verify};
use windlass_model::{
    delivery::{Change, MOST_REFS},
    forge::ForgeKind,
};

/// Secret that no input has.
const SECRET: &[u8] = b"whsec_c2VjcmV0cyBhcmUgbm90IGZvdW5kIGJ5IGNoYW5jZSE=";

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = line(data) else { return };
    let kind = std::str::from_utf8(kind).ok().and_then(ForgeKind::parse);
    let Some(kind) = kind else { return };
    let Some((headers, body)) = headers(rest) else { return };
    assert!(verify(kind, &headers, body, &[SECRET], 1_764_144_000_000).is_err());
    let report = match read(kind, &headers, body) {
        Ok(report) => report,
        Err(error) => {
            let sentence = error.to_string();
            assert!(!sentence.contains(char::is_control), "{sentence:?}");
            return;
        }
    };
    assert_eq!(read(kind, &headers, body).as_ref(), Ok(&report));
    for text in [&report.event, &report.forge_id, &report.repository_id] {
        assert!(is_text(text), "{report:?}");
    }
    assert!(is_text(&report.repository_name) && is_text(&report.sender), "{report:?}");
    match &report.change {
        Change::Ping => {}
        Change::Ignored(reason) => assert!(!reason.contains(char::is_control), "{reason:?}"),
        Change::Refs(refs) => {
            assert!((1..=MOST_REFS).contains(&refs.len()));
            for one in refs {
                assert!(one.name.starts_with("refs/") && one.name.len() <= 255, "{one:?}");
                assert!(!one.name.contains(char::is_control) && is_text(&one.summary), "{one:?}");
                let mut ids = one.before.iter().chain(&one.after);
                assert!(ids.all(|id| [40, 64].contains(&id.len()) && is_hex(id)), "{one:?}");
            }
        }
        Change::Pull(pull) => {
            assert!(is_text(&pull.title) && !pull.into.contains(char::is_control), "{pull:?}");
            assert!((12..=64).contains(&pull.head.len()) && is_hex(&pull.head), "{pull:?}");
        }
    }
});

fn line(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = data.iter().position(|byte| *byte == b'\n')?;
    Some((&data[..end], &data[end + 1..]))
}

fn headers(mut rest: &[u8]) -> Option<(HeaderMap, &[u8])> {
    let mut headers = HeaderMap::new();
    loop {
        let (text, after) = line(rest)?;
        rest = after;
        if text.is_empty() {
            return Some((headers, rest));
        }
        let colon = text.windows(2).position(|two| two == b": ")?;
        let name = HeaderName::from_bytes(&text[..colon]).ok()?;
        headers.append(name, HeaderValue::from_bytes(&text[colon + 2..]).ok()?);
    }
}

fn is_hex(id: &str) -> bool {
    id.bytes().all(|digit| digit.is_ascii_hexdigit())
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= 200 && !text.contains(char::is_control)
}
