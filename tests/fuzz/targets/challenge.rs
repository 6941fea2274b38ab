//! Challenges of registries, which strangers choose.

#![no_main]

use libfuzzer_sys::fuzz_target;
use windlass_registry::token_server;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some((realm, service)) = token_server(text) else { return };
    assert!(realm.len() + service.len() <= text.len(), "{realm} {service}");
    assert!(text.to_ascii_lowercase().contains("bearer"), "{text}");
    // What was read is read again where it needs no escape.
    if !realm.contains(['"', '\\']) {
        let again = format!("Bearer realm=\"{realm}\"");
        assert_eq!(token_server(&again), Some((realm, String::new())));
    }
});
