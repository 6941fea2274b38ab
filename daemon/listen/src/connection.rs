//! A connection with its place and its time.
//!
//! Until a caller who is known has sent a request, and while no request is under way, a connection has a deadline.
//! It covers the TLS handshake, the preface of HTTP/2 and the headers: whatever a peer drips, it is closed then. It is
//! closed before if its place is another's.

use crate::{
    gate::{Heard, Place},
    held::Held,
};
use axum::body::Body;
use std::{
    io::{self, IoSlice},
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

/// The kind of listener that a connection came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The unix socket. `None` means that the kernel does not name the user.
    Unix(Option<u32>),
    Tcp,
}

/// Information about a connection, in the extensions of each of its requests.
#[derive(Clone)]
pub struct Connection {
    pub origin: Origin,
    /// Address of the peer over TCP, or of the client for whom a proxy of the operator's sends. `None` means the unix
    /// socket.
    pub address: Option<IpAddr>,
    /// The client's own certificate in DER. `None` means that the client shows none.
    pub certificate: Option<Arc<[u8]>>,
    clock: Arc<Clock>,
}

/// Requests under way on a connection, and the time at which it is closed.
struct Clock {
    idle: Duration,
    heard: Heard,
    state: Mutex<State>,
}

struct State {
    /// Requests that are under way.
    requests: usize,
    /// Time at which the connection is closed. `None` means that a request is under way.
    deadline: Option<Instant>,
}

/// A request under way. While it is there, its connection is not idle.
pub struct InUse(Arc<Clock>);

impl Connection {
    /// Marks a request of a known caller as under way, until the answer is dropped. Until the first one, a connection
    /// has no more time than a silent one.
    #[must_use]
    pub fn used(&self) -> InUse {
        self.clock.begin();
        InUse(self.clock.clone())
    }

    /// Marks the connection as in use for as long as it is open. After an upgrade nothing of it is a request any more.
    pub(crate) fn upgraded(&self) {
        self.clock.begin();
    }
}

impl InUse {
    /// Returns a body that holds its connection in use until it is sent or dropped.
    pub fn hold(self, body: Body) -> Body {
        Body::new(Held::new(body, self))
    }
}

impl Clock {
    fn begin(&self) {
        let mut state = self.state();
        state.requests += 1;
        state.deadline = None;
        self.heard.busy();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.requests = state.requests.saturating_sub(1);
        if state.requests == 0 {
            state.deadline = Some(Instant::now() + self.0.idle);
            self.0.heard.idle();
        }
    }
}

/// Bytes of a connection, which end at the connection's deadline.
pub(crate) struct Timed<S> {
    stream: S,
    connection: Connection,
    timer: Pin<Box<Sleep>>,
    place: Place,
}

impl<S> Timed<S> {
    /// Makes a connection that has `header` to its first request, and `idle` between two.
    pub(crate) fn new(
        stream: S,
        (origin, address): (Origin, Option<IpAddr>),
        place: Place,
        header: Duration,
        idle: Duration,
    ) -> Self {
        let deadline = Instant::now() + header;
        let state = Mutex::new(State { requests: 0, deadline: Some(deadline) });
        let clock = Arc::new(Clock { idle, heard: place.heard(), state });
        let connection = Connection { origin, address, certificate: None, clock };
        Self { stream, connection, timer: Box::pin(sleep_until(deadline)), place }
    }

    /// Returns the information that each request of the connection gets.
    pub(crate) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    /// Returns whether the deadline has passed. If not, the task is woken then.
    fn is_late(&mut self, context: &mut Context<'_>) -> bool {
        let deadline = self.connection.clock.state().deadline;
        let Some(deadline) = deadline else { return false };
        if self.timer.deadline() != deadline {
            self.timer.as_mut().reset(deadline);
        }
        self.timer.as_mut().poll(context).is_ready()
    }

    /// Fails once the connection has lost its place or its time. Until then, the task is woken when it does.
    ///
    /// Writes ask as reads do: HTTP/2 reads nothing while an answer cannot be written, and a peer that reads nothing
    /// would keep its descriptor for ever.
    fn check(&mut self, context: &mut Context<'_>) -> io::Result<()> {
        if self.place.is_lost(context.waker()) {
            return Err(io::Error::new(io::ErrorKind::ConnectionAborted, "silent among too many"));
        }
        if self.is_late(context) {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no request in time"));
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Timed<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check(context)?;
        Pin::new(&mut this.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Timed<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check(context)?;
        Pin::new(&mut this.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.check(context)?;
        Pin::new(&mut this.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Gate, GateLimits, Peer};
    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    const HEADER: Duration = Duration::from_secs(10);
    const IDLE: Duration = Duration::from_secs(100);

    fn pair() -> (DuplexStream, Timed<DuplexStream>) {
        let (client, server) = duplex(64);
        let gate = Gate::new("tcp", GateLimits { total: 1, per_peer: 1 });
        let place = gate.enter(Peer::User(0)).unwrap();
        (client, Timed::new(server, (Origin::Tcp, None), place, HEADER, IDLE))
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_without_a_request_do_not_keep_a_connection() {
        let (mut client, mut server) = pair();
        let began = Instant::now();
        let dripping = tokio::spawn(async move {
            while client.write_all(b"P").await.is_ok() {
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
        let error = loop {
            match server.read_u8().await {
                Ok(_) => {}
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), HEADER.as_secs());
        drop(server);
        dripping.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_is_closed_too() {
        let (_client, mut server) = pair();
        let began = Instant::now();
        let error = server.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), HEADER.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_that_is_lost_ends_a_write() {
        let (_client, server) = duplex(64);
        let gate = Gate::new("tcp", GateLimits { total: 1, per_peer: 1 });
        let place = gate.enter(Peer::User(0)).unwrap();
        let mut server = Timed::new(server, (Origin::Tcp, None), place, HEADER, IDLE);
        let writing = tokio::spawn(async move { server.write_all(&[0; 1000]).await });
        tokio::task::yield_now().await;
        let _next = gate.enter(Peer::User(0)).unwrap();
        let error = writing.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_stops_the_clock_and_its_end_starts_it_again() {
        let (_client, mut server) = pair();
        let connection = server.connection();
        let (first, second) = (connection.used(), connection.used());
        let long = Duration::from_secs(10_000);
        tokio::time::timeout(long, server.read_u8()).await.unwrap_err();
        drop(first);
        tokio::time::timeout(long, server.read_u8()).await.unwrap_err();
        let mut answer = second.hold(Body::from("an answer"));
        tokio::time::timeout(long, server.read_u8()).await.unwrap_err();
        let _ = answer.frame().await;
        drop(answer);
        let began = Instant::now();
        assert_eq!(server.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), IDLE.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn an_upgraded_connection_has_no_deadline() {
        let (_client, mut server) = pair();
        let request = server.connection().used();
        server.connection().upgraded();
        drop(request);
        let long = Duration::from_secs(10_000);
        tokio::time::timeout(long, server.read_u8()).await.unwrap_err();
    }
}
