//! Accept loops of both listeners.

use super::{
    connection::{Origin, Timed},
    gate::{Gate, Peer},
};
use crate::unix::UnixConnection;
use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream, UnixListener},
    time::{Sleep, sleep},
};
use tokio_stream::Stream;

/// Pause after the kernel gave no connection, as it does while there are no descriptors. Without it the loop would
/// take a whole processor.
const PAUSE: Duration = Duration::from_millis(250);

/// Shortest time between two lines of the log about a listener that accepts nothing.
const SAID_EVERY: Duration = Duration::from_secs(60);

/// A listener of some kind.
pub(crate) trait Accepting: Unpin {
    type Stream;

    /// Accepts one connection, and names its peer.
    fn poll_accept(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(Self::Stream, Origin, Peer)>>;
}

impl Accepting for TcpListener {
    type Stream = TcpStream;

    fn poll_accept(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, Origin, Peer)>> {
        let (stream, address) = ready!(Self::poll_accept(self, context))?;
        // An answer is small and waits for nothing.
        let _ = stream.set_nodelay(true);
        Poll::Ready(Ok((stream, Origin::Tcp, Peer::at(address.ip()))))
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
    ) -> Poll<io::Result<(UnixConnection, Origin, Peer)>> {
        let (stream, _) = ready!(self.listener.poll_accept(context))?;
        let uid = stream.peer_cred().ok().map(|credential| credential.uid());
        let known = uid.filter(|uid| (self.is_known)(*uid));
        let peer = known.map_or(Peer::Stranger, Peer::User);
        Poll::Ready(Ok((UnixConnection::new(stream), Origin::Unix(uid), peer)))
    }
}

/// Stream of the connections that got a place. All others are closed at once.
pub(crate) struct Incoming<A> {
    accepting: A,
    gate: Gate,
    header: Duration,
    idle: Duration,
    pause: Option<Pin<Box<Sleep>>>,
    said: Option<Instant>,
}

impl<A> Incoming<A> {
    /// Makes a stream of connections that have `header` to their first request, and `idle` between two.
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

impl<A: Accepting> Stream for Incoming<A> {
    type Item = Result<Timed<A::Stream>, io::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(pause) = &mut this.pause {
                ready!(pause.as_mut().poll(context));
                this.pause = None;
            }
            let (stream, origin, peer) = match ready!(this.accepting.poll_accept(context)) {
                Ok(accepted) => accepted,
                // Of a client that is away already.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => continue,
                Err(error) => {
                    this.failed(&error);
                    continue;
                }
            };
            // Before TLS, which costs more than a connection.
            let Some(place) = this.gate.enter(peer) else { continue };
            return Poll::Ready(Some(Ok(Timed::new(
                stream,
                origin,
                place,
                this.header,
                this.idle,
            ))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::GateLimits;
    use super::*;
    use std::collections::VecDeque;
    use tokio_stream::StreamExt;
    use tonic::transport::server::Connected;

    /// Listener that gives what a test lists, and counts how often it was asked.
    struct Listed(VecDeque<io::Result<Peer>>, usize);

    impl Accepting for Listed {
        type Stream = ();

        fn poll_accept(&mut self, _: &mut Context<'_>) -> Poll<io::Result<((), Origin, Peer)>> {
            self.1 += 1;
            match self.0.pop_front() {
                Some(accepted) => Poll::Ready(accepted.map(|peer| ((), Origin::Tcp, peer))),
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
        let _open = incoming.next().await.unwrap().unwrap();
        assert_eq!((began.elapsed(), incoming.accepting.1), (2 * PAUSE, 3));
    }

    #[tokio::test]
    async fn a_connection_without_a_place_is_closed_and_the_next_is_taken() {
        let same = || Ok(Peer::User(1));
        let mut incoming = incoming(vec![same(), same(), same(), Ok(Peer::User(2))]);
        let first = incoming.next().await.unwrap().unwrap();
        let _request = first.connect_info().used();
        let _other = incoming.next().await.unwrap().unwrap();
        assert_eq!(incoming.accepting.1, 4);
    }
}
