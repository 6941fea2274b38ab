//! Connection to the BuildKit inside a Docker engine.
//!
//! `POST /grpc` on the engine's socket asks for it. The engine answers with 101, and the rest of the
//! connection is HTTP/2 (moby, `api/server/router/grpc`).

use http_body_util::Empty;
use hyper::{
    Request, StatusCode,
    body::Bytes,
    client::conn::http1,
    header::{CONNECTION, CONTENT_LENGTH, HOST, UPGRADE},
    upgrade::{self, Upgraded},
};
use hyper_util::rt::TokioIo;
use std::{io, path::Path, pin::pin};
use tokio::net::UnixStream;

/// Largest head of the engine's answer, in bytes. hyper accepts no smaller number.
const LONGEST_HEAD: usize = 8 << 10;

/// Connects to the engine at a socket, and asks the engine to pass the connection to its BuildKit.
pub(crate) async fn dial(path: &Path) -> io::Result<Upgraded> {
    let stream = TokioIo::new(UnixStream::connect(path).await?);
    let client = http1::Builder::new().max_buf_size(LONGEST_HEAD).handshake(stream).await;
    let (mut sender, connection) = client.map_err(io::Error::other)?;
    let request = Request::post("/grpc")
        .header(HOST, "docker")
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "h2c")
        // Hyper leaves it out where there is no body.
        .header(CONTENT_LENGTH, 0)
        .body(Empty::<Bytes>::new())
        .map_err(io::Error::other)?;
    let answered = async move {
        let response = sender.send_request(request).await.map_err(io::Error::other)?;
        match response.status() {
            StatusCode::SWITCHING_PROTOCOLS => {
                upgrade::on(response).await.map_err(io::Error::other)
            }
            status => Err(io::Error::other(refused(path, status))),
        }
    };
    let mut answered = pin!(answered);
    tokio::select! {
        upgraded = &mut answered => upgraded,
        // The connection was upgraded or closed: `answered` knows which.
        _ = connection.with_upgrades() => answered.await,
    }
}

fn refused(path: &Path, status: StatusCode) -> String {
    let path = path.display();
    format!(
        "{path} answers `POST /grpc` with {status}, expected 101; a Docker engine from 18.09 on does \
         this; one that does it no more speaks HTTP/2 at once: name it as unix://{path}"
    )
}

#[cfg(test)]
mod tests {
    use crate::Address;
    use futures::StreamExt;
    use std::{error::Error, path::PathBuf, time::Duration};
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{UnixListener, UnixStream},
    };
    use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

    /// Starts an engine that answers its first connection with `answer`, and returns that connection.
    fn engine(answer: &'static [u8]) -> (tempfile::TempDir, tokio::task::JoinHandle<UnixStream>) {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("docker.sock")).unwrap();
        let answering = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(head).unwrap().to_lowercase();
            assert!(head.starts_with("post /grpc http/1.1\r\n"), "{head}");
            for line in ["connection: upgrade\r\n", "upgrade: h2c\r\n", "content-length: 0\r\n"] {
                assert!(head.contains(line), "{head}");
            }
            let _ = stream.write_all(answer).await;
            stream
        });
        (folder, answering)
    }

    fn address(folder: &tempfile::TempDir) -> Address {
        Address::Docker(PathBuf::from(folder.path()).join("docker.sock"))
    }

    /// Connects in vain, and returns the error with all of its causes, joined.
    async fn refusal(folder: &tempfile::TempDir) -> String {
        let error = address(folder).connect().await.unwrap_err();
        let mut messages = Vec::new();
        let mut cause: Option<&dyn Error> = Some(&error);
        while let Some(error) = cause {
            messages.push(error.to_string());
            cause = error.source();
        }
        messages.join(": ")
    }

    #[tokio::test]
    async fn what_follows_the_answer_is_a_connection_to_buildkit() {
        let answer =
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";
        let (folder, answering) = engine(answer);
        // The client waits for the server's first message: both have to run at once.
        let serving = tokio::spawn(async move {
            let stream = answering.await.unwrap();
            let (_, health) = tonic_health::server::health_reporter();
            let incoming = futures::stream::iter([Ok::<_, std::io::Error>(stream)]);
            let incoming = incoming.chain(futures::stream::pending());
            tonic::transport::Server::builder()
                .add_service(health)
                .serve_with_incoming(incoming)
                .await
                .unwrap();
        });
        let channel = address(&folder).connect().await.unwrap();
        for _ in 0..2 {
            let mut client = HealthClient::new(channel.clone());
            let checked = client.check(HealthCheckRequest::default());
            let checked = tokio::time::timeout(Duration::from_secs(5), checked).await.unwrap();
            assert_eq!(checked.unwrap().into_inner().status, 1, "serving");
        }
        serving.abort();
    }

    #[tokio::test]
    async fn another_answer_is_reported() {
        let (folder, _answering) = engine(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        let refusal = refusal(&folder).await;
        assert!(refusal.contains("404 Not Found, expected 101"), "{refusal}");
        let (folder, answering) = engine(b"");
        let hanging_up = tokio::spawn(async move { drop(answering.await) });
        assert!(address(&folder).connect().await.is_err());
        hanging_up.await.unwrap();
    }

    #[tokio::test]
    async fn an_answer_without_end_is_not_kept() {
        static ENDLESS: [u8; 64 << 10] = [b'x'; 64 << 10];
        let (folder, _answering) = engine(&ENDLESS);
        assert!(address(&folder).connect().await.is_err());
        let (folder, _answering) = engine(b"HTTP/1.1 101 Switching");
        let connecting = address(&folder);
        let began = std::time::Instant::now();
        assert!(connecting.connect().await.is_err(), "five seconds, then no more");
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
