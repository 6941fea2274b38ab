//! Messages of a page's live connection, and cookies, as a browser sends them.

#![no_main]

use http::{HeaderMap, HeaderValue, header::COOKIE};
use libfuzzer_sys::fuzz_target;
use windlass_dashboard::{reread_message, session_cookie};

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(read) = reread_message(text)
    {
        assert_eq!(reread_message(&read).expect("what we write is a message"), read);
    }
    let Ok(value) = HeaderValue::from_bytes(data) else { return };
    let headers = HeaderMap::from_iter([(COOKIE, value)]);
    let (here, elsewhere) = (session_cookie(&headers, true), session_cookie(&headers, false));
    if elsewhere.is_some() {
        assert_eq!(here, elsewhere);
        // The other name can be planted by a neighbour.
        let text = std::str::from_utf8(data).expect("a cookie is read from text alone");
        assert!(text.contains("__Host-windlass"), "{text}");
    }
    assert!(here.is_none_or(|value| !value.contains(';')), "{here:?}");
});
