//! A TCP proxy that can be closed: connections break, and new ones are refused by their end.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, PoisonError},
    thread::spawn,
};
use windlass_bed::Result;

/// A proxy before one address.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    is_closed: bool,
    open: Vec<TcpStream>,
}

impl Proxy {
    pub(crate) fn start(to: &str) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Mutex::new(Shared::default()));
        let (serving, to) = (shared.clone(), to.to_owned());
        spawn(move || {
            for client in listener.incoming().flatten() {
                let _ = connect(client, &to, &serving);
            }
        });
        Ok(Self { address, shared })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Breaks all connections, and each new one, until [`Self::open`].
    pub(crate) fn close(&self) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.is_closed = true;
        for stream in shared.open.drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    pub(crate) fn open(&self) {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner).is_closed = false;
    }
}

/// Joins a client to the server. A client of a closed proxy is dropped.
fn connect(client: TcpStream, to: &str, shared: &Mutex<Shared>) -> Result<()> {
    let server = TcpStream::connect(to)?;
    {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        if shared.is_closed {
            return Ok(());
        }
        // Those that ended have no peer.
        shared.open.retain(|stream| stream.peer_addr().is_ok());
        shared.open.extend([client.try_clone()?, server.try_clone()?]);
    }
    let (from, into) = (client.try_clone()?, server.try_clone()?);
    spawn(move || pass(from, into));
    spawn(move || pass(server, client));
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream) {
    let mut chunk = [0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut chunk) {
        if to.write_all(chunk.get(..count).unwrap_or_default()).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}
