use super::*;
use crate::{egress::Egress, network::Network, sockets::fake::Fake};
use std::{net::SocketAddr, sync::Arc};

/// The servers of these tests, all named by the operator, on the net of a company.
const HOME: &str = "10.0.0.1";
const OTHER: &str = "10.0.0.2";

const REFS_ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-advertisement\r\ncontent-length: 4\r\n\r\n0000";
const PACK_ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/x-git-upload-pack-result\r\ncontent-length: 4\r\n\r\n0000";
const LOGIN: &str =
    "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 301 Moved Permanently\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

fn client(
    home: &str,
    answers: impl Fn(SocketAddr, &str) -> String + Send + Sync + 'static,
) -> (Client, Fake, Url) {
    let fake = Fake::new(|_, _| Vec::new(), answers);
    let allow = [HOME, OTHER, "127.0.0.1:80"].map(String::from).into();
    let egress = Egress { allow, ca: None };
    let network = Network::new(egress, Box::new(fake.clone())).unwrap();
    let url = Url::parse(home).unwrap();
    let login = Login { user: "me".into(), token: "t0ken".into() };
    let servers = Servers::new(Arc::new(network));
    (Client::new(servers, url.clone(), Some(login)), fake, url)
}

fn logins(fake: &Fake) -> Vec<SocketAddr> {
    let seen = fake.seen.lock().unwrap();
    let with = seen.requests.iter().filter(|(_, head)| head.contains("authorization: Basic"));
    with.map(|(address, _)| *address).collect()
}

async fn all(mut body: Body) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Some(more) = body.chunk().await.unwrap() {
        bytes.extend_from_slice(&more);
    }
    bytes
}

fn asks(_: SocketAddr, head: &str) -> String {
    let has_login = head.contains("authorization: Basic bWU6dDBrZW4=");
    if has_login { REFS_ANSWER.into() } else { LOGIN.into() }
}

/// Loopback is no wire: the token stays within this machine.
#[tokio::test]
async fn a_token_is_sent_where_nobody_listens() {
    let (mut client, fake, url) = client("http://127.0.0.1/a.git", asks);
    assert_eq!(all(client.refs(&url, false).await.unwrap()).await, b"0000");
    assert_eq!(logins(&fake).len(), 1);

    let (mut client, fake, url) = self::client("http://10.0.0.1/a.git", asks);
    let Err(error) = client.refs(&url, false).await else { panic!("the token was sent") };
    let FetchError::Address { url, message } = error else { panic!("{error:?}") };
    assert_eq!(url, "http://10.0.0.1/a.git");
    assert!(message.contains("only sent over https"), "{message}");
    assert!(logins(&fake).is_empty());
}

/// A server that asks for no login gets none, and both requests have one connection.
#[tokio::test]
async fn refs_and_packs_share_a_connection() {
    let (mut client, fake, url) = client("http://10.0.0.1/a.git", |_, head| {
        let is_refs = head.starts_with("GET /a.git/info/refs?service=git-upload-pack HTTP/1.1\r\n");
        if is_refs { REFS_ANSWER.into() } else { PACK_ANSWER.into() }
    });
    assert_eq!(all(client.refs(&url, false).await.unwrap()).await, b"0000");
    assert_eq!(all(client.pack(&url, Bytes::new(), true).await.unwrap()).await, b"0000");
    assert!(logins(&fake).is_empty());
    let seen = fake.seen.lock().unwrap();
    assert_eq!((seen.dialled.len(), seen.requests.len()), (1, 2));
    let (_, second) = &seen.requests[1];
    assert!(second.starts_with("POST /a.git/git-upload-pack HTTP/1.1\r\n"), "{second}");
    assert!(second.contains("host: 10.0.0.1\r\n"), "{second}");
    assert!(second.contains("git-protocol: version=2\r\n"), "{second}");
}

