//! Messages between the daemon and a worker: a length of four bytes, and postcard.

use super::host_call::HostCall;
use crate::{execute::Ended, limits::Limits, question::Call};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// What a worker may send at once: an answer, or what a call hands over, and a little.
const LARGEST: usize = 2 << 20;

/// To the worker.
#[derive(Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// First, once: compiled code.
    Code(Vec<u8>),
    /// One call.
    Call(Box<(Call, Limits)>),
    /// What a host call gave, or why it traps.
    Answer(Result<Vec<u8>, String>),
}

/// From the worker.
#[derive(Serialize, Deserialize)]
pub(super) enum FromWorker {
    /// It has its code, and is confined.
    Ready,
    /// The guest asks something of the host.
    Call(HostCall),
    /// The call's end, and what it took.
    Ended { ended: Ended, ticks: u64, memory: u64 },
}

pub(super) fn encode<T: Serialize>(value: &T) -> io::Result<Vec<u8>> {
    postcard::to_allocvec(value).map_err(io::Error::other)
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(io::Error::other)
}

pub(super) async fn send<T: Serialize>(
    stream: &mut (impl AsyncWrite + Unpin),
    message: &T,
) -> io::Result<()> {
    let bytes = encode(message)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_le_bytes()[..], &bytes].concat()).await
}

pub(super) async fn receive<T: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await?;
    let length = u32::from_le_bytes(length) as usize;
    if length > LARGEST {
        return Err(io::Error::other(format!("a message of {length} bytes")));
    }
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await?;
    decode(&bytes)
}

/// [`send`], in the worker, which does nothing else meanwhile.
pub(super) fn send_now<T: Serialize>(mut stream: impl Write, message: &T) -> io::Result<()> {
    let bytes = encode(message)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_le_bytes()[..], &bytes].concat())
}

/// [`receive`], in the worker: the daemon is believed.
pub(super) fn receive_now<T: DeserializeOwned>(mut stream: impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut bytes)?;
    decode(&bytes)
}
