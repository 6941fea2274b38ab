//! Addresses of repositories: a socket opens where the egress policy looked, and a login goes to its own server alone.

use std::{
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};
use windlass_bed::{daemon::Config, layout::HOST};
use windlass_tests::{TestEnv, bed};

const ID: &str = "0123456789012345678901234567890123456789";

const NOT_FOUND: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const LOGIN: &str = "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A server that remembers what it was asked.
struct Server {
    address: SocketAddr,
    /// One entry for each connection: all lines that came, up to an empty one.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(host: &str, answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (notes, answer) = (seen.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (notes, answer) = (notes.clone(), answer.clone());
                thread::spawn(move || converse(stream.unwrap(), &notes, &*answer));
            }
        });
        Self { address, seen }
    }

    /// Returns what came over all connections so far.
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

fn converse(mut stream: TcpStream, notes: &Mutex<Vec<String>>, answer: &dyn Fn(&str) -> String) {
    let number = {
        let mut notes = notes.lock().unwrap();
        notes.push(String::new());
        notes.len() - 1
    };
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut head = String::new();
    while lines.read_line(&mut head).is_ok_and(|read| read > 2) {}
    notes.lock().unwrap()[number].clone_from(&head);
    let _ = stream.write_all(answer(&head).as_bytes());
}

#[test]
fn a_socket_opens_where_the_policy_looked_and_nowhere_else() {
    let private = Server::start("127.0.0.1", |_| NOT_FOUND.into());
    let other = Server::start("127.0.0.1", |_| LOGIN.into());
    // Not loopback: others may listen on the way.
    let plain = Server::start(HOST, |_| LOGIN.into());
    let (to_private, to_other) = (private.address, other.address);
    let allowed = Server::start("127.0.0.1", move |head| {
        let to = match head.split(' ').nth(1).unwrap_or_default().split('/').nth(1) {
            Some("to-private") => to_private,
            Some("to-other") => to_other,
            _ => return NOT_FOUND.into(),
        };
        format!(
            "HTTP/1.1 302 Found\r\nlocation: http://{to}/x/info/refs?service=git-upload-pack\r\n\
             content-length: 0\r\nconnection: close\r\n\r\n"
        )
    });
    let mut config = Config::of(bed()).unwrap();
    config.egress = [&allowed, &other, &plain].map(|server| server.address.to_string()).into();
    let env = TestEnv::with("t-addresses", &config);
    env.daemon.put_secret("t-addresses", "git", "me:t0ken-of-the-project").unwrap();
    let plan = |url: &str| {
        let args = ["plan", "t-addresses/app", "--revision", ID, "--credential", "git"];
        let answer = env.daemon.windlass(&[&args[..], &["--repository", url]].concat()).unwrap();
        assert_ne!(answer.code, 0, "{url}: {}", answer.text);
        answer.text
    };

    // The table of the review, and more joints of two hosts.
    let (a, p) = (allowed.address, private.address);
    for (url, expected) in [
        (format!("https://{p}/x.git"), "egress-refused"),
        (format!("http://{p}/x.git"), "egress-refused"),
        (format!("git://{p}/x.git"), "egress-refused"),
        (format!("https://1.1.1.1?@{p}/internal/repo.git"), "source.repository"),
        (format!("https://1.1.1.1#@{p}/internal/repo.git"), "source.repository"),
        (format!("http://{a}?@{p}/internal/repo.git"), "source.repository"),
        (format!("http://{a}#@{p}/internal/repo.git"), "source.repository"),
        (format!("http://{a}\\@{p}/internal/repo.git"), "source.repository"),
        (format!("http://{a}@{p}/internal/repo.git"), "source.repository"),
        (format!("http://{a}/to-private"), "egress-refused"),
    ] {
        let text = plan(&url);
        assert!(text.contains(expected), "{url}: {text}");
        assert!(private.seen().is_empty(), "{url}: {text}");
    }

    // An allowed redirect is followed, without the login.
    let text = plan(&format!("http://{a}/to-other"));
    assert!(text.contains("repository-denied") && text.contains("its own server alone"), "{text}");
    let asked = other.seen().concat();
    assert!(asked.starts_with("GET /x/info/refs?service=git-upload-pack HTTP/1.1\r\n"), "{asked}");

    // No token over plain http, although the server asks for one.
    let text = plan(&format!("http://{}/x.git", plain.address));
    assert!(text.contains("only sent over https") && text.contains("/x.git"), "{text}");
    for server in [&allowed, &other, &plain] {
        let asked = server.seen().concat().to_lowercase();
        assert!(!asked.is_empty() && !asked.contains("authorization"), "{asked}");
    }
    env.keeps_nothing_of("t0ken-of-the-project");
}
