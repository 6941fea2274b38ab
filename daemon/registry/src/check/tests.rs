//! Registries that answer as they should, and others.

use super::*;
use std::{slice, sync::Mutex};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// A server on a port of its own, with all requests that it got.
struct Server {
    host: String,
    heads: Arc<Mutex<Vec<String>>>,
}

/// Answer to a request by its head. `None` never comes to an end: a byte now and then.
type Script = fn(&str, &str) -> Option<String>;

impl Server {
    async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let server = Self { host: host.clone(), heads: Arc::default() };
        let heads = server.heads.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (heads, host) = (heads.clone(), host.clone());
                tokio::spawn(async move { answer(stream, script, &host, &heads).await });
            }
        });
        server
    }

    /// Returns a checker that may ask this server.
    fn checker(&self) -> Checker {
        let private = ["127.0.0.0/8".to_owned()];
        let rules = Rules::parse(&["*".into()], &private, slice::from_ref(&self.host)).unwrap();
        Checker::new(Arc::new(rules), None)
    }

    async fn try_with(&self, credential: &Credential, action: Action) -> Result<(), Fault> {
        let path = Some("acme");
        let attempt = Attempt { host: &self.host, path, action, credential };
        self.checker().log_in(&attempt).await
    }

    async fn push(&self) -> Result<(), Fault> {
        self.try_with(&user("hunter22"), Action::Push).await
    }

    fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn answer(mut stream: TcpStream, script: Script, host: &str, heads: &Mutex<Vec<String>>) {
    let mut head = Vec::new();
    let mut piece = [0; 4096];
    while !head.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return,
            Ok(read) => head.extend_from_slice(&piece[..read]),
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    heads.lock().unwrap().push(head.clone());
    match script(&head, host) {
        // A client that has read enough closes.
        Some(answer) => {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        None => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await;
            while stream.write_all(b" ").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

fn user(password: &str) -> Credential {
    Credential::Basic("ci".into(), Secret::new(password.as_bytes().to_vec()))
}

fn http(status: &str, headers: &str, body: &str) -> Option<String> {
    let length = body.len();
    Some(format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}"))
}

fn wants_token(host: &str) -> Option<String> {
    let challenge = format!(
        "www-authenticate: Bearer realm=\"http://{host}/token?kind=x\",service=\"the registry\"\r\n"
    );
    http("401 Unauthorized", &challenge, "")
}

/// `ci:hunter22` in base64.
const LOGIN: &str = "Basic Y2k6aHVudGVyMjI=";

#[tokio::test]
async fn a_registry_with_users_takes_the_right_password_alone() {
    let server = Server::start(|head, _| {
        if head.contains(LOGIN) {
            return http("200 OK", "", "{}");
        }
        http("401 Unauthorized", "www-authenticate: Basic realm=\"bed\"\r\n", "")
    })
    .await;
    server.push().await.unwrap();
    let fault = server.try_with(&user("wrong"), Action::Pull).await.unwrap_err();
    assert!(fault.message.ends_with("refuses the login: 401"), "{fault}");
    let refresh = Credential::IdentityToken(Secret::new(b"refresh".to_vec()));
    let fault = server.try_with(&refresh, Action::Pull).await.unwrap_err();
    assert!(fault.message.contains("takes user and password"), "{fault}");
}

#[tokio::test]
async fn a_token_is_asked_for_with_the_right_that_is_needed() {
    let server = Server::start(|head, host| {
        if head.starts_with("GET /token?") {
            return if head.contains(LOGIN) {
                http("200 OK", "", "{\"token\":\"t0ken\",\"expires_in\":300}")
            } else {
                http("401 Unauthorized", "", "{\"token\":\"not this\"}")
            };
        }
        if head.starts_with("POST /token?kind=x ") {
            return http("200 OK", "", "{\"access_token\":\"t0ken\"}");
        }
        if head.contains("Bearer t0ken") {
            return http("200 OK", "", "{}");
        }
        wants_token(host)
    })
    .await;
    server.push().await.unwrap();
    let query = "GET /token?kind=x&service=the+registry&scope=repository%3Aacme%2Fwindlass-check%3Apull%2Cpush ";
    let heads = server.heads();
    assert!(heads[1].starts_with(query), "{}", heads[1]);
    assert!(!heads[0].to_lowercase().contains("authorization"), "{}", heads[0]);
    assert!(!heads[2].contains(LOGIN), "the registry itself gets the token alone");
    let fault = server.try_with(&user("wrong"), Action::Push).await.unwrap_err();
    assert!(
        fault.message.contains("answers 401 for `repository:acme/windlass-check:pull,push`"),
        "{fault}"
    );
    let refresh = Credential::IdentityToken(Secret::new(b"refresh".to_vec()));
    server.try_with(&refresh, Action::Pull).await.unwrap();
    let bearer = |token: &str| Credential::Bearer(Secret::new(token.as_bytes().to_vec()));
    server.try_with(&bearer("t0ken"), Action::Pull).await.unwrap();
    server.try_with(&bearer("other"), Action::Pull).await.unwrap_err();
    let fault = server.try_with(&bearer("a\r\nb: c"), Action::Pull).await.unwrap_err();
    assert!(fault.message.contains("characters that no request may have"), "{fault}");
}

#[tokio::test]
async fn a_right_that_is_missing_is_no_wrong_password() {
    let server = Server::start(|head, host| match head.starts_with("GET /token?") {
        true if head.contains(LOGIN) => http("403 Forbidden", "", ""),
        true => http("401 Unauthorized", "", ""),
        false => wants_token(host),
    })
    .await;
    assert_eq!(server.push().await.unwrap_err().fix, RIGHTS);
    let fault = server.try_with(&user("wrong"), Action::Push).await.unwrap_err();
    assert_eq!(fault.fix, ANOTHER);
}

#[tokio::test]
async fn what_is_no_registry_is_named() {
    let scripts: [(Script, &str); 8] = [
        (|_, _| http("200 OK", "", "hello"), "asks for no login"),
        (|_, _| http("404 Not Found", "", ""), "answers 404: it is no registry"),
        (|_, _| http("503 Busy", "", ""), "/v2/ answers 503"),
        (|_, _| http("401 No", "", ""), "without a challenge"),
        (|_, _| Some("SSH-2.0-OpenSSH_9.2\r\n\r\n".into()), "does not answer"),
        (
            |_, _| http("307 Go", "location: http://169.254.169.254/v2/\r\n", ""),
            "redirects to `http://169.254.169.254/v2/`, and redirects are not followed",
        ),
        (
            |head, host| {
                if head.starts_with("GET /token") {
                    return http("200 OK", "", "[\"hunter22\"]");
                }
                wants_token(host)
            },
            "answers with no token",
        ),
        (
            |head, host| {
                if head.starts_with("GET /token") {
                    let body = format!("{{\"token\":\"{}\"}}", "x".repeat(100_000));
                    return http("200 OK", "", &body);
                }
                wants_token(host)
            },
            "answers with no token",
        ),
    ];
    for (script, expected) in scripts {
        let fault = Server::start(script).await.push().await.unwrap_err();
        assert!(fault.message.contains(expected), "{expected}: {fault}");
        assert!(!fault.fix.is_empty() && !fault.message.contains("hunter22"), "{fault}");
    }
}

/// The token server gets the login, and it is the registry that names it.
#[tokio::test]
async fn a_token_server_is_public_and_reached_by_https() {
    let realm = |realm: &'static str| {
        let server = Server { host: "r.example".into(), heads: Arc::default() };
        server.checker().realm("r.example", realm)
    };
    realm("https://auth.example/token").unwrap();
    // The operator named this host.
    realm("http://r.example/token").unwrap();
    for bad in [
        "http://auth.example/token",
        "https://user:word@auth.example/",
        "ftp://auth.example/",
        "file:///etc/passwd",
        "not a url",
        "",
    ] {
        let fault = realm(bad).unwrap_err();
        assert!(fault.message.contains("as its token server"), "{bad}: {fault}");
    }
    let server = Server::start(|_, _| {
        let realm = "www-authenticate: Bearer realm=\"https://10.255.255.1/token\"\r\n";
        http("401 Unauthorized", realm, "")
    })
    .await;
    let fault = server.push().await.unwrap_err();
    assert!(fault.message.starts_with("10.255.255.1 is 10.255.255.1, which is not"), "{fault}");
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn an_address_that_is_not_allowed_gets_no_request() {
    let server = Server::start(|_, _| http("200 OK", "", "")).await;
    let rules = Rules::parse(&["*".into()], &[], slice::from_ref(&server.host)).unwrap();
    let checker = Checker::new(Arc::new(rules), None);
    let credential = user("hunter22");
    let attempt =
        Attempt { host: &server.host, path: None, action: Action::Pull, credential: &credential };
    let fault = checker.log_in(&attempt).await.unwrap_err();
    assert!(fault.fix.contains("own-registries.private-addresses"), "{}", fault.fix);
    assert!(server.heads().is_empty());
}

#[tokio::test]
async fn a_registry_without_tls_gets_no_login() {
    let server = Server::start(|_, _| http("400 Bad Request", "", "")).await;
    // A server of HTTP answers the greeting of TLS in clear, as many do.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = plain.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        let mut greeting = [0; 512];
        let _ = stream.read(&mut greeting).await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        std::future::pending::<()>().await;
    });
    let credential = user("hunter22");
    let attempt =
        Attempt { host: &host, path: None, action: Action::Pull, credential: &credential };
    let fault = server.checker().log_in(&attempt).await.unwrap_err();
    assert!(fault.message.contains("answers without TLS"), "{fault}");
    assert!(fault.fix.contains("own-registries.plain-http"), "{}", fault.fix);
}

#[tokio::test]
async fn a_registry_that_drips_ends_the_check() {
    let server = Server::start(|_, _| None).await;
    let checker = Checker { limit: Duration::from_millis(300), ..server.checker() };
    let credential = user("hunter22");
    let attempt =
        Attempt { host: &server.host, path: None, action: Action::Pull, credential: &credential };
    let fault = checker.log_in(&attempt).await.unwrap_err();
    assert!(fault.message.contains("has not answered within"), "{fault}");
}