#[tokio::test]
async fn a_redirect_is_checked_and_gets_no_login() {
    let other = "http://10.0.0.2/b.git/info/refs?service=git-upload-pack";
    let (mut client, fake, url) = client("http://10.0.0.1/a.git", move |address, _| {
        if address.ip().to_string() == HOME { redirect(other) } else { LOGIN.into() }
    });
    let Err(error) = client.refs(&url, false).await else { panic!("it has no login") };
    assert!(matches!(&error, FetchError::Denied(why) if why.contains("10.0.0.2")), "{error:?}");
    assert!(logins(&fake).is_empty());

    for (location, expected) in [
        ("http://10.0.0.3/x/info/refs?service=git-upload-pack", "only https"),
        ("https://10.0.0.3/x/info/refs?service=git-upload-pack", "private address"),
        ("https://1.1.1.1@10.0.0.3/x/info/refs?service=git-upload-pack", "login"),
        ("http://10.0.0.2/latest/meta-data", "no address of the same request"),
        ("/a.git/info/refs?service=git-upload-pack", "more than 5 times"),
    ] {
        let (mut client, fake, url) =
            self::client("http://10.0.0.1/a.git", move |_, _| redirect(location));
        let Err(error) = client.refs(&url, false).await else { panic!("{location}") };
        assert!(error.sentence().contains(expected), "{location}: {error:?}");
        let seen = fake.seen.lock().unwrap();
        assert!(seen.dialled.iter().all(|address| address.ip().to_string() == HOME), "{location}");
    }
}

/// Later requests go where the first was led.
#[tokio::test]
async fn a_pack_comes_from_where_the_refs_came_from() {
    let other = "http://10.0.0.2/b/info/refs?service=git-upload-pack";
    let (mut client, fake, url) = client("http://10.0.0.1/a.git", move |address, head| {
        match (address.ip().to_string() == HOME, head.starts_with("GET")) {
            (true, _) => redirect(other),
            (false, true) => REFS_ANSWER.into(),
            (false, false) => PACK_ANSWER.into(),
        }
    });
    all(client.refs(&url, false).await.unwrap()).await;
    all(client.pack(&url, Bytes::new(), false).await.unwrap()).await;
    let seen = fake.seen.lock().unwrap();
    let servers: Vec<_> = seen.requests.iter().map(|(at, _)| at.ip().to_string()).collect();
    assert_eq!(servers, [HOME, OTHER, OTHER]);
}

#[tokio::test]
async fn answers_that_are_no_refs_say_what_they_are() {
    for (answer, expected) in [
        ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "no such repository"),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n", "502"),
        ("HTTP/1.1 418 I'm a teapot\r\ncontent-length: 0\r\n\r\n", "418"),
        ("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 0\r\n\r\n", "text/html"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "invalid HTTP"),
    ] {
        let (mut client, _, url) = client("http://10.0.0.1/a.git", move |_, _| answer.into());
        let Err(error) = client.refs(&url, false).await else { panic!("{answer}") };
        assert!(error.sentence().contains(expected), "{answer}: {error:?}");
    }
}

#[test]
fn a_redirect_leads_to_the_same_request_or_nowhere() {
    let from = Url::parse("https://h/a/b.git").unwrap();
    for (location, expected) in [
        ("/c/d.git/info/refs?service=git-upload-pack", Some("https://h/c/d.git")),
        ("https://o:8443/x/info/refs?service=git-upload-pack", Some("https://o:8443/x")),
        ("../../c/info/refs?service=git-upload-pack", Some("https://h/a/c")),
        ("http://h/a/b.git/info/refs?service=git-upload-pack", None),
        ("file:///etc/info/refs?service=git-upload-pack", None),
        ("https://h/metadata", None),
        ("https://h/a/info/refs", None),
        ("", None),
    ] {
        let next = redirected(&from, location).ok().map(String::from);
        assert_eq!(next.as_deref(), expected, "{location}");
    }
    let error = redirected(&from, "https://me:pass@h/sign_in?ticket=t0ken").unwrap_err();
    let FetchError::Address { url, message } = error else { panic!("{error:?}") };
    assert_eq!(url, "https://h/a/b.git");
    assert!(message.starts_with("redirects to `https://***@h/sign_in?***`, "), "{message}");
}

#[test]
fn the_first_line_of_gits_own_protocol() {
    let url = Url::parse("git://h/shop/web.git").unwrap();
    assert_eq!(opening(&url, false), "002egit-upload-pack /shop/web.git\0host=h:9418\0");
    assert!(opening(&url, true).ends_with("\0host=h:9418\0\0version=2\0"));
}
