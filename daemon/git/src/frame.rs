//! Frames between the daemon and its child, on the child's standard input and output.
//!
//! A frame has a kind, the number of a stream, and a payload. The child has no network: it opens streams, and the
//! daemon connects them to servers that the egress policy allows.

use serde::{Serialize, de::DeserializeOwned};
use std::io::{self, Read};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Bytes of the longest payload.
pub(crate) const LONGEST: usize = 1 << 20;

/// Bytes before a payload: kind, stream, length.
const HEAD: usize = 9;

/// Kind of a frame. The first three go to the child, the next four to the daemon, and the last two both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The task: a `Request`.
    Task,
    /// The answer to [`Kind::Check`]: a `Result` of an address or a `FetchError`.
    Checked,
    /// A failure of a stream: a `FetchError`. Nothing follows in that stream.
    Fault,
    /// A `Reply`. Stream 0.
    Reply,
    /// An address to compare with the egress policy, as text. Stream 0.
    Check,
    /// A stream to open: an `Ask`.
    Open,
    /// A stream that the child reads no more.
    Close,
    /// Bytes of a stream.
    Data,
    /// The last frame of one direction of a stream.
    End,
}

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) kind: Kind,
    /// Number of the stream. 0 means that the frame belongs to none.
    pub(crate) stream: u32,
    pub(crate) payload: Vec<u8>,
}

impl Kind {
    const ALL: [Self; 9] = [
        Self::Task,
        Self::Checked,
        Self::Fault,
        Self::Reply,
        Self::Check,
        Self::Open,
        Self::Close,
        Self::Data,
        Self::End,
    ];

    fn of(byte: u8) -> io::Result<Self> {
        let known = Self::ALL.into_iter().find(|kind| *kind as u8 == byte);
        known.ok_or_else(|| invalid(format!("{byte} is no kind of frame")))
    }
}

impl Frame {
    pub(crate) fn new(kind: Kind, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, stream, payload: payload.into() }
    }

    /// Makes a frame whose payload is JSON.
    pub(crate) fn json(kind: Kind, stream: u32, value: &impl Serialize) -> io::Result<Self> {
        Ok(Self::new(kind, stream, serde_json::to_vec(value)?))
    }

    /// Reads a payload of JSON.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> io::Result<T> {
        Ok(serde_json::from_slice(&self.payload)?)
    }

    /// Returns the frame as it is sent.
    pub(crate) fn bytes(&self) -> io::Result<Vec<u8>> {
        let length = self.payload.len();
        let length = u32::try_from(length).ok().filter(|_| length <= LONGEST);
        let length = length.ok_or_else(|| invalid(too_long(self.payload.len())))?;
        let mut bytes = Vec::with_capacity(HEAD + self.payload.len());
        bytes.push(self.kind as u8);
        bytes.extend_from_slice(&self.stream.to_be_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        Ok(bytes)
    }

    /// Reads the next frame. It blocks.
    pub(crate) fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head)?;
        let mut frame = Self::begun(head)?;
        from.read_exact(&mut frame.payload)?;
        Ok(frame)
    }

    /// Reads the next frame. To drop the future loses a part of it.
    pub(crate) async fn receive(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Self> {
        let mut head = [0; HEAD];
        from.read_exact(&mut head).await?;
        let mut frame = Self::begun(head)?;
        from.read_exact(&mut frame.payload).await?;
        Ok(frame)
    }

    /// Reads a head. The payload has its length, and is zero.
    fn begun(head: [u8; HEAD]) -> io::Result<Self> {
        let [kind, a, b, c, d, e, f, g, h] = head;
        let length = usize::try_from(u32::from_be_bytes([e, f, g, h])).unwrap_or(usize::MAX);
        if length > LONGEST {
            return Err(invalid(too_long(length)));
        }
        let stream = u32::from_be_bytes([a, b, c, d]);
        Ok(Self { kind: Kind::of(kind)?, stream, payload: vec![0; length] })
    }
}

fn too_long(length: usize) -> String {
    format!("a frame of {length} bytes is longer than {LONGEST}")
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn frames_are_read_as_they_were_sent_and_long_ones_are_refused() {
        for kind in Kind::ALL {
            let frame = Frame::new(kind, 7, "a payload");
            let bytes = frame.bytes().unwrap();
            assert_eq!(Frame::read(&mut &*bytes).unwrap(), frame);
            assert_eq!(Frame::receive(&mut &*bytes).await.unwrap(), frame);
            Frame::read(&mut &bytes[..bytes.len() - 1]).unwrap_err();
        }
        Frame::new(Kind::Data, 1, vec![0_u8; LONGEST + 1]).bytes().unwrap_err();
        Frame::read(&mut &[8_u8, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff][..]).unwrap_err();
        Frame::read(&mut &[99_u8, 0, 0, 0, 1, 0, 0, 0, 0][..]).unwrap_err();
    }
}
