//! Messages between the daemon and a worker: a length of four bytes, and postcard.

use crate::{kinds::invoke::Call, limits::Limits, run::Ended};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Largest message, in bytes: an answer, or the arguments of a host call, and some room.
const LARGEST: usize = 2 << 20;

/// Message to the worker.
#[derive(Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// Compiled code, which is sent first and once, with the seconds that the process may compute.
    Code {
        code: Vec<u8>,
        cpu_seconds: u64,
    },
    Call(Box<(Call, Limits)>),
    /// Return of a host call, or the reason why it traps.
    HostReturn(Result<Vec<u8>, String>),
}

/// Message from the worker.
#[derive(Serialize, Deserialize)]
pub(super) enum FromWorker {
    /// The worker has its code, and is confined.
    Ready,
    /// The guest makes a host call.
    HostCall(HostCall),
    /// End of the call, with the resources that it took.
    Ended { ended: Ended, ticks: u64, memory: u64 },
}

/// Call of an import with its arguments. A handle is its number in the call's table.
#[derive(Serialize, Deserialize)]
pub(super) enum HostCall {
    Emit(u8, String),
    Config,
    Now,
    ReadDir(u32, String, u32),
    Glob(u32, String, u32),
    ReadText(u32, String, u32),
    DropTree(u32),
    GlobMany(u32, Vec<String>, u32),
    Stat(u32, String),
    Open(String),
    Field(u32, String),
    PublicField(u32, String),
    Derive(u32, String, Vec<u8>),
    Hmac(u32, Vec<u8>),
    Decode(u32, String, u8),
    Split(u32, String, u8),
    DropSecret(u32),
    Sha256(Vec<Part>),
    Send(Request),
    Status(u32),
    Header(u32, String),
    Body(u32),
    Take(u32, String),
    DropResponse(u32),
}

/// `part`, as in the WIT.
#[derive(Serialize, Deserialize)]
pub(super) enum Part {
    Text(String),
    Bytes(Vec<u8>),
    Secret(u32),
    SecretForm(u32),
    SecretJson(u32),
}

/// `header-value`, as in the WIT.
#[derive(Serialize, Deserialize)]
pub(super) enum HeaderValue {
    Text(String),
    Parts(Vec<Part>),
    Basic(String, u32),
    Bearer(u32),
}

/// `request`, as in the WIT.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, HeaderValue)>,
    pub(super) body: Vec<Part>,
    pub(super) timeout_ms: u32,
    pub(super) max_response: u32,
}

/// Entry of a folder. `kind` is its index in the WIT's enum.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) kind: u8,
    pub(super) size: u64,
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

/// Sends a message as [`send`] does, in the worker. Blocks.
pub(super) fn send_now<T: Serialize>(mut stream: impl Write, message: &T) -> io::Result<()> {
    let bytes = encode(message)?;
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_le_bytes()[..], &bytes].concat())
}

/// Receives a message as [`receive`] does, in the worker. Blocks. The daemon is trusted with any length.
pub(super) fn receive_now<T: DeserializeOwned>(mut stream: impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut bytes)?;
    decode(&bytes)
}
