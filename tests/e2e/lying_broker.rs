//! A broker that lies: each of its answers is one that no broker gives. Jobs and the other doors go on.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread::spawn,
    time::Duration,
};
use windlass_bed::{daemon::Config, layout::PASSWORD, process::await_that};
use windlass_tests::{TestEnv, bed, growth::Growth};

/// Answers to the first bytes of a client, by what is wrong with each. The last goes on for as long as the client reads.
static LIES: [(&str, &[u8]); 7] = [
    ("another version of the protocol", b"AMQP\x00\x00\x09\x00"),
    ("another protocol", b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"),
    ("an end at once", b""),
    ("a frame of an unknown type", b"\x07\x00\x00\x00\x00\x00\x00\xce"),
    ("a method without its arguments", b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0a\xce"),
    ("a frame without its end", b"\x01\x00\x00\x00\x00\x00\x04\x00\x0a\x00\x0a\x00"),
    ("a frame of 4 GiB", b"\x03\x00\x01\xff\xff\xff\xff"),
];

/// Bytes of the last lie that are sent at most.
const ENDLESS: usize = 256 << 20;

/// Time in which the daemon has heard all lies: its pauses double from a second on.
const HEARD: Duration = Duration::from_secs(240);

/// MiB by which the daemon may grow meanwhile.
const GROWTH: u64 = 48;

/// Starts the broker, and returns its port and the number of lies that it has sent.
fn liar() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    spawn(move || {
        for stream in listener.incoming().flatten() {
            let number = count.load(Ordering::Relaxed);
            // After the last, connections end at once.
            let Some((_, lie)) = LIES.get(number) else { continue };
            tell(stream, lie, number + 1 == LIES.len());
            count.store(number + 1, Ordering::Relaxed);
        }
    });
    (port, told)
}

fn tell(mut stream: TcpStream, lie: &[u8], is_endless: bool) {
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut greeting = [0; 8];
    if stream.read_exact(&mut greeting).is_err() || stream.write_all(lie).is_err() || !is_endless {
        return;
    }
    let zeros = vec![0_u8; 1 << 20];
    for _ in 0..ENDLESS / zeros.len() {
        if stream.write_all(&zeros).is_err() {
            return;
        }
    }
}

#[test]
fn a_broker_that_lies_stops_no_job_and_takes_no_memory() {
    let (port, told) = liar();
    let password = bed().layout.at("t-lies.password");
    fs::write(&password, PASSWORD).unwrap();
    let mut config = Config::of(bed()).unwrap();
    config.tables = format!(
        "[amqp]\nurl = \"amqp://127.0.0.1:{port}\"\nqueue = \"lies-jobs\"\ndead = \"lies-dead\"\n\
         results = \"lies-results\"\nprincipal = \"queue\"\nprojects = [\"t-lies\"]\nuser = \"bed\"\n\
         password-file = \"{}\"\n",
        password.display()
    );
    let env = TestEnv::with("t-lies", &config);
    env.runs_the_next_job();
    let growth = Growth::begin(env.daemon.id().unwrap());
    let all = || told.load(Ordering::Relaxed) == LIES.len();
    assert!(await_that(HEARD, all), "lie {}: {}", told.load(Ordering::Relaxed), env.daemon.log());
    let grown = growth.most();
    assert!(grown <= GROWTH, "the daemon grew by {grown} MiB");
    assert_eq!(env.daemon.windlass(&["jobs"]).unwrap().code, 0, "{}", env.daemon.log());
    let log = fs::read_to_string(env.daemon.config_file().with_file_name("windlassd.log")).unwrap();
    assert!(log.contains("the queue's broker is away"), "{log}");
}
