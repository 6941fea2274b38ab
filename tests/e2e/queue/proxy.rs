//! A proxy before the broker, which cuts all connections after a number of bytes.

use std::{
    io::{Read, Write, copy},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread::spawn,
};

pub(super) struct Proxy {
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    upstream: u16,
    /// Bytes that the client may still send. `None` means any number.
    left: Mutex<Option<usize>>,
    open: Mutex<Vec<TcpStream>>,
}

impl Proxy {
    /// Starts a proxy, which cuts nothing at first.
    pub(super) fn start(upstream: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared { upstream, left: Mutex::default(), open: Mutex::default() });
        let serving = shared.clone();
        spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = serving.clone();
                spawn(move || shared.serve(client));
            }
        });
        Self { port, shared }
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Cuts all connections once their clients have sent this number of bytes. Those after them are whole.
    pub(super) fn cut_after(&self, bytes: usize) {
        *self.shared.left.lock().unwrap() = Some(bytes);
    }
}

impl Shared {
    fn serve(&self, mut client: TcpStream) {
        let Ok(mut upstream) = TcpStream::connect(("127.0.0.1", self.upstream)) else { return };
        let (mut from, mut to) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
        self.open
            .lock()
            .unwrap()
            .extend([client.try_clone().unwrap(), upstream.try_clone().unwrap()]);
        spawn(move || {
            let _ = copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
        let mut chunk = [0; 16 << 10];
        while let Ok(count) = client.read(&mut chunk) {
            let sent = self.take(count);
            if count == 0 || upstream.write_all(&chunk[..sent]).is_err() {
                break;
            }
            if sent < count {
                self.cut();
            }
        }
        let _ = upstream.shutdown(Shutdown::Both);
    }

    /// Returns how many of these bytes may be sent.
    fn take(&self, count: usize) -> usize {
        let mut left = self.left.lock().unwrap();
        let sent = left.map_or(count, |left| left.min(count));
        *left = left.and_then(|left| (sent == count).then(|| left - sent));
        sent
    }

    fn cut(&self) {
        for stream in self.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
