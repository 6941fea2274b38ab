//! Login links: whoever calls with a token opens the page as that token, once, and nobody else does.

use serde_json::Value;
use std::{
    io::{Read, Write},
    net::TcpStream,
};
use windlass_bed::daemon::{Answer, Config};
use windlass_tests::{TestEnv, bed, hash_of};

const PORT: u16 = 21_330;

const OWNER: &str = "1b9e4a7c2d5f8063e1a4c7d0b3f69285";
const READER: &str = "8063e1a4c7d0b3f692851b9e4a7c2d5f";

/// Sends a code as the page does, and returns the answer.
fn log_in(code: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
    let body = format!("{{\"code\":\"{code}\"}}");
    write!(
        stream,
        "POST /login HTTP/1.1\r\nhost: 127.0.0.1:{PORT}\r\norigin: http://127.0.0.1:{PORT}\r\n\
         content-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer
}

#[test]
fn a_login_link_opens_one_session_of_the_token_that_asked() {
    let mut config = Config::of(bed()).unwrap();
    config.more = format!(
        "listen = {{ tcp = \"127.0.0.1:{PORT}\" }}\nprincipals = [\n\
         {{ name = \"owner\", token-sha256 = \"{}\", projects = [\"*\"], verbs = [\"read\", \"deploy\"] }},\n\
         {{ name = \"reader\", token-sha256 = \"{}\", projects = [\"shop\"], verbs = [\"read\"] }},\n]\n",
        hash_of(OWNER),
        hash_of(READER),
    );
    let env = TestEnv::with("t-login-links", &config);
    let address = format!("http://127.0.0.1:{PORT}");
    let ask = |token: &str, more: &[&str]| -> Answer {
        let args = [&["--address", &address, "--token", token][..], more].concat();
        env.daemon.windlass(&args).unwrap()
    };
    let link = |token: &str| -> Value {
        let answer = ask(token, &["--output", "json", "dashboard"]);
        assert_eq!(answer.code, 0, "{}", answer.text);
        serde_json::from_str(answer.text.trim()).unwrap()
    };

    // A link is of the token that asked, and of no other.
    for (token, name) in [(READER, "reader"), (OWNER, "owner")] {
        let link = link(token);
        assert_eq!(link["principal"], name, "{link}");
        let url = link["url"].as_str().unwrap();
        let code = url.strip_prefix(&format!("{address}/login?code=")).unwrap();
        let entered = log_in(code);
        assert!(entered.starts_with("HTTP/1.1 200"), "{entered}");
        assert!(entered.ends_with(&format!("{{\"name\":\"{name}\"}}")), "{entered}");
        let cookie = entered.lines().find(|line| line.starts_with("set-cookie:")).unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        // Used, it opens nothing any more, and nothing of it is kept.
        let again = log_in(code);
        assert!(again.starts_with("HTTP/1.1 401") && again.contains("was used"), "{again}");
        env.keeps_nothing_of(code);
    }

    // People get the link as a line of its own.
    let answer = ask(READER, &["dashboard"]);
    assert_eq!(answer.code, 0, "{}", answer.text);
    let first = answer.text.lines().next().unwrap();
    assert!(first.starts_with(&format!("{address}/login?code=")), "{}", answer.text);
    assert!(answer.text.contains("the page as reader, once"), "{}", answer.text);

    // Nobody without a token of the daemon's gets one, and a user of the socket has none.
    let answer = ask("a token of nobody, which is long enough", &["dashboard"]);
    assert!(answer.code != 0 && !answer.text.contains("/login?code="), "{}", answer.text);
    let answer = env.daemon.windlass(&["dashboard"]).unwrap();
    assert_eq!(answer.code, 2, "{}", answer.text);
    for part in ["has shown no token", "code: no-token", "fix:"] {
        assert!(answer.text.contains(part), "{part}: {}", answer.text);
    }
}
