//! Hosts of registries, which have several spellings each.

use crate::docker_hub;
use std::net::IpAddr;

/// The one name for a machine's own addresses.
pub const LOOPBACK: &str = "localhost";

/// Returns the host as normalized names have it, and its port in digits without zeros before them. `None` means the
/// port that is a scheme's own.
#[must_use]
pub fn plain_host(host: &str) -> (String, Option<String>) {
    let host = host.to_ascii_lowercase();
    let split = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|c| c.is_ascii_digit()));
    let (host, port) = split.unwrap_or((&host, ""));
    let port = port.trim_start_matches('0');
    let port = (!matches!(port, "" | "443" | "80")).then(|| port.to_owned());
    let is_loopback = host == LOOPBACK
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
    let host = if is_loopback { LOOPBACK } else { docker_hub::canonical(host) };
    (host.to_owned(), port)
}

/// Returns whether two texts name one host, in whatever spelling.
#[must_use]
pub fn is_same_host(one: &str, other: &str) -> bool {
    plain_host(one) == plain_host(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_a_schemes_own_makes_no_other_host() {
        for (one, other) in [
            ("ghcr.io", "GHCR.io:443"),
            ("r.corp:80", "r.corp"),
            ("docker.io", "registry-1.docker.io:443"),
            ("[2001:db8::1]", "[2001:db8::1]:443"),
            ("localhost:5000", "127.0.0.1:05000"),
        ] {
            assert!(is_same_host(one, other) && is_same_host(other, one), "{one} {other}");
        }
        for (one, other) in
            [("ghcr.io", "ghcr.io:5000"), ("ghcr.io:8443", "ghcr.io"), ("a.io", "b.io")]
        {
            assert!(!is_same_host(one, other), "{one} {other}");
        }
    }
}
