//! Texts of others reach a terminal as text, and secrets reach none: however a tool wraps and encodes them.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    thread,
};
use windlass_tests::{SMALL, TestEnv, run_of_tests};

/// A window title, a cleared screen, a false success, and text from right to left.
const ERROR: &str =
    "\u{1b}]0;OWNED\u{7}\u{1b}[2J\u{1b}[1;32mSUCCEEDED: all is well\u{9b}0m\u{202e}lla";

/// Prints what a terminal would obey, then secrets in several forms, and fails.
const PRINTER: &str = r#"
import base64, pathlib, sys
secrets = pathlib.Path("/run/secrets")
token = (secrets / "token").read_bytes()
first, second = [(secrets / name).read_bytes() for name in ("first", "second")]
out = sys.stdout.buffer
def show(name, *pieces):
    for piece in [f"begin {name}\n".encode(), *pieces, f"\nend {name}\n".encode()]:
        out.write(piece)
        out.flush()
def lines(text, width):
    return [(text[at:at + width] + "\n").encode() for at in range(0, len(text), width)]
show("controls", b"\x1b]52;c;cm0gLXJmIC8=\x07copied \x1b[2J\xe2\x80\xae bidi \xc2\x9b2J csi")
show("split", token[:11], token[11:40], token[40:])
show("colored", token[:9], b"\x1b[31m", token[9:])
show("base64", *lines(base64.b64encode(b"user:" + token).decode(), 76))
show("crlf", base64.b64encode(token)[:76], b"\r\n", base64.b64encode(token)[76:])
show("urlsafe", base64.urlsafe_b64encode(token))
show("hex", token.hex().encode())
show("pairs", token.hex(":").upper().encode())
show("part", first[1000:1100])
show("large", *lines(base64.b64encode(second[:600]).decode(), 64))
sys.exit(7)
"#;

/// Returns letters and digits without a pattern.
fn noise(length: usize, seed: u64) -> String {
    let mut state = seed;
    let characters = std::iter::repeat_with(|| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(u8::try_from((state >> 33) % 128).unwrap())
    });
    characters.filter(char::is_ascii_alphanumeric).take(length).collect()
}

/// Returns the characters that a terminal would obey. The client's own output has none: it is no terminal's.
fn obeyed(text: &str) -> String {
    let is_obeyed = |c: &char| {
        (c.is_control() && !matches!(c, '\n' | '\t'))
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(is_obeyed).collect()
}

/// Starts a git server that refuses everything in these words, and returns its port.
fn refusing(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { continue };
            let mut request = [0; 1024];
            let _ = stream.read(&mut request);
            let line = format!("ERR {words}");
            let _ = write!(stream, "{:04x}{line}", line.len() + 4);
        }
    });
    port
}

#[test]
fn a_git_server_cannot_drive_the_terminal() {
    let mut env = TestEnv::new("t-hostile-words");
    let port = refusing(ERROR);
    let file = env.daemon.config_file();
    let config = fs::read_to_string(&file).unwrap();
    let allowed = format!("\"127.0.0.1:9\", \"127.0.0.1:{port}\"");
    fs::write(&file, config.replace("\"127.0.0.1:9\"", &allowed)).unwrap();
    env.daemon.restart().unwrap();
    let url = format!("git://127.0.0.1:{port}/x.git");
    let commit = "0123456789012345678901234567890123456789";
    let app = format!("{}/app", env.name);
    for command in ["plan", "submit"] {
        let args = [command, &*app, "--repository", &url, "--revision", commit];
        let answer = env.daemon.windlass(&args).unwrap();
        assert_ne!(answer.code, 0, "{}", answer.text);
        assert_eq!(obeyed(&answer.text), "", "{command}: {:?}", answer.text);
        assert!(answer.text.contains("\\u{1b}]0;OWNED\\u{7}"), "{command}: {}", answer.text);
        assert!(!answer.text.contains("\nSUCCEEDED"), "{command}: {}", answer.text);
    }
    let ended = env.submit("app", &url, &["--revision", commit]);
    assert_eq!(obeyed(&ended.text), "", "{:?}", ended.text);
    // What another client reads is clean too.
    let shown = ended.diagnosis.to_string();
    assert!(shown.contains("u{1b}]0;OWNED") && !shown.contains("\\u001b"), "{shown}");
}

/// Returns the most memory that a process has had, in KiB.
fn most_memory(id: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Two of the largest secrets in one job, too: they cost memory in proportion.
#[test]
fn a_build_shows_no_secret_and_cannot_drive_the_terminal() {
    let env = TestEnv::new("t-hostile-prints");
    let token = noise(90, 1);
    env.daemon.put_secret(env.name, "token", &token).unwrap();
    let large = [noise(256 << 10, 2), noise(256 << 10, 3)];
    env.daemon.put_secret(env.name, "first", &large[0]).unwrap();
    env.daemon.put_secret(env.name, "second", &large[1]).unwrap();
    let repository = env.repository();
    let run = run_of_tests();
    let mounts = ["token", "first", "second"].map(|id| format!("--mount=type=secret,id={id}"));
    let dockerfile = format!(
        "FROM python:3.11-slim\nENV RUN_OF_TESTS={run}\nCOPY print.py /\n\
         RUN {} : '\u{1b}]0;step\u{7}\u{202e}' && python3 /print.py\n",
        mounts.join(" "),
    );
    repository.write("Dockerfile", &dockerfile).unwrap();
    repository.write("print.py", PRINTER).unwrap();
    let secrets = "[build]\nsecrets = [\"token\", \"first\", \"second\"]\n";
    repository.write("windlass.toml", &format!("{SMALL}{secrets}")).unwrap();
    repository.commit("print \u{1b}]0;commit\u{7} all").unwrap();

    let daemon = env.daemon.id().unwrap();
    let before = most_memory(daemon);
    let app = format!("{}/app", env.name);
    let args = ["submit", &*app, "--repository", repository.url(), "--events", "--verbose"];
    let answer = env.daemon.windlass(&args).unwrap();
    let more = most_memory(daemon).saturating_sub(before) >> 10;
    assert!(more < 60, "{more} MiB more for two secrets of 256 KiB");
    assert_eq!(answer.code, 1, "{}", answer.text);
    assert!(answer.text.contains("build-step-failed"), "{}", answer.text);
    assert_eq!(obeyed(&answer.text), "", "{:?}", answer.text);
    assert!(answer.text.contains("copied"), "{}", answer.text);

    let printed: Vec<&str> =
        answer.text.lines().filter_map(|line| line.split("| ").nth(1)).collect();
    for form in ["split", "colored", "base64", "crlf", "urlsafe", "hex", "pairs", "part", "large"] {
        let begin = printed.iter().position(|line| *line == format!("begin {form}"));
        let end = printed.iter().position(|line| *line == format!("end {form}"));
        let (Some(begin), Some(end)) = (begin, end) else {
            panic!("{form} is not in the log: {}", answer.text);
        };
        let shown = printed[begin + 1..end].join("\n");
        // `user:` in base64 and padding may stay.
        let left = shown.replace("***", "").replace(['\n', '='], "");
        assert!(shown.contains("***") && left.len() <= 8, "{form}: {shown}");
    }
    for secret in [&token, &large[0][1000..1100].to_owned()] {
        assert!(!answer.text.contains(secret.as_str()), "{}", answer.text);
        env.keeps_nothing_of(secret);
    }
}
