//! Registries that delete, and others.

use super::*;
use crate::rules::Rules;
use std::{
    slice,
    sync::{Arc, Mutex},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use windlass_model::secret::Secret;

const DIGEST: &str = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// `ci:hunter22` in base64.
const LOGIN: &str = "Basic Y2k6aHVudGVyMjI=";

/// Status and headers of an answer to a request by its head, and by the host.
type Script = fn(&str, &str) -> (&'static str, String, &'static str);

/// Deletes the image of `acme/web` at a registry of this script, and returns the answer with the heads of all requests.
async fn delete(script: Script, with_login: bool) -> (Result<Deleted, Fault>, Vec<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let (seen, own) = (heads.clone(), host.clone());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            let mut piece = [0; 4096];
            while !head.windows(4).any(|window| window == b"\r\n\r\n") {
                match stream.read(&mut piece).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => head.extend_from_slice(&piece[..read]),
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let (status, headers, body) = script(&head, &own);
            seen.lock().unwrap().push(head);
            let length = body.len();
            let answer =
                format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    let private = ["127.0.0.0/8".to_owned()];
    let rules = Rules::parse(&["*".into()], &private, slice::from_ref(&host)).unwrap();
    let credential = Credential::Basic("ci".into(), Secret::new(b"hunter22".to_vec()));
    let credential = with_login.then_some(&credential);
    let deletion = Deletion { host: &host, repository: "acme/web", digest: DIGEST, credential };
    let deleted = Checker::new(Arc::new(rules), None).delete(&deletion).await;
    let heads = heads.lock().unwrap().clone();
    (deleted, heads)
}

fn plain(status: &'static str) -> (&'static str, String, &'static str) {
    (status, String::new(), "")
}

#[tokio::test]
async fn an_open_registry_deletes_without_a_login() {
    let (deleted, heads) = delete(|_, _| plain("202 Accepted"), false).await;
    assert_eq!(deleted.unwrap(), Deleted::Deleted);
    let line = format!("DELETE /v2/acme/web/manifests/{DIGEST} HTTP/1.1");
    assert!(heads.len() == 1 && heads[0].starts_with(&line), "{heads:?}");
}

#[tokio::test]
async fn a_login_is_used_where_the_registry_asks_for_one() {
    let basic: Script = |head, _| {
        if head.contains(LOGIN) {
            return plain("202 Accepted");
        }
        ("401 Unauthorized", "www-authenticate: Basic realm=\"bed\"\r\n".into(), "")
    };
    let (deleted, heads) = delete(basic, true).await;
    assert_eq!(deleted.unwrap(), Deleted::Deleted);
    assert_eq!(heads.len(), 2);
    let (deleted, _) = delete(basic, false).await;
    let fault = deleted.unwrap_err();
    assert!(fault.message.contains("answers 401 to the deletion of `acme/web@"), "{fault}");
    let (deleted, heads) = delete(
        |head, host| {
            if head.starts_with("GET /token?") {
                return ("200 OK", String::new(), "{\"token\":\"t0ken\"}");
            }
            if head.contains("Bearer t0ken") {
                return plain("202 Accepted");
            }
            let realm = format!("www-authenticate: Bearer realm=\"http://{host}/token\"\r\n");
            ("401 Unauthorized", realm, "")
        },
        true,
    )
    .await;
    assert_eq!(deleted.unwrap(), Deleted::Deleted);
    assert!(heads[1].contains("scope=repository%3Aacme%2Fweb%3Adelete "), "{}", heads[1]);
}

#[tokio::test]
async fn what_is_not_there_and_what_the_registry_does_not_allow_are_answers() {
    assert_eq!(delete(|_, _| plain("404 Not Found"), true).await.0.unwrap(), Deleted::Absent);
    let (deleted, _) = delete(|_, _| plain("405 Method Not Allowed"), true).await;
    assert_eq!(deleted.unwrap(), Deleted::NotAllowed);
    for status in ["500 Oops", "403 Forbidden", "302 Found", "429 Slow Down"] {
        let script: Script = match status {
            "500 Oops" => |_, _| plain("500 Oops"),
            "403 Forbidden" => |_, _| plain("403 Forbidden"),
            "302 Found" => |_, _| plain("302 Found"),
            _ => |_, _| plain("429 Slow Down"),
        };
        assert!(delete(script, true).await.0.is_err(), "{status}");
    }
}

#[test]
fn only_a_repository_and_a_digest_make_a_request() {
    for repository in ["acme/web", "a.b/c_d/e-f", "w"] {
        assert!(is_repository(repository), "{repository}");
    }
    for other in ["", "/", "a//b", "../x", "a/..", "A/b", "a?b", "a b", "a:b"] {
        assert!(!is_repository(other), "{other}");
    }
    assert!(is_digest(DIGEST));
    for other in ["", "latest", "sha256:aa", "sha512:aa", &DIGEST.to_uppercase()] {
        assert!(!is_digest(other), "{other}");
    }
}
