//! The live connection of a page, as a browser has it: a WebSocket with the session's cookie.

use crate::place::{PAGE, origin};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{ClientRequestBuilder, Message},
};

/// A page that watches one job.
pub(crate) struct Live {
    socket: WebSocketStream<TcpStream>,
    topic: String,
}

impl Live {
    /// Opens the connection, and subscribes to a job from its first event on.
    pub(crate) async fn open(cookie: &str, job: &str) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", PAGE)).await.unwrap();
        let address = format!("ws://127.0.0.1:{PAGE}/api/live").parse().unwrap();
        let request = ClientRequestBuilder::new(address)
            .with_header("Cookie", cookie)
            .with_header("Origin", origin())
            .with_sub_protocol("windlass.v1");
        let (socket, _) = client_async(request, stream).await.expect("a live connection");
        let mut live = Self { socket, topic: format!("job/{job}") };
        live.subscribe(0).await;
        live
    }

    /// Subscribes to the events after the one of this number.
    pub(crate) async fn subscribe(&mut self, after: u64) {
        let text = json!({ "sub": self.topic, "after": after }).to_string();
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Waits for the next message about the job.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            let message = self.socket.next().await.expect("the connection stays").unwrap();
            let Message::Text(text) = message else { continue };
            let value: Value = serde_json::from_str(text.as_str()).unwrap();
            if value["on"] == self.topic {
                return value;
            }
        }
    }
}
