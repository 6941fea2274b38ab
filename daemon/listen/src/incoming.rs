//! Connections that listeners accept, as far as there is a place for them.

use crate::{
    connection::{Origin, Timed},
    gate::{Gate, Peer},
    unix::UnixConnection,
};
use std::{
    future::poll_fn,
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream, UnixListener},
    time::{Sleep, sleep},
};

/// Pause after the kernel gave no connection, as it does while there are no descriptors. Without it the loop would
/// take a whole processor.
const PAUSE: Duration = Duration::from_millis(250);

/// Shortest time between two lines of the log about a listener that accepts nothing.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// A connection as the kernel gives it.
pub(crate) struct Accepted<S> {
    pub(crate) stream: S,
    pub(crate) origin: Origin,
    /// Address of the peer. `None` means the unix socket.
    pub(crate) address: Option<IpAddr>,
    pub(crate) peer: Peer,
}

/// A listener of some kind.
pub(crate) trait Accepting {
    type Stream;

    /// Accepts one connection, and names its peer.
    fn poll_accept(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Accepted<Self::Stream>>>;
}

impl Accepting for TcpListener {
    type Stream = TcpStream;

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Accepted<TcpStream>>> {
        let (stream, address) = ready!(Self::poll_accept(self, context))?;
        // An answer is small and waits for nothing.
        let _ = stream.set_nodelay(true);
        let address = address.ip().to_canonical();
        let peer = Peer::at(address);
        Poll::Ready(Ok(Accepted { stream, origin: Origin::Tcp, address: Some(address), peer }))
    }
}

/// The unix socket. The kernel names the user at the other end.
pub(crate) struct UnixIncoming {
    pub(crate) listener: UnixListener,
    /// Returns whether a user may call at all.
    pub(crate) is_known: Box<dyn Fn(u32) -> bool + Send>,
}

impl Accepting for UnixIncoming {
    type Stream = UnixConnection;

    fn poll_accept(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Accepted<UnixConnection>>> {
        let (stream, _) = ready!(self.listener.poll_accept(context))?;
        let uid = stream.peer_cred().ok().map(|credential| credential.uid());
        let known = uid.filter(|uid| (self.is_known)(*uid));
        let peer = known.map_or(Peer::Stranger, Peer::User);
        let stream = UnixConnection::new(stream);
        Poll::Ready(Ok(Accepted { stream, origin: Origin::Unix(uid), address: None, peer }))
    }
}

/// Source of the connections that got a place. All others are closed at once.
pub(crate) struct Incoming<A> {
    accepting: A,
    gate: Gate,
    header: Duration,
    idle: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    said: Option<Instant>,
}

impl<A> Incoming<A> {
    /// Makes a source of connections that have `header` to their first request, and `idle` between two.
    pub(crate) fn new(accepting: A, gate: Gate, header: Duration, idle: Duration) -> Self {
        Self { accepting, gate, header, idle, pause: None, said: None }
    }

    /// Begins a pause, and says why at most once a minute.
    fn failed(&mut self, error: &io::Error) {
        if self.said.is_none_or(|said| said.elapsed() >= SAID_EVERY) {
            tracing::error!(%error, "no connection can be accepted; trying again and again");
            self.said = Some(Instant::now());
        }
        self.pause = Some(Box::pin(sleep(PAUSE)));
    }
}

impl<A: Accepting> Incoming<A> {
    /// Waits for a connection with a place. Dropping the future loses none.
    pub(crate) async fn accept(&mut self) -> Timed<A::Stream> {
        poll_fn(|context| self.poll_accept(context)).await
    }

    fn poll_accept(&mut self, context: &mut Context<'_>) -> Poll<Timed<A::Stream>> {
        loop {
            if let Some(pause) = &mut self.pause {
                ready!(pause.as_mut().poll(context));
                self.pause = None;
            }
            let accepted = match ready!(self.accepting.poll_accept(context)) {
                Ok(accepted) => accepted,
                // Of a client that is away already.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    self.failed(&error);
                    continue;
                }
            };
            let Accepted { stream, origin, address, peer } = accepted;
            // Before TLS, which costs more than a connection.
            let Some(place) = self.gate.enter(peer) else { continue };
            let from = (origin, address);
            return Poll::Ready(Timed::new(stream, from, place, self.header, self.idle));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::GateLimits;
    use std::collections::VecDeque;

    /// Listener that gives what a test lists, and counts how often it was asked.
    struct Listed(VecDeque<io::Result<Peer>>, usize);

    impl Accepting for Listed {
        type Stream = ();

        fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<Accepted<()>>> {
            self.1 += 1;
            let accepted = |peer| Accepted { stream: (), origin: Origin::Tcp, address: None, peer };
            match self.0.pop_front() {
                Some(next) => Poll::Ready(next.map(accepted)),
                None => Poll::Pending,
            }
        }
    }

    fn incoming(listed: Vec<io::Result<Peer>>) -> Incoming<Listed> {
        let gate = Gate::new("tcp", GateLimits { total: 9, per_peer: 1 });
        let second = Duration::from_secs(1);
        Incoming::new(Listed(listed.into(), 0), gate, second, second)
    }

    #[tokio::test(start_paused = true)]
    async fn without_descriptors_the_loop_pauses_and_goes_on() {
        // EMFILE
        let full = || Err(io::Error::from_raw_os_error(24));
        let mut incoming = incoming(vec![full(), full(), Ok(Peer::User(1))]);
        let began = tokio::time::Instant::now();
        let _open = incoming.accept().await;
        assert_eq!((began.elapsed(), incoming.accepting.1), (2 * PAUSE, 3));
    }

    #[tokio::test]
    async fn a_connection_without_a_place_is_closed_and_the_next_is_taken() {
        let same = || Ok(Peer::User(1));
        let mut incoming = incoming(vec![same(), same(), same(), Ok(Peer::User(2))]);
        let first = incoming.accept().await;
        let _request = first.connection().used();
        let _other = incoming.accept().await;
        assert_eq!(incoming.accepting.1, 4);
    }
}
