//! Lines of the child that fetches. Servers and repositories choose their contents.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use windlass_git::reread;

fuzz_target!(|data: &[u8]| {
    let Ok(line) = std::str::from_utf8(data) else { return };
    let Ok(read) = reread(line) else { return };
    let value: Value = serde_json::from_str(&read).expect("what we write is JSON");
    assert!(!moves(&value), "{read}");
    assert_eq!(reread(&read).expect("what we write is an answer"), read);
});

/// Returns whether a text in the value moves a terminal's cursor.
fn moves(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(char::is_control),
        Value::Array(list) => list.iter().any(moves),
        Value::Object(map) => map.values().any(moves),
        _ => false,
    }
}
