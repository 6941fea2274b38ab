//! Places for connections: so many in total, and so many for each peer.
//!
//! A new connection gets, where all are taken, the place of the oldest that is silent: one whose peer has sent no request
//! of a known caller yet. Without one, it gets that of the oldest on which no request is under way. So connections that
//! ask nothing, however many, keep nobody out who has something to ask.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Waker,
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
    /// All connections that have a place, the oldest first.
    connections: BTreeMap<u64, Entry>,
    peers: HashMap<Peer, usize>,
    /// Number of the next connection.
    next: u64,
    /// Connections that were refused, and silent ones that were closed, since the last line of the log.
    refused: u64,
    closed: u64,
    said: Option<Instant>,
}

struct Entry {
    peer: Peer,
    state: Use,
    /// Task that reads the connection.
    reader: Option<Waker>,
}

/// Use that a connection's peer makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    /// No request of a known caller has come yet.
    Silent,
    /// A request of a known caller is under way.
    Busy,
    /// All requests of known callers are answered.
    Idle,
}

/// A connection's place, given back when dropped.
pub(crate) struct Place {
    number: u64,
    open: Arc<Mutex<Open>>,
}

/// Way to report the use of a connection.
pub(crate) struct Heard {
    number: u64,
    open: Arc<Mutex<Open>>,
}

impl Gate {
    pub(crate) fn new(listener: &'static str, limits: GateLimits) -> Self {
        Self { limits, listener, open: Arc::default() }
    }

    /// Takes a place. `None` means that there is none for this peer: the connection is to be closed.
    pub(crate) fn enter(&self, peer: Peer) -> Option<Place> {
        let mut open = lock(&self.open);
        let per_peer = match peer {
            Peer::Stranger => STRANGERS.min(self.limits.per_peer),
            Peer::User(_) | Peer::Address(_) => self.limits.per_peer,
        };
        let has_share = open.of(peer) < per_peer;
        if !has_share || open.connections.len() >= self.limits.total {
            let is_closed = open.close_oldest((!has_share).then_some(peer));
            open.closed += u64::from(is_closed);
            open.refused += u64::from(!is_closed);
            self.say(&mut open, peer);
            if !is_closed {
                return None;
            }
        }
        let number = open.next;
        open.next += 1;
        *open.peers.entry(peer).or_default() += 1;
        open.connections.insert(number, Entry { peer, state: Use::Silent, reader: None });
        drop(open);
        Some(Place { number, open: self.open.clone() })
    }

    /// Logs that a limit is reached: at first, and then at most once a minute.
    fn say(&self, open: &mut Open, peer: Peer) {
        if open.said.is_some_and(|said| said.elapsed() < SAID_EVERY) {
            return;
        }
        tracing::warn!(
            listener = self.listener,
            refused = open.refused,
            silent_closed = open.closed,
            open = open.connections.len(),
            most = self.limits.total,
            ?peer,
            of_this_peer = open.of(peer),
            most_of_a_peer = self.limits.per_peer,
            "listen.max-connections or listen.max-connections-per-peer is reached"
        );
        (open.refused, open.closed) = (0, 0);
        open.said = Some(Instant::now());
    }
}

impl Open {
    fn of(&self, peer: Peer) -> usize {
        self.peers.get(&peer).copied().unwrap_or_default()
    }

    /// Closes the oldest silent connection, or else the oldest idle one. `None` for `peer` means that of any peer.
    /// Returns whether there is one.
    fn close_oldest(&mut self, peer: Option<Peer>) -> bool {
        let oldest = |state: Use| {
            let mut all = self.connections.iter();
            let found = all.find(|(_, entry)| {
                entry.state == state && peer.is_none_or(|peer| entry.peer == peer)
            });
            found.map(|(number, _)| *number)
        };
        let Some(number) = oldest(Use::Silent).or_else(|| oldest(Use::Idle)) else { return false };
        if let Some(reader) = self.leave(number) {
            reader.wake();
        }
        true
    }

    /// Gives a place back, and returns the task that reads the connection.
    fn leave(&mut self, number: u64) -> Option<Waker> {
        let Entry { peer, reader, .. } = self.connections.remove(&number)?;
        match self.of(peer).saturating_sub(1) {
            0 => self.peers.remove(&peer),
            left => self.peers.insert(peer, left),
        };
        reader
    }
}

