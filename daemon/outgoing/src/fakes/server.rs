//! An HTTP server of a few lines, on loopback.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
    time::sleep,
};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) path: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// Answer of the server.
pub(crate) enum Reply {
    /// A status with headers, each with its line's end, and a body.
    Now(u16, String, String),
    /// The same after a time.
    Late(Duration, u16),
    /// A head, and then one byte of the body each tenth of a second.
    Drip,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self::Now(status, String::new(), String::new())
    }
}

type Answers = dyn Fn(usize, &Seen) -> Reply + Send + Sync;

/// The server. It ends with this value.
pub(crate) struct Server {
    /// Host and port.
    pub(crate) address: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    most_at_once: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts a server. The answer to the n-th request, from 0, is asked for with n.
    pub(crate) async fn start(
        answers: impl Fn(usize, &Seen) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (seen, most): (Arc<Mutex<Vec<Seen>>>, Arc<AtomicUsize>) = <_>::default();
        let (answers, now): (Arc<Answers>, Arc<AtomicUsize>) = (Arc::new(answers), Arc::default());
        let shared = (seen.clone(), most.clone());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answers, now, (seen, most)) = (answers.clone(), now.clone(), shared.clone());
                tokio::spawn(async move {
                    let at_once = now.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(at_once, Ordering::SeqCst);
                    let _ = serve(stream, &*answers, &seen).await;
                    now.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen, most_at_once: most, task }
    }

    /// Returns the requests that came, in their order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Returns the highest number of requests that were answered at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(
    stream: TcpStream,
    answers: &Answers,
    seen: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    let mut stream = BufStream::new(stream);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    let one = Seen { path, headers, body: String::from_utf8(body).unwrap() };
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(one.clone());
        seen.len() - 1
    };
    let (status, headers, body) = match answers(number, &one) {
        Reply::Now(status, headers, body) => (status, headers, body),
        Reply::Late(time, status) => {
            sleep(time).await;
            (status, String::new(), String::new())
        }
        Reply::Drip => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await?;
            loop {
                stream.write_all(b"x").await?;
                stream.flush().await?;
                sleep(Duration::from_millis(100)).await;
            }
        }
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\n{headers}content-length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.flush().await
}
