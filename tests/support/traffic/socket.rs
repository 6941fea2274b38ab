//! A WebSocket that sends short texts (RFC 6455).

use super::{
    Target,
    line::Line,
    report::{Fault, Kind},
};

/// The key of RFC 6455's own example, of which the answer is known.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A text in a frame of its own. A mask of zeros leaves it as it is.
const TEXT: &[u8] = b"hello";

const TEXT_FRAME: u8 = 0x81;
const CLOSE_FRAME: u8 = 0x88;
/// Says that the mask follows, which each frame of a client has.
const MASKED: u8 = 0x80;

/// A WebSocket that is open.
pub(super) struct Socket(Line);

/// Answer to a text.
pub(super) enum Echo {
    /// The text came back.
    Same,
    /// The app closes the socket.
    Closed,
}

impl Socket {
    pub(super) fn open(target: &Target) -> Result<Self, Fault> {
        let mut line = Line::open(target)?;
        line.send(&format!(
            "GET /echo HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n",
            target.host
        ))?;
        let head = line.head()?;
        if head.status != 101 {
            let what = format!("expected 101, not {}", head.status);
            return Err(Fault { kind: Kind::Status, what });
        }
        Ok(Self(line))
    }

    /// Sends a text, and waits for the answer.
    pub(super) fn echo(&mut self) -> Result<Echo, Fault> {
        self.write(TEXT_FRAME, TEXT)?;
        let head = self.0.read(2)?;
        let (kind, length) = (head[0], usize::from(head[1] & !MASKED));
        let text = self.0.read(length)?;
        match kind {
            TEXT_FRAME if text == TEXT => Ok(Echo::Same),
            CLOSE_FRAME => {
                // The app waits for it no longer than a moment.
                let _ = self.write(CLOSE_FRAME, &text);
                Ok(Echo::Closed)
            }
            _ => {
                let what = format!("expected the text back: {kind:#x}, {} bytes", text.len());
                Err(Fault { kind: Kind::Truncated, what })
            }
        }
    }

    fn write(&mut self, kind: u8, text: &[u8]) -> Result<(), Fault> {
        let length = u8::try_from(text.len()).unwrap_or(125);
        let mut frame = vec![kind, MASKED | length, 0, 0, 0, 0];
        frame.extend(text);
        self.0.write(&frame)
    }
}
