//! Connections over the unix socket.

mod authority;

use authority::Rewriter;
use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
};

/// Bytes that are read at once.
const CHUNK: usize = 8 << 10;

/// A connection whose requests have an `:authority` that the HTTP/2 library accepts.
pub(crate) struct UnixConnection {
    stream: UnixStream,
    rewriter: Rewriter,
    /// Bytes that are rewritten and not yet read.
    waiting: Vec<u8>,
}

impl UnixConnection {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream, rewriter: Rewriter::default(), waiting: Vec::new() }
    }
}

impl AsyncRead for UnixConnection {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while this.waiting.is_empty() {
            let mut chunk = [0; CHUNK];
            let mut read = ReadBuf::new(&mut chunk);
            ready!(Pin::new(&mut this.stream).poll_read(context, &mut read))?;
            if read.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.rewriter.push(read.filled(), &mut this.waiting);
        }
        let count = this.waiting.len().min(buffer.remaining());
        let (now, _) = this.waiting.split_at(count);
        buffer.put_slice(now);
        this.waiting.drain(..count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for UnixConnection {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(context, bytes)
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
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test]
    async fn bytes_come_through_whole_and_both_ways() {
        let (mut client, server) = UnixStream::pair().unwrap();
        let mut server = UnixConnection::new(server);
        let talking = tokio::spawn(async move {
            client.write_all(&vec![b'%'; 100_000]).await.unwrap();
            client.shutdown().await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            answer
        });
        let mut all = Vec::new();
        server.read_to_end(&mut all).await.unwrap();
        assert!(all.len() == 100_000 && all.iter().all(|byte| *byte == b'%'));
        server.write_all(b"answer").await.unwrap();
        drop(server);
        assert_eq!(talking.await.unwrap(), "answer");
    }
}
