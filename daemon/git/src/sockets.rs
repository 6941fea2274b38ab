//! Sockets of the daemon: where names are resolved, and where connections begin.

use async_trait::async_trait;
use std::{io, net::SocketAddr};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
};

/// A connection, with or without TLS.
pub(crate) trait Channel: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Channel for T {}

/// Names and connections. Tests replace them.
#[async_trait]
pub(crate) trait Sockets: Send + Sync {
    /// Returns the addresses of a name.
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>>;

    /// Connects to an address.
    async fn connect(&self, address: SocketAddr) -> io::Result<Box<dyn Channel>>;
}

/// Sockets of this machine.
pub(crate) struct System;

#[async_trait]
impl Sockets for System {
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(lookup_host((name, port)).await?.collect())
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Box<dyn Channel>> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Box::new(stream))
    }
}

#[cfg(test)]
pub(crate) mod fake;
