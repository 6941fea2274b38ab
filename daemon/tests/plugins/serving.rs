//! A server for plugins, which behaves as the path of a request says.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// Serves until the runtime ends. `/echo` answers with the request as it came, `/redirect` with a
/// way to itself, `/drip` a byte every 100 ms, `/endless` without end, `/headers` more of them than
/// anybody wants, `/skew` as AWS answers a signature that is an hour off.
pub(crate) async fn serve() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    });
    address
}

async fn answer(mut stream: TcpStream) -> Option<()> {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&request) {
        let read = stream.read(&mut piece).await.ok().filter(|read| *read > 0)?;
        request.extend_from_slice(&piece[..read]);
    }
    let text = String::from_utf8_lossy(&request).into_owned();
    let path = text.split(' ').nth(1)?.split('?').next()?.to_owned();
    let head = |status: &str, more: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\n{more}content-length: {length}\r\nconnection: close\r\n\r\n")
    };
    match &*path {
        "/echo" => {
            let head = head("200 OK", &format!("x-echo: {}\r\n", header(&text)), text.len());
            stream.write_all((head + &text).as_bytes()).await.ok()?;
        }
        "/redirect" => {
            let head = head("302 Found", "location: http://169.254.169.254/\r\n", 0);
            stream.write_all(head.as_bytes()).await.ok()?;
        }
        "/drip" => {
            stream.write_all(head("200 OK", "", 1_000_000).as_bytes()).await.ok()?;
            loop {
                stream.write_all(b".").await.ok()?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await.ok()?;
            loop {
                stream.write_all(&[b'x'; 65536]).await.ok()?;
            }
        }
        "/headers" => {
            let more: String = (0..5_000).map(|n| format!("x-{n}: {n}\r\n")).collect();
            stream.write_all(head("200 OK", &more, 0).as_bytes()).await.ok()?;
        }
        "/skew" => {
            let body = "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>no</Message></Error></ErrorResponse>";
            let head = head("403 Forbidden", "date: Sun, 22 Nov 2020 17:00:00 GMT\r\n", body.len());
            stream.write_all((head + body).as_bytes()).await.ok()?;
        }
        _ => stream.write_all(head("404 Not Found", "", 0).as_bytes()).await.ok()?,
    }
    stream.flush().await.ok()
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

/// Returns the value of the header that carries a secret, to be sent back in a header.
fn header(text: &str) -> &str {
    text.lines().find_map(|line| line.strip_prefix("x-key: ")).unwrap_or("none")
}
