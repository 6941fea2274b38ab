//! Serves HTTP/1.1 and HTTP/2 on a listener, one task for each connection.

use crate::{
    connection::{Connection, Timed},
    gate::{Gate, GateLimits},
    incoming::{Accepting, Incoming, UnixIncoming},
    tls::{ListenError, Tls, acceptor},
};
use axum::body::Body;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming as RequestBody;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::watch,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use tower::Service;

/// Bytes of the headers of a request, at most. A token is the longest of them.
const HEADERS: u16 = 16 << 10;

/// Number of requests at once on one connection of HTTP/2.
const STREAMS: u32 = 64;

/// Time between two pings on a connection of HTTP/2, and the time in which each must be answered.
const PINGS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));

/// Bounds of one listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServeLimits {
    /// Connections at once.
    pub gate: GateLimits,
    /// Time from a connection's beginning to its first request of a known caller.
    pub header: Duration,
    /// Time that a connection may be without a request.
    pub idle: Duration,
}

/// Serves over TCP until `stop`, and then until the requests that are under way are answered. `name` is that of the
/// listener in the log.
///
/// Each request has a [`Connection`] in its extensions. The service marks there that a known caller sent the request;
/// until then the connection has the time of a silent one. A connection that was upgraded is its service's own: it has no
/// deadline, and nobody waits for its end.
///
/// # Errors
/// Fails if a certificate or key cannot be read.
pub async fn serve_tcp<S>(
    name: &'static str,
    listener: TcpListener,
    tls: Option<Tls>,
    limits: ServeLimits,
    service: S,
    stop: impl Future<Output = ()>,
) -> Result<(), ListenError>
where
    S: Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let tls = tls.as_ref().map(acceptor).transpose()?;
    serve(name, listener, tls, limits, service, stop).await;
    Ok(())
}

/// Serves on a unix socket until `stop`, as [`serve_tcp`] does. Users for whom `is_known` is false share few places.
///
/// # Errors
/// None today: it has the type of [`serve_tcp`].
pub async fn serve_unix<S>(
    name: &'static str,
    listener: UnixListener,
    is_known: Box<dyn Fn(u32) -> bool + Send>,
    limits: ServeLimits,
    service: S,
    stop: impl Future<Output = ()>,
) -> Result<(), ListenError>
where
    S: Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    serve(name, UnixIncoming { listener, is_known }, None, limits, service, stop).await;
    Ok(())
}

async fn serve<A, S>(
    name: &'static str,
    accepting: A,
    tls: Option<TlsAcceptor>,
    limits: ServeLimits,
    service: S,
    stop: impl Future<Output = ()>,
) where
    A: Accepting,
    A::Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let gate = Gate::new(name, limits.gate);
    let mut incoming = Incoming::new(accepting, gate, limits.header, limits.idle);
    let protocol = protocol(limits.idle);
    // Each connection has a receiver until it ends. If this future is dropped, they see that too.
    let (ending, ended) = watch::channel(());
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            timed = incoming.accept() => {
                let connected = Connected {
                    protocol: protocol.clone(),
                    service: service.clone(),
                    ended: ended.clone(),
                };
                match &tls {
                    Some(tls) => {
                        tokio::spawn(connected.secured(timed, tls.clone(), limits.header));
                    }
                    None => {
                        let connection = timed.connection();
                        tokio::spawn(connected.serve(timed, connection));
                    }
                }
            }
        }
    }
    // Nobody who connects from now on waits in vain.
    drop(incoming);
    ending.send_replace(());
    drop(ended);
    ending.closed().await;
}

/// Returns the settings of both versions of HTTP.
fn protocol(idle: Duration) -> Builder<TokioExecutor> {
    let mut protocol = Builder::new(TokioExecutor::new());
    protocol
        .http1()
        .timer(TokioTimer::new())
        // It runs from the end of the request before: a shorter one would be the time without a request. Before the
        // first request the connection's own deadline is shorter.
        .header_read_timeout(idle)
        .max_buf_size(usize::from(HEADERS));
    protocol
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(PINGS.0)
        .keep_alive_timeout(PINGS.1)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::from(HEADERS));
    protocol
}

/// The parts that a connection's task needs.
struct Connected<S> {
    protocol: Builder<TokioExecutor>,
    service: S,
    /// Changes, or loses its sender, when the listener ends.
    ended: watch::Receiver<()>,
}

impl<S> Connected<S>
where
    S: Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    /// Serves a connection over TLS. The handshake has `limit`.
    async fn secured<T>(mut self, timed: Timed<T>, tls: TlsAcceptor, limit: Duration)
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut connection = timed.connection();
        let accepted = tokio::select! {
            accepted = timeout(limit, tls.accept(timed)) => accepted,
            _ = self.ended.changed() => return,
        };
        match accepted {
            Ok(Ok(stream)) => {
                let (_, session) = stream.get_ref();
                let shown = session.peer_certificates().and_then(|chain| chain.first());
                connection.certificate = shown.map(|shown| Arc::<[u8]>::from(&**shown));
                self.serve(stream, connection).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "no TLS"),
            Err(_) => tracing::debug!(?limit, "no TLS in time"),
        }
    }

    /// Serves a connection until it ends. When the listener ends, requests that are under way are answered before.
    async fn serve<I>(mut self, stream: I, connection: Connection)
    where
        I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let service = TowerToHyperService::new(Noting { service: self.service, connection });
        let stream = TokioIo::new(stream);
        let mut served = pin!(self.protocol.serve_connection_with_upgrades(stream, service));
        let mut is_ending = false;
        loop {
            tokio::select! {
                ended = served.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%error, "a connection ends");
                    }
                    return;
                }
                _ = self.ended.changed(), if !is_ending => {
                    is_ending = true;
                    served.as_mut().graceful_shutdown();
                }
            }
        }
    }
}

/// Service that puts the connection into each request, and notes an upgrade.
#[derive(Clone)]
struct Noting<S> {
    service: S,
    connection: Connection,
}

impl<S> Service<Request<RequestBody>> for Noting<S>
where
    S: Service<Request<RequestBody>, Response = Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.service.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<RequestBody>) -> Self::Future {
        let connection = self.connection.clone();
        request.extensions_mut().insert(connection.clone());
        let answer = self.service.call(request);
        Box::pin(async move {
            let answer = answer.await?;
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                connection.upgraded();
            }
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests;
