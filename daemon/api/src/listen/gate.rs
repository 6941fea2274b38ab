//! Places for connections: so many in total, and so many for each peer.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Number of connections of all users that may do nothing over the unix socket. They get an answer that says so.
const STRANGERS: usize = 16;

/// Shortest time between two lines of the log about refused connections.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// Bits of the addresses that one IPv6 network shares: a host has all the others to choose from.
const NETWORK: u32 = 64;

/// Limits on the connections of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GateLimits {
    /// Number of connections at once.
    pub total: usize,
    /// Number of connections at once of one peer: a user id, an IPv4 address, or an IPv6 network of 64 bits.
    pub per_peer: usize,
}

/// The other end of a connection, as far as it is known before a byte was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Peer {
    /// User that may call over the unix socket.
    User(u32),
    /// Any user that may do nothing: all of them have one share.
    Stranger,
    /// Address of a host, or of a network.
    Address(IpAddr),
}

impl Peer {
    /// Returns the peer of a TCP connection.
    pub(crate) fn at(address: IpAddr) -> Self {
        let address = match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = address.to_bits() >> (128 - NETWORK) << (128 - NETWORK);
                IpAddr::V6(network.into())
            }
            v4 @ IpAddr::V4(_) => v4,
        };
        Self::Address(address)
    }
}

/// The places of one listener.
#[derive(Clone)]
pub(crate) struct Gate {
    limits: GateLimits,
    /// Name of the listener in the log.
    listener: &'static str,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    total: usize,
    peers: HashMap<Peer, usize>,
    /// Connections that were refused since the last line of the log.
    refused: u64,
    said: Option<Instant>,
}

/// A connection's place, given back when dropped.
pub(crate) struct Place {
    peer: Peer,
    open: Arc<Mutex<Open>>,
}

impl Gate {
    pub(crate) fn new(listener: &'static str, limits: GateLimits) -> Self {
        Self { limits, listener, open: Arc::default() }
    }

    /// Takes a place. `None` means that there is none for this peer: the connection is to be closed.
    pub(crate) fn enter(&self, peer: Peer) -> Option<Place> {
        let mut open = lock(&self.open);
        let own = open.peers.get(&peer).copied().unwrap_or_default();
        let per_peer = match peer {
            Peer::Stranger => STRANGERS.min(self.limits.per_peer),
            Peer::User(_) | Peer::Address(_) => self.limits.per_peer,
        };
        if open.total >= self.limits.total || own >= per_peer {
            self.refused(&mut open, peer, own);
            return None;
        }
        open.total += 1;
        *open.peers.entry(peer).or_default() += 1;
        drop(open);
        Some(Place { peer, open: self.open.clone() })
    }

    /// Counts a refused connection. The log has a line for the first, and then at most one a minute.
    fn refused(&self, open: &mut Open, peer: Peer, own: usize) {
        open.refused += 1;
        if open.said.is_some_and(|said| said.elapsed() < SAID_EVERY) {
            return;
        }
        tracing::warn!(
            listener = self.listener,
            refused = open.refused,
            open = open.total,
            most = self.limits.total,
            ?peer,
            of_this_peer = own,
            most_of_a_peer = self.limits.per_peer,
            "connections are refused: listen.max-connections or listen.max-connections-per-peer is reached"
        );
        open.refused = 0;
        open.said = Some(Instant::now());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.total = open.total.saturating_sub(1);
        let left = open.peers.get(&self.peer).map(|count| count.saturating_sub(1));
        match left {
            Some(0) | None => {
                open.peers.remove(&self.peer);
            }
            Some(left) => {
                open.peers.insert(self.peer, left);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Peer {
        Peer::at(address.parse().unwrap())
    }

    #[test]
    fn a_peer_has_its_share_and_all_have_the_total() {
        let gate = Gate::new("tcp", GateLimits { total: 3, per_peer: 2 });
        let first = gate.enter(at("192.0.2.1")).unwrap();
        let _second = gate.enter(at("192.0.2.1")).unwrap();
        assert!(gate.enter(at("192.0.2.1")).is_none(), "a third of one peer");
        let _other = gate.enter(at("192.0.2.2")).unwrap();
        assert!(gate.enter(at("192.0.2.3")).is_none(), "a fourth in total");
        drop(first);
        let _again = gate.enter(at("192.0.2.3")).unwrap();
        assert_eq!(lock(&gate.open).refused, 1, "the first refusal was logged");
    }

    #[test]
    fn strangers_share_few_places() {
        let gate = Gate::new("unix", GateLimits { total: 100, per_peer: 50 });
        let strangers: Vec<_> = std::iter::from_fn(|| gate.enter(Peer::Stranger)).collect();
        assert_eq!(strangers.len(), STRANGERS);
        assert!(gate.enter(Peer::User(0)).is_some());
        drop(strangers);
        assert!(gate.enter(Peer::Stranger).is_some());
        assert!(lock(&gate.open).peers.is_empty(), "nothing is kept of a peer that is away");
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer_and_a_mapped_address_is_ipv4() {
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }
}
