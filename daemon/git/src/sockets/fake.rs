//! Sockets of tests: names lead where a test says, and each connection meets a server of a few lines.

use super::{Channel, Sockets};
use async_trait::async_trait;
use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

/// Answers of the name server: the n-th answer for a name is asked for with n, from 0.
type Names = dyn Fn(&str, usize) -> Vec<SocketAddr> + Send + Sync;

/// Answer of a server at an address to the head of a request.
type Answers = dyn Fn(SocketAddr, &str) -> String + Send + Sync;

/// Record of what was done with the sockets.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) resolved: Vec<(String, u16)>,
    pub(crate) dialled: Vec<SocketAddr>,
    /// Heads of requests, each with the server's address.
    pub(crate) requests: Vec<(SocketAddr, String)>,
}

/// The sockets.
#[derive(Clone)]
pub(crate) struct Fake {
    names: Arc<Names>,
    answers: Arc<Answers>,
    pub(crate) seen: Arc<Mutex<Seen>>,
}

impl Fake {
    pub(crate) fn new(
        names: impl Fn(&str, usize) -> Vec<SocketAddr> + Send + Sync + 'static,
        answers: impl Fn(SocketAddr, &str) -> String + Send + Sync + 'static,
    ) -> Self {
        Self { names: Arc::new(names), answers: Arc::new(answers), seen: Arc::default() }
    }

    async fn serve(self, address: SocketAddr, mut stream: DuplexStream) {
        let mut head = Vec::new();
        while let Ok(byte) = stream.read_u8().await {
            head.push(byte);
            // The first byte of TLS, which this server does not speak.
            if head == [0x16] {
                return;
            }
            if head.ends_with(b"\r\n\r\n") {
                let text = String::from_utf8(std::mem::take(&mut head)).unwrap();
                let answer = (self.answers)(address, &text);
                self.seen.lock().unwrap().requests.push((address, text));
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    }
}

#[async_trait]
impl Sockets for Fake {
    async fn resolve(&self, name: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let mut seen = self.seen.lock().unwrap();
        let before = seen.resolved.iter().filter(|(before, _)| before == name).count();
        seen.resolved.push((name.to_owned(), port));
        let found = (self.names)(name, before);
        Ok(found.into_iter().map(|found| (found.ip(), port).into()).collect())
    }

    async fn connect(&self, address: SocketAddr) -> io::Result<Box<dyn Channel>> {
        self.seen.lock().unwrap().dialled.push(address);
        let (ours, theirs) = duplex(64 << 10);
        tokio::spawn(self.clone().serve(address, theirs));
        Ok(Box::new(ours))
    }
}
