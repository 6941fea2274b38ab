//! The session's cookie.
//!
//! Over TLS it is `__Host-windlass`: bound to this one host, and never sent in plain text. Over plain HTTP, which only
//! loopback addresses may use, the name is `windlass` and `Secure` is left out: Safari and older versions of Firefox
//! refuse `Secure` and `__Host-` there.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use std::time::Duration;

/// Name over TLS.
const SECURE: &str = "__Host-windlass";

/// Name over plain HTTP on a loopback address.
const PLAIN: &str = "windlass";

/// Returns the value of the session's cookie. `None` means that the request has none. The name of plain HTTP counts on
/// this machine alone: any neighbour in the domain can plant a cookie of that name, so that a person would work in the
/// neighbour's session.
#[must_use]
pub fn value(headers: &HeaderMap, is_local: bool) -> Option<&str> {
    named(headers, SECURE).or_else(|| named(headers, PLAIN).filter(|_| is_local))
}

fn named<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// Returns the header that sets the cookie.
pub(crate) fn set(value: &str, is_secure: bool, lifetime: Duration) -> Option<HeaderValue> {
    header(value, is_secure, lifetime.as_secs())
}

/// Returns the headers that delete the cookie of either name.
pub(crate) fn clear() -> impl Iterator<Item = HeaderValue> {
    [true, false].into_iter().filter_map(|is_secure| header("", is_secure, 0))
}

fn header(value: &str, is_secure: bool, seconds: u64) -> Option<HeaderValue> {
    let (name, secure) = if is_secure { (SECURE, "; Secure") } else { (PLAIN, "") };
    let text =
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookie: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(COOKIE, HeaderValue::from_static(cookie))])
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        for (cookie, expected) in [
            ("windlass=ab", Some("ab")),
            ("a=b; windlass=ab; c=d", Some("ab")),
            ("windlass=planted; __Host-windlass=ab", Some("ab")),
            ("xwindlass=ab", None),
            ("windlass", None),
        ] {
            assert_eq!(value(&with(cookie), true), expected, "{cookie}");
        }
        assert_eq!(value(&HeaderMap::new(), true), None);
    }

    #[test]
    fn a_cookie_that_a_neighbour_may_plant_opens_no_session() {
        assert_eq!(value(&with("windlass=planted"), false), None);
        assert_eq!(value(&with("windlass=planted; __Host-windlass=ab"), false), Some("ab"));
    }

    #[test]
    fn the_cookie_is_out_of_reach_for_scripts_and_for_other_sites() {
        let set = set("ab", true, Duration::from_secs(60)).unwrap();
        let expected = "__Host-windlass=ab; Path=/; Max-Age=60; HttpOnly; SameSite=Strict; Secure";
        assert_eq!(set.to_str().unwrap(), expected);
        assert_eq!(clear().count(), 2);
    }
}
