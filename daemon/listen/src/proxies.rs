//! Proxies that are believed when they say for whom they forward a request.

use crate::connection::Connection;
use http::{HeaderMap, Request};
use ipnet::IpNet;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
};
use thiserror::Error;
use tower::Service;

/// Header in which each proxy notes the address that it was asked from, behind those of the proxies before it.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Networks of the operator's own proxies. Without any, the address of each peer is its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Arc<[IpNet]>);

/// Entry that is no network of proxies.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("[{index}]: `{value}` {problem}")]
pub struct ProxiesError {
    /// Place in the list.
    pub index: usize,
    pub value: String,
    /// Fault, with what is expected.
    pub problem: String,
}

impl Proxies {
    /// Reads networks such as `10.0.0.0/8`, and addresses.
    ///
    /// # Errors
    /// [`ProxiesError`] for the first entry that is neither, or that everybody is in.
    pub fn parse<S: AsRef<str>>(entries: &[S]) -> Result<Self, ProxiesError> {
        let read = entries.iter().enumerate().map(|(index, entry)| {
            let value = entry.as_ref();
            network(value).map_err(|problem| ProxiesError {
                index,
                value: value.to_owned(),
                problem,
            })
        });
        read.collect::<Result<Vec<_>, _>>().map(|networks| Self(networks.into()))
    }

    /// Returns the address for which a peer has sent a request: the right-most in `X-Forwarded-For` that is no proxy of
    /// ours, since only what our own proxies have written is believed. Where all are ours, it is the first. Without the
    /// header, or with an entry on the way there that is no address, it is the peer's own.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if !self.has(peer) {
            return peer;
        }
        let mut client = peer;
        for value in headers.get_all(FORWARDED_FOR).iter().rev() {
            let Ok(value) = value.to_str() else { return peer };
            for entry in value.rsplit(',') {
                let Some(address) = address(entry.trim()) else { return peer };
                client = address;
                if !self.has(address) {
                    return client;
                }
            }
        }
        client
    }

    fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

/// Reads a network. The error says what is wrong, and what is expected.
fn network(text: &str) -> Result<IpNet, String> {
    let parsed = text.parse::<IpNet>();
    let network = parsed.or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
        "is no network: expected one such as `10.0.0.0/8` or `fd00::/8`, or an address".to_owned()
    })?;
    if network.prefix_len() == 0 {
        return Err(
            "has everybody in it, and whoever asks would choose the address to be known by: expected the networks of your own proxies"
                .into(),
        );
    }
    // Addresses are compared in their own form: it would never match, and nobody would hear of it.
    if let IpNet::V6(mapped) = network
        && mapped.addr().to_ipv4_mapped().is_some()
    {
        return Err(
            "is IPv4 within IPv6: expected the network of IPv4, such as `10.0.0.0/8`".into()
        );
    }
    if network.trunc() != network {
        let begin = network.trunc();
        return Err(format!("begins within a network: expected `{begin}`, or a longer prefix"));
    }
    Ok(network)
}

/// Reads an entry of the header: an address, which some proxies write with a port.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(entry);
    let address = bare.parse::<IpAddr>().ok();
    address.or_else(|| entry.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()))
}

/// Service whose requests have the address for which they were sent in their [`Connection`].
#[derive(Clone)]
pub struct Forwarded<S> {
    service: S,
    proxies: Proxies,
}

impl<S> Forwarded<S> {
    /// Puts the addresses that proxies name before a service.
    #[must_use]
    pub fn new(service: S, proxies: Proxies) -> Self {
        Self { service, proxies }
    }
}

impl<S, B> Service<Request<B>> for Forwarded<S>
where
    S: Service<Request<B>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> S::Future {
        if let Some(connection) = request.extensions().get::<Connection>()
            && let Some(peer) = connection.address
        {
            let address = self.proxies.client(peer, request.headers());
            let mut connection = connection.clone();
            connection.address = Some(address);
            request.extensions_mut().insert(connection);
        }
        self.service.call(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn client(peer: &str, headers: &[&str]) -> String {
        let proxies = Proxies::parse(&["10.0.0.0/8", "fd00::/8", "192.0.2.7"]).unwrap();
        let mut map = HeaderMap::new();
        for value in headers {
            map.append(FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        proxies.client(peer.parse().unwrap(), &map).to_string()
    }

    #[test]
    fn only_what_our_own_proxies_have_written_is_believed() {
        for (peer, headers, expected) in [
            // Nobody's proxy.
            ("203.0.113.9", &["198.51.100.1"][..], "203.0.113.9"),
            ("203.0.113.9", &[][..], "203.0.113.9"),
            ("10.0.0.1", &[][..], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1"][..], "198.51.100.1"),
            // The left part is the client's own invention.
            ("10.0.0.1", &["1.2.3.4, 198.51.100.1"][..], "198.51.100.1"),
            ("10.0.0.1", &["not an address, 198.51.100.1"][..], "198.51.100.1"),
            // A proxy behind a proxy.
            ("10.0.0.1", &["1.2.3.4, 198.51.100.1,10.9.9.9"][..], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.7, 10.9.9.9"][..], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, 192.0.2.8, 10.9.9.9"][..], "192.0.2.8"),
            // Several headers are one, in their order.
            ("10.0.0.1", &["1.2.3.4", "198.51.100.1"][..], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1", "10.1.1.1, 10.2.2.2"][..], "198.51.100.1"),
            // People of the operator's own network.
            ("10.0.0.1", &["10.7.7.7, 10.9.9.9"][..], "10.7.7.7"),
            // What is no address ends the search.
            ("10.0.0.1", &["198.51.100.1, unknown"][..], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1, "][..], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1,,10.9.9.9"][..], "10.0.0.1"),
            ("10.0.0.1", &[""][..], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.1", "ü"][..], "10.0.0.1"),
            // Forms of addresses.
            ("10.0.0.1", &["198.51.100.1:4711"][..], "198.51.100.1"),
            ("fd00::1", &["2001:db8::1"][..], "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]"][..], "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]:4711"][..], "2001:db8::1"),
            ("::ffff:10.0.0.1", &["198.51.100.1"][..], "198.51.100.1"),
            ("10.0.0.1", &["198.51.100.1, ::ffff:10.9.9.9"][..], "198.51.100.1"),
        ] {
            assert_eq!(client(peer, headers), expected, "{peer} {headers:?}");
        }
    }

    #[test]
    fn without_proxies_everybody_is_a_peer() {
        let mut map = HeaderMap::new();
        map.insert("x-forwarded-for", HeaderValue::from_static("198.51.100.1"));
        let peer = "127.0.0.1".parse().unwrap();
        assert_eq!(Proxies::default().client(peer, &map), peer);
    }

    #[test]
    fn an_entry_that_is_no_network_is_named_by_its_place() {
        for (entry, expected) in [
            ("10.0.0.0/33", "[1]: `10.0.0.0/33` is no network"),
            ("proxy.example", "[1]: `proxy.example` is no network"),
            ("", "[1]: `` is no network"),
            ("0.0.0.0/0", "[1]: `0.0.0.0/0` has everybody in it"),
            ("::/0", "[1]: `::/0` has everybody in it"),
            ("10.0.0.1/8", "expected `10.0.0.0/8`, or a longer prefix"),
            ("::ffff:10.0.0.0/104", "expected the network of IPv4"),
            ("::ffff:10.0.0.1", "expected the network of IPv4"),
        ] {
            let error = Proxies::parse(&["127.0.0.1", entry]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