impl Place {
    /// Returns whether the place is another connection's by now. If not, the task is woken then.
    pub(crate) fn is_lost(&self, reader: &Waker) -> bool {
        match lock(&self.open).connections.get_mut(&self.number) {
            None => true,
            Some(entry) => {
                entry.reader = Some(reader.clone());
                false
            }
        }
    }

    pub(crate) fn heard(&self) -> Heard {
        Heard { number: self.number, open: self.open.clone() }
    }
}

impl Heard {
    /// Reports a request of a known caller: the connection keeps its place until the request is answered.
    pub(crate) fn busy(&self) {
        self.set(Use::Busy);
    }

    /// Reports that no request is under way any more.
    pub(crate) fn idle(&self) {
        self.set(Use::Idle);
    }

    fn set(&self, state: Use) {
        if let Some(entry) = lock(&self.open).connections.get_mut(&self.number) {
            entry.state = state;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.open).leave(self.number);
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

    /// Takes a place for a connection that sends a request.
    fn heard(gate: &Gate, peer: Peer) -> Option<Place> {
        let place = gate.enter(peer)?;
        place.heard().busy();
        Some(place)
    }

    fn is_lost(place: &Place) -> bool {
        place.is_lost(Waker::noop())
    }

    #[test]
    fn a_peer_has_its_share_and_all_have_the_total() {
        let gate = Gate::new("tcp", GateLimits { total: 3, per_peer: 2 });
        let first = heard(&gate, at("192.0.2.1")).unwrap();
        let _second = heard(&gate, at("192.0.2.1")).unwrap();
        assert!(gate.enter(at("192.0.2.1")).is_none(), "a third of one peer");
        let _other = heard(&gate, at("192.0.2.2")).unwrap();
        assert!(gate.enter(at("192.0.2.3")).is_none(), "a fourth in total");
        drop(first);
        let _again = gate.enter(at("192.0.2.3")).unwrap();
        assert_eq!(lock(&gate.open).refused, 1, "the first refusal was logged");
    }

    #[test]
    fn silent_connections_keep_nobody_out() {
        let gate = Gate::new("tcp", GateLimits { total: 4, per_peer: 3 });
        let honest = heard(&gate, at("192.0.2.1")).unwrap();
        let silent: Vec<_> = (0..10).filter_map(|_| gate.enter(at("192.0.2.1"))).collect();
        assert_eq!(silent.iter().filter(|place| !is_lost(place)).count(), 2);
        assert_eq!(silent.iter().rev().take_while(|place| !is_lost(place)).count(), 2);
        // One place is free. Each further one is a silent connection's.
        let others: Vec<_> =
            (2..5).filter_map(|host| heard(&gate, at(&format!("192.0.2.{host}")))).collect();
        assert_eq!(others.len(), 3);
        assert!(silent.iter().all(is_lost) && !is_lost(&honest));
        assert!(gate.enter(at("192.0.2.9")).is_none(), "no place is a silent one's");
        drop((honest, silent, others));
        let open = lock(&gate.open);
        assert!(open.peers.is_empty() && open.connections.is_empty(), "nothing is kept");
    }

    #[test]
    fn idle_connections_of_callers_keep_nobody_out_either() {
        let gate = Gate::new("tcp", GateLimits { total: 2, per_peer: 2 });
        let idle = heard(&gate, at("192.0.2.1")).unwrap();
        idle.heard().idle();
        let silent = gate.enter(at("192.0.2.1")).unwrap();
        let _first = heard(&gate, at("192.0.2.2")).unwrap();
        assert!(is_lost(&silent) && !is_lost(&idle), "the silent one goes first");
        let _second = heard(&gate, at("192.0.2.2")).unwrap();
        assert!(is_lost(&idle));
        assert!(gate.enter(at("192.0.2.3")).is_none(), "both are at work");
    }

    #[test]
    fn strangers_share_few_places() {
        let gate = Gate::new("unix", GateLimits { total: 100, per_peer: 50 });
        let strangers: Vec<_> = (0..40).filter_map(|_| gate.enter(Peer::Stranger)).collect();
        assert_eq!(strangers.iter().filter(|place| !is_lost(place)).count(), STRANGERS);
        assert!(gate.enter(Peer::User(0)).is_some());
    }

    #[test]
    fn a_network_of_ipv6_is_one_peer_and_a_mapped_address_is_ipv4() {
        assert_eq!(at("2001:db8:1:2::1"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::1"), at("2001:db8:1:3::1"));
        assert_eq!(at("::ffff:192.0.2.1"), at("192.0.2.1"));
    }
}
