//! An API server with faults: a proxy before the real API server, which spoils answers as a test configures.

use std::{
    collections::HashMap,
    fs,
    io::{Read, Write, copy},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread::spawn,
    time::Duration,
};
use windlass_bed::process::{Running, await_ready, start};

/// Reply to one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The API server's answer.
    Forwarded,
    /// The API server's answer, after this time.
    Delayed(Duration),
    /// No answer: the connection breaks.
    Dropped,
    /// An answer of the test's own: a status line with headers, and a body.
    Answered(String, String),
}

/// Chooses a reply by the request line, and by the number of earlier requests with the same line. With one count
/// for all requests, it would be chance whether a repeated request ever gets through.
type Behaviour = Box<dyn Fn(&str, u32) -> Reply + Send>;

/// A proxy of the API server, by plain HTTP and without credentials. Requests are forwarded as the admin's.
pub struct FaultyApiServer {
    /// Kubeconfig that leads to the proxy.
    pub kubeconfig: PathBuf,
    shared: Arc<Shared>,
    _proxy: Running,
}

struct Shared {
    upstream: PathBuf,
    behaviour: Mutex<Behaviour>,
    asked: Mutex<HashMap<String, u32>>,
    open: Mutex<Vec<TcpStream>>,
}

impl FaultyApiServer {
    /// Starts the proxy, which forwards all requests at first.
    #[must_use]
    pub fn start(name: &str) -> Self {
        let layout = &crate::bed().layout;
        let folder = layout.at(&format!("daemons/{name}-api"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let upstream = folder.join("s");
        let args = [
            format!("--kubeconfig={}", layout.kubeconfig().display()),
            "proxy".to_owned(),
            format!("--unix-socket={}", upstream.display()),
            "--reject-paths=^$".to_owned(),
        ];
        let log = folder.join("proxy.log");
        let mut proxy = start("proxy", &log, &layout.program("kubectl"), args).unwrap();
        let ready = || UnixStream::connect(&upstream).is_ok();
        await_ready(&mut proxy, &log, Duration::from_secs(30), ready).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let kubeconfig = folder.join("kubeconfig");
        write_kubeconfig(&kubeconfig, &server);
        let shared = Arc::new(Shared {
            upstream,
            behaviour: Mutex::new(Box::new(|_, _| Reply::Forwarded)),
            asked: Mutex::default(),
            open: Mutex::default(),
        });
        let serving = shared.clone();
        spawn(move || {
            for stream in listener.incoming().flatten() {
                let shared = serving.clone();
                spawn(move || shared.serve(stream));
            }
        });
        Self { kubeconfig, shared, _proxy: proxy }
    }

    /// Replaces the behaviour: all later requests are answered by it.
    pub fn behave(&self, behaviour: impl Fn(&str, u32) -> Reply + Send + 'static) {
        *self.shared.behaviour.lock().unwrap() = Box::new(behaviour);
    }

    /// Breaks all connections.
    pub fn break_connections(&self) {
        for stream in self.shared.open.lock().unwrap().drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

/// Writes a kubeconfig for an API server at `server`, without credentials.
pub fn write_kubeconfig(to: &Path, server: &str) {
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: it\nclusters:\n- name: it\n  cluster: {{ server: \"{server}\" }}\n\
         users:\n- name: it\n  user: {{}}\ncontexts:\n- name: it\n  context: {{ cluster: it, user: it }}\n"
    );
    fs::write(to, text).unwrap();
}

impl Shared {
    /// Serves one request. A connection is not used again.
    fn serve(&self, mut client: TcpStream) {
        let Some((head, body)) = request(&mut client) else { return };
        let line = head.lines().next().unwrap_or_default();
        let before = self.asked_before(line);
        let reply = (self.behaviour.lock().unwrap())(line, before);
        match reply {
            Reply::Forwarded => self.forward(client, &head, &body),
            Reply::Delayed(after) => {
                std::thread::sleep(after);
                self.forward(client, &head, &body);
            }
            Reply::Dropped => {}
            Reply::Answered(head, body) => {
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {head}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
                );
                let _ = client.write_all(text.as_bytes());
            }
        }
    }

    fn asked_before(&self, line: &str) -> u32 {
        let mut asked = self.asked.lock().unwrap();
        let times = asked.entry(line.to_owned()).or_default();
        *times += 1;
        *times - 1
    }

    fn forward(&self, mut client: TcpStream, head: &str, body: &[u8]) {
        let Ok(mut upstream) = UnixStream::connect(&self.upstream) else { return };
        self.open.lock().unwrap().extend(client.try_clone());
        let kept = head.lines().filter(|line| !line.to_lowercase().starts_with("connection:"));
        let upgrades = head.to_lowercase().contains("upgrade:");
        let mut text = kept.collect::<Vec<_>>().join("\r\n");
        text.push_str(if upgrades { "\r\nconnection: upgrade" } else { "\r\nconnection: close" });
        text.push_str("\r\n\r\n");
        if upstream.write_all(text.as_bytes()).and_then(|()| upstream.write_all(body)).is_err() {
            return;
        }
        let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
        spawn(move || {
            let _ = copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Both);
        });
        let _ = copy(&mut upstream, &mut client);
        let _ = client.shutdown(Shutdown::Both);
    }
}

/// Reads a request: its head without the empty line, and its body. `None` means that the connection ended before.
fn request(client: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut chunk) = (Vec::new(), [0; 16 << 10]);
    loop {
        let count = client.read(&mut chunk).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&chunk[..count]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length")
                .then(|| value.trim().parse::<usize>().ok())?
        });
        let mut body = bytes.split_off(end + 4);
        let lacks = length.unwrap_or(0).saturating_sub(body.len());
        let have = body.len();
        body.resize(have + lacks, 0);
        client.read_exact(&mut body[have..]).ok()?;
        return Some((head, body));
    }
}
