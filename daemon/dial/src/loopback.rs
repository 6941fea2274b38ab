//! Addresses of this machine, to which a login may go without TLS.

use url::{Host, Url};

/// Returns whether a URL's host is this machine by its own name or address. Names are not resolved.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
