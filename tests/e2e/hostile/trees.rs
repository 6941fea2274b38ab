//! Trees and transfers beyond their limits: refused by name, before or while they are written.

use std::{
    io::Write,
    net::{TcpListener, TcpStream},
    thread::{self, sleep},
    time::Duration,
};
use windlass_bed::{Repository, daemon::Config};
use windlass_tests::{TestEnv, bed};

/// Returns text that no compression makes much shorter than half.
fn noise(length: usize) -> String {
    let mut state = 88_172_645_463_325_252_u64;
    let digits = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b"0123456789abcdef"[usize::try_from(state % 16).unwrap()])
    });
    digits.take(length).collect()
}

#[test]
fn a_tree_beyond_a_limit_is_refused_by_the_name_of_the_limit() {
    let mut config = Config::of(bed()).unwrap();
    config.tables = "[checkout]\nmax-files = 12\nmax-bytes = 1000000\nmax-depth = 4\n\
                     max-transfer = 300000\n"
        .into();
    let env = TestEnv::with("t-trees", &config);
    let many: Vec<(String, String)> = (0..13).map(|n| (format!("{n}"), "x".into())).collect();
    // One object of 400 kB, which the pack holds once, and the tree three times.
    let large = "a".repeat(400_000);
    for (name, files, key) in [
        ("many", many, "checkout.max-files"),
        ("deep", vec![("a/b/c/d/e/f".into(), "x".into())], "checkout.max-depth"),
        (
            "large",
            ["one", "two", "three"].map(|name| (name.to_owned(), large.clone())).into(),
            "checkout.max-bytes",
        ),
        ("long", vec![("noise".into(), noise(900_000))], "checkout.max-transfer"),
    ] {
        let repository = Repository::new(&bed().layout, &format!("t-trees-{name}"), true).unwrap();
        for (path, text) in &files {
            repository.write(path, text).unwrap();
        }
        repository.commit("beyond").unwrap();
        let answer =
            env.daemon.windlass(&["plan", "t-trees/app", "--repository", repository.url()]);
        let text = answer.unwrap().text;
        assert!(text.contains("tree-refused") && text.contains(key), "{name}: {text}");
    }
}

/// Begins a list of refs, and sends a byte of it now and then.
fn drip(mut stream: TcpStream) {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-advertisement\r\n\
                content-length: 100000\r\n\r\n001e# service=git-upload-pack\n0000f000";
    let mut sent = stream.write_all(head.as_bytes());
    while sent.is_ok() {
        sleep(Duration::from_millis(100));
        sent = stream.write_all(b"a");
    }
}

/// Each byte is a sign of life. The whole has an end all the same: a checkout's place is taken as long.
#[test]
fn a_server_that_drips_is_refused_by_the_name_of_the_limit() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    thread::spawn(move || {
        for stream in server.incoming() {
            thread::spawn(move || drip(stream.unwrap()));
        }
    });
    let mut config = Config::of(bed()).unwrap();
    config.egress = [address.to_string()].into();
    config.tables = "[checkout]\nmax-seconds = 2\n".into();
    let env = TestEnv::with("t-drips", &config);
    let commit = "0123456789012345678901234567890123456789";
    let url = format!("http://{address}/x.git");
    let args = ["plan", "t-drips/app", "--revision", commit, "--repository", &url];
    let text = env.daemon.windlass(&args).unwrap().text;
    assert!(text.contains("tree-refused") && text.contains("checkout.max-seconds"), "{text}");
}
