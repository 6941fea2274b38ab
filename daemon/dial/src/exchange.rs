//! One request and its answer over a connection.

use crate::error::{DialError, unavailable};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

/// Most bytes of an answer's head.
const HEAD: usize = 64 << 10;

/// Most headers of an answer.
const HEADERS: usize = 100;

/// Answer of a server.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// The body has more bytes than were asked for. The rest was not read.
    pub is_cut: bool,
}

/// Sends a request, and reads its answer with at most `most` bytes of the body.
pub(crate) async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Answer, DialError> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD).max_headers(HEADERS);
    let handshake = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| unavailable(&error))?;
    let conversation = async {
        let response = sender.send_request(request).await.map_err(|error| unavailable(&error))?;
        let (head, body) = response.into_parts();
        let (body, is_cut) = read(body, most).await?;
        Ok(Answer { status: head.status, headers: head.headers, body, is_cut })
    };
    // In this same future, so that the connection ends with the call.
    tokio::pin!(connection, conversation);
    let mut is_open = true;
    loop {
        tokio::select! {
            done = &mut conversation => return done,
            _ = &mut connection, if is_open => is_open = false,
        }
    }
}

/// Returns the first bytes of a body, and whether there are more.
async fn read(mut body: Incoming, most: usize) -> Result<(Vec<u8>, bool), DialError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| unavailable(&error))?;
        let Some(data) = frame.data_ref() else { continue };
        let room = most.saturating_sub(bytes.len());
        bytes.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        if data.len() > room {
            return Ok((bytes, true));
        }
    }
    Ok((bytes, false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    async fn answered(text: &'static str, most: usize) -> Result<Answer, DialError> {
        let (ours, mut theirs) = duplex(1 << 10);
        let server = async {
            // An answer that comes before its request is of another one.
            let mut asked = [0; 1 << 10];
            let _ = theirs.read(&mut asked).await.unwrap();
            theirs.write_all(text.as_bytes()).await.unwrap();
            // It is held until the client has read what it wants.
            std::future::pending::<()>().await;
        };
        let request = Request::get("/").header("host", "x").body(Full::default()).unwrap();
        tokio::select! {
            answer = exchange(ours, request, most) => answer,
            () = server => Err(DialError::Unavailable("the server ended".into())),
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_bound() {
        let text = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
        let whole = answered(text, 5).await.unwrap();
        assert_eq!((&*whole.body, whole.is_cut), (&b"hello"[..], false));
        let cut = answered(text, 4).await.unwrap();
        assert_eq!((&*cut.body, cut.is_cut), (&b"hell"[..], true));
    }

    #[tokio::test]
    async fn what_is_no_http_is_an_error() {
        let error = answered("SSH-2.0-OpenSSH_9.2\r\n", 5).await.unwrap_err();
        assert!(matches!(error, DialError::Unavailable(_)), "{error}");
    }
}
