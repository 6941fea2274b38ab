//! Origins and hosts of requests: which page sent a request, and under which name it came.

use http::{HeaderMap, Uri, header};
use std::net::IpAddr;

/// Returns the host and port that a request was sent to. `None` means that it names none.
pub(crate) fn authority<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let host = || headers.get(header::HOST).and_then(|host| host.to_str().ok());
    uri.authority().map(|authority| authority.as_str()).or_else(host)
}

/// Returns the host without its port, and the port.
fn split(authority: &str) -> (&str, Option<&str>) {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']').unwrap_or((rest, ""));
        return (host, after.strip_prefix(':'));
    }
    match authority.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    }
}

/// Returns whether the page may be reached under this name: a name that somebody else's DNS made lead here may not.
pub(crate) fn is_known_host(authority: &str, hosts: &[String]) -> bool {
    let (host, _) = split(authority);
    host.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || hosts.iter().any(|known| known.eq_ignore_ascii_case(host))
}

/// Returns whether an origin is a page of this very host and port.
pub(crate) fn is_same(origin: &str, authority: &str) -> bool {
    let (rest, default) = if let Some(rest) = origin.strip_prefix("https://") {
        (rest, "443")
    } else if let Some(rest) = origin.strip_prefix("http://") {
        (rest, "80")
    } else {
        return false;
    };
    let (host, port) = split(rest);
    let (own, own_port) = split(authority);
    host.eq_ignore_ascii_case(own) && port.unwrap_or(default) == own_port.unwrap_or(default)
}

/// Returns whether an origin is a page on this machine.
pub(crate) fn is_loopback(origin: &str) -> bool {
    origin.split_once("://").is_some_and(|(_, authority)| is_local(authority))
}

/// Returns whether a request was sent to this machine under a name that is always its own.
pub(crate) fn is_local(authority: &str) -> bool {
    let (host, _) = split(authority);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_host_or_port_is_another_origin() {
        for (origin, authority, expected) in [
            ("http://127.0.0.1:7070", "127.0.0.1:7070", true),
            ("http://127.0.0.1:8080", "127.0.0.1:7070", false),
            ("http://localhost:7070", "127.0.0.1:7070", false),
            ("https://deploy.example.com", "deploy.example.com", true),
            ("https://deploy.example.com", "deploy.example.com:443", true),
            ("https://Deploy.example.com", "deploy.example.com", true),
            ("http://deploy.example.com", "deploy.example.com:443", false),
            ("http://[::1]:7070", "[::1]:7070", true),
            ("https://evil.example", "deploy.example.com", false),
            ("https://deploy.example.com.evil.example", "deploy.example.com", false),
            ("null", "deploy.example.com", false),
            ("", "", false),
        ] {
            assert_eq!(is_same(origin, authority), expected, "{origin} {authority}");
        }
    }

    #[test]
    fn names_are_configured_and_addresses_need_not_be() {
        let hosts = ["deploy.example.com".to_owned()];
        for known in ["127.0.0.1:1", "[::1]:1", "localhost", "10.0.0.7", "DEPLOY.example.com:443"] {
            assert!(is_known_host(known, &hosts), "{known}");
        }
        for unknown in ["evil.example", "deploy.example.com.evil.example:80", ""] {
            assert!(!is_known_host(unknown, &hosts), "{unknown}");
        }
    }

    #[test]
    fn a_loopback_origin_is_on_this_machine() {
        for here in ["http://localhost:1", "http://127.0.0.9:1", "http://[::1]"] {
            assert!(is_loopback(here), "{here}");
        }
        for there in ["http://10.0.0.1", "http://localhost.evil.example", "null"] {
            assert!(!is_loopback(there), "{there}");
        }
    }
}
