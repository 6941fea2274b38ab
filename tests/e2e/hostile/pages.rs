//! Pages that ask for a long log again and again, and read nothing.

use std::{
    io::{Read, Write},
    net::TcpStream,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::daemon::Config;
use windlass_tests::{TestEnv, bed, dockerfile, growth::Growth, hash_of};

const PORT: u16 = 21_794;
const TOKEN: &str = "6a79880f1e2d3c4b5a69781f2e3d4c5b";

/// Pages, each of which may let 1 MiB wait.
const PAGES: usize = 8;

/// Times that each asks for the whole log, which has more than the kernel keeps for a peer: some 13 MiB.
const ASKED: usize = 4;

/// Lines of the log.
const LINES: usize = 100_000;

/// MiB by which the daemon may grow: the room of each page, and what is read of the journal for it.
const GROWTH: u64 = 48;

/// Time after which no page that reads nothing is left: the daemon gives the writing of one message 45 s.
const LEFT: Duration = Duration::from_secs(120);

/// A page's live connection, without a reader.
struct Deaf(TcpStream);

impl Deaf {
    fn open() -> Self {
        let mut stream = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
        let head = format!(
            "GET /api/live HTTP/1.1\r\nhost: 127.0.0.1:{PORT}\r\norigin: http://127.0.0.1:{PORT}\r\n\
             connection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: windlass.v1\r\n\
             authorization: Bearer {TOKEN}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let (mut answer, mut byte) = (Vec::new(), [0]);
        while !answer.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            answer.push(byte[0]);
        }
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 101"), "{answer}");
        stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
        Self(stream)
    }

    /// Sends a message, and returns whether the connection is still open.
    fn say(&mut self, text: &str) -> bool {
        let length = u8::try_from(text.len()).unwrap();
        assert!(length < 126, "a longer one has its length elsewhere");
        // A whole message of text, masked with zeros.
        let frame = [&[0x81, 0x80 | length, 0, 0, 0, 0][..], text.as_bytes()].concat();
        self.0.write_all(&frame).is_ok()
    }
}

#[test]
fn pages_that_never_read_take_their_room_and_are_left() {
    let mut config = Config::of(bed()).unwrap();
    config.more = format!(
        "listen = {{ tcp = \"127.0.0.1:{PORT}\" }}\nlogs = {{ stage-lines = 200000 }}\n\
         principals = [{{ name = \"reader\", token-sha256 = \"{}\", projects = [\"t-deaf\"], verbs = [\"read\"] }}]\n",
        hash_of(TOKEN)
    );
    let env = TestEnv::with("t-deaf", &config);
    let repository = env.small_app();
    // Slowly enough that the builder clips none, and together below the 2 MiB at which it clips.
    let step = format!(
        "RUN i=0; while [ $i -lt {LINES} ]; do seq -f 'line %.0f of it' $((i+1)) $((i+500)); i=$((i+500)); \
         sleep 0.15; done; exit 3\n"
    );
    let text = format!("{}{step}", dockerfile().replace("USER 10001\n", ""));
    repository.write("Dockerfile", &text).unwrap();
    repository.commit("long").unwrap();
    let job = env.submit("app", repository.url(), &["--no-test"]);
    assert_eq!(job.outcome, "failed", "{}", job.text);

    let growth = Growth::begin(env.daemon.id().unwrap());
    let mut pages: Vec<_> = (0..PAGES).map(|_| Deaf::open()).collect();
    let ask = format!("{{\"sub\":\"job/{}\",\"after\":0}}", job.id);
    for _ in 0..ASKED {
        for page in &mut pages {
            page.say(&ask);
        }
        // The daemon writes until nothing more fits, which nobody but it knows.
        sleep(Duration::from_secs(1));
    }
    // Others are served meanwhile.
    let answer = env.daemon.windlass(&["jobs", "--project", "t-deaf"]).unwrap();
    assert_eq!(answer.code, 0, "{}", answer.text);
    let began = Instant::now();
    loop {
        // A connection that the daemon has left takes no more bytes.
        pages.retain_mut(|page| page.say("{\"unsub\":\"jobs\"}"));
        if pages.is_empty() {
            break;
        }
        assert!(began.elapsed() < LEFT, "{} pages are still open", pages.len());
        sleep(Duration::from_millis(500));
    }
    let grown = growth.most();
    assert!(grown <= GROWTH, "the daemon grew by {grown} MiB");
}
