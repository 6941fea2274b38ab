//! Masking of a stream. The first two lines are secrets, and the rest is the stream, which is cut at certain bytes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_model::{
    redact::{Redactor, SHORTEST},
    secret::Secret,
};

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(3, |byte| *byte == b'\n');
    let (Some(one), Some(other), Some(text)) = (lines.next(), lines.next(), lines.next()) else {
        return;
    };
    let redactor = Redactor::new(&[Secret::new(one.to_vec()), Secret::new(other.to_vec())]);
    let whole = masked(&redactor, [text].into_iter());
    let pieces = masked(&redactor, text.chunk_by(|byte, _| byte % 7 != 0));
    assert_eq!(pieces.escape_ascii().to_string(), whole.escape_ascii().to_string());
    for secret in [one, other].map(<[u8]>::trim_ascii) {
        // A mask may be a part of a secret.
        if secret.len() >= SHORTEST && !secret.contains(&b'*') {
            assert!(!whole.windows(secret.len()).any(|shown| shown == secret), "it is shown");
        }
    }
    let mut given_up = redactor.stream();
    let _ = given_up.push(text);
    let _ = given_up.cut();
});

fn masked<'a>(redactor: &Redactor, pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut stream = redactor.stream();
    let mut shown: Vec<u8> = pieces.flat_map(|piece| stream.push(piece)).collect();
    shown.extend(stream.finish());
    shown
}
