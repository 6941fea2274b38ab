//! Bodies of 100 MB that nobody signed: announced, or without a length; for a hook that is there, and for none.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread::{scope, sleep},
    time::Duration,
};
use windlass_bed::daemon::Config;
use windlass_tests::{
    TestEnv, bed,
    growth::Growth,
    http::Connection,
    webhooks::{hooks, project, push},
};

const PORT: u16 = 21_793;

/// Bytes of a body, and of one part of it.
const BODY: usize = 100 << 20;
const PART: usize = 1 << 20;

/// Connections that send such bodies at once, to each of both addresses and in each of both ways.
const ATTACKERS: usize = 6;

/// Time in which the daemon takes or gives bytes.
const LIMIT: Duration = Duration::from_secs(30);

/// MiB by which the daemon may grow: one body of 25 MiB of a project, which doubles its buffer as it comes, and eight
/// of 1 MiB beside it.
const GROWTH: u64 = 80;

fn connect() -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// Begins a request, and returns the answer's status line where it comes before the body.
fn announce(path: &str) -> String {
    let mut stream = connect();
    write!(stream, "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {BODY}\r\n\r\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

/// Sends a whole body, or as much of it as the daemon takes, and returns the answer's status line. Empty means that the
/// daemon closed the connection before the answer could be read.
fn attack(path: &str, is_announced: bool) -> String {
    let mut stream = connect();
    let length = if is_announced {
        format!("content-length: {BODY}")
    } else {
        "transfer-encoding: chunked".to_owned()
    };
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nx-github-event: push\r\n{length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let part = vec![b' '; PART];
    for _ in 0..BODY / PART {
        let sent = if is_announced {
            stream.write_all(&part)
        } else {
            let framed = [format!("{PART:x}\r\n").as_bytes(), &part[..], &b"\r\n"[..]].concat();
            stream.write_all(&framed)
        };
        if sent.is_err() {
            break;
        }
    }
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).lines().next().unwrap_or_default().to_owned()
}

#[test]
fn large_bodies_that_nobody_signed_take_no_memory_and_no_place_of_others() {
    let mut config = Config::of(bed()).unwrap();
    config.tables = format!("[listen]\nhooks = \"127.0.0.1:{PORT}\"\n");
    let env = TestEnv::with("t-bodies", &config);
    let repository = env.repository();
    repository.write("README", "nothing is deployed\n").unwrap();
    let commit = repository.commit("one").unwrap();
    // A branch that is there, and that no trigger is for.
    repository.git(&["push", "--quiet", repository.url(), "HEAD:refs/heads/other"]).unwrap();
    let body = push("other", &commit);
    for name in ["t-bodies", "t-bodies-other"] {
        project(&env, name, repository.url());
    }
    let victim = hooks(&env.daemon, "t-bodies", 1, &body).unwrap().remove(0);
    let other = hooks(&env.daemon, "t-bodies-other", 1, &body).unwrap().remove(0);
    let unknown = format!("/hooks/{}", "a".repeat(26));

    // What is announced as too long is not read, and neither is anything for a hook that is not there.
    assert!(announce(&victim.path).starts_with("HTTP/1.1 413"), "{}", announce(&victim.path));
    assert!(announce(&unknown).starts_with("HTTP/1.1 404"), "{}", announce(&unknown));

    let growth = Growth::begin(env.daemon.id().unwrap());
    let is_over = AtomicBool::new(false);
    let (answers, accepted) = scope(|scope| {
        let honest = scope.spawn(|| {
            let mut connection = Connection::open(PORT).unwrap();
            let mut accepted = 0;
            while accepted == 0 || !is_over.load(Ordering::Relaxed) {
                // The same one again and again: the first is new, and the others repeat it.
                let reply = other.deliver(&mut connection, "one-of-the-other").unwrap();
                match reply.status {
                    200 | 202 => accepted += 1,
                    // Faster than a forge is.
                    429 => sleep(Duration::from_millis(200)),
                    status => panic!("{status}: {}", reply.text()),
                }
            }
            accepted
        });
        let mut attackers = Vec::new();
        for _ in 0..ATTACKERS {
            for path in [&victim.path, &unknown] {
                for is_announced in [true, false] {
                    attackers.push(scope.spawn(move || attack(path, is_announced)));
                }
            }
        }
        let ended: Vec<_> = attackers.into_iter().map(|attacker| attacker.join()).collect();
        // Also where one of them failed: the honest sender would go on for ever.
        is_over.store(true, Ordering::Relaxed);
        let answers: Vec<_> = ended.into_iter().map(Result::unwrap).collect();
        (answers, honest.join().unwrap())
    });
    let grown = growth.most();
    assert!(answers.iter().all(|answer| !answer.starts_with("HTTP/1.1 2")), "{answers:?}");
    assert!(accepted > 0);
    assert!(grown <= GROWTH, "the daemon grew by {grown} MiB");
    // Nothing of them is kept.
    let listed = env.daemon.windlass(&["--output", "json", "deliveries", "t-bodies"]).unwrap();
    assert_eq!((listed.code, listed.text.contains("\"hook\"")), (0, false), "{}", listed.text);
}
