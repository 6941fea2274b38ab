//! What a guest asks of the host, as it goes over the socket; and the daemon's answers, from the very
//! functions that guests in its own process call.

use super::frames::encode;
use crate::{
    bindings::{clock, config, http, log, secrets, workspace},
    question::GuestError,
    state::State,
};
use serde::{Deserialize, Serialize};
use wasmtime::component::Resource;

/// One import and its arguments; handles by their number in the call's table.
#[derive(Serialize, Deserialize)]
pub(super) enum HostCall {
    Emit(u8, String),
    Config,
    Now,
    ReadDir(u32, String, u32),
    Glob(u32, String, u32),
    ReadText(u32, String, u32),
    DropTree(u32),
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

/// As in the WIT.
#[derive(Serialize, Deserialize)]
pub(super) enum Part {
    Text(String),
    Bytes(Vec<u8>),
    Secret(u32),
    SecretForm(u32),
    SecretJson(u32),
}

/// As in the WIT.
#[derive(Serialize, Deserialize)]
pub(super) enum HeaderValue {
    Text(String),
    Parts(Vec<Part>),
    Basic(String, u32),
    Bearer(u32),
}

/// As in the WIT.
#[derive(Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) url: String,
    pub(super) headers: Vec<(String, HeaderValue)>,
    pub(super) body: Vec<Part>,
    pub(super) timeout_ms: u32,
    pub(super) max_response: u32,
}

/// An entry of a folder; `kind` by its place in the WIT's enum.
#[derive(Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: String,
    pub(super) kind: u8,
    pub(super) size: u64,
}

/// A number out of a socket is no promise that there is such a handle: the table says.
fn lent<T: 'static>(number: u32) -> Resource<T> {
    Resource::new_borrow(number)
}

fn owned<T: 'static>(number: u32) -> Resource<T> {
    Resource::new_own(number)
}

fn told<T>(result: Result<T, crate::bindings::types::Error>) -> Result<T, GuestError> {
    result.map_err(GuestError::from)
}

fn number<T: 'static>(
    result: Result<Resource<T>, crate::bindings::types::Error>,
) -> Result<u32, GuestError> {
    told(result.map(|resource| resource.rep()))
}

/// The answer, encoded as the proxy expects it. An error is a trap.
pub(super) async fn answer(state: &mut State, call: HostCall) -> wasmtime::Result<Vec<u8>> {
    use http::{Host as _, HostResponse as _};
    use secrets::{Host as _, HostSecret as _};
    use workspace::HostTree as _;
    let bytes = match call {
        HostCall::Emit(level, message) => {
            let level = match level {
                0 => log::Level::Debug,
                1 => log::Level::Info,
                2 => log::Level::Warn,
                _ => log::Level::Error,
            };
            encode(&log::Host::emit(state, level, message).await?)
        }
        HostCall::Config => encode(&config::Host::get(state).await?),
        HostCall::Now => encode(&clock::Host::now(state).await?),
        HostCall::ReadDir(tree, dir, limit) => {
            let entries = state.read_dir(lent(tree), dir, limit).await?;
            let entry = |entry: workspace::Entry| Entry {
                path: entry.path,
                kind: match entry.kind {
                    workspace::Kind::File => 0,
                    workspace::Kind::Dir => 1,
                    workspace::Kind::Symlink => 2,
                },
                size: entry.size,
            };
            encode(&told(entries.map(|all| all.into_iter().map(entry).collect::<Vec<_>>())))
        }
        HostCall::Glob(tree, pattern, limit) => {
            encode(&told(state.glob(lent(tree), pattern, limit).await?))
        }
        HostCall::ReadText(tree, path, max) => {
            encode(&told(state.read_text(lent(tree), path, max).await?))
        }
        HostCall::DropTree(tree) => encode(&workspace::HostTree::drop(state, owned(tree)).await?),
        HostCall::Open(name) => encode(&number(state.open(name).await?)),
        HostCall::Field(secret, at) => encode(&number(state.field(lent(secret), at).await?)),
        HostCall::PublicField(secret, at) => {
            encode(&told(state.public_field(lent(secret), at).await?))
        }
        HostCall::Derive(secret, prefix, data) => {
            encode(&number(state.derive_hmac_sha256(lent(secret), prefix, data).await?))
        }
        HostCall::Hmac(secret, data) => encode(&told(state.hmac_sha256(lent(secret), data).await?)),
        HostCall::Decode(secret, prefix, encoding) => {
            let encoding = match encoding {
                0 => secrets::Encoding::Base64,
                1 => secrets::Encoding::Base64url,
                _ => secrets::Encoding::Hex,
            };
            encode(&number(state.decode(lent(secret), prefix, encoding).await?))
        }
        HostCall::Split(secret, separator, part) => {
            let part = if part == 0 { secrets::Part::Before } else { secrets::Part::After };
            encode(&number(state.split(lent(secret), separator, part).await?))
        }
        HostCall::DropSecret(secret) => {
            encode(&secrets::HostSecret::drop(state, owned(secret)).await?)
        }
        HostCall::Sha256(all) => encode(&told(state.sha256(parts(all)).await?)),
        HostCall::Send(request) => encode(&number(state.send(whole(request)).await?)),
        HostCall::Status(response) => encode(&state.status(lent(response)).await?),
        HostCall::Header(response, name) => encode(&state.header(lent(response), name).await?),
        HostCall::Body(response) => encode(&state.body(lent(response)).await?),
        HostCall::Take(response, at) => {
            encode(&number(state.take_secret(lent(response), at).await?))
        }
        HostCall::DropResponse(response) => {
            encode(&http::HostResponse::drop(state, owned(response)).await?)
        }
    };
    Ok(bytes?)
}

fn parts(all: Vec<Part>) -> Vec<http::Part> {
    let part = |part| match part {
        Part::Text(text) => http::Part::Text(text),
        Part::Bytes(bytes) => http::Part::Bytes(bytes),
        Part::Secret(secret) => http::Part::Secret(lent(secret)),
        Part::SecretForm(secret) => http::Part::SecretForm(lent(secret)),
        Part::SecretJson(secret) => http::Part::SecretJson(lent(secret)),
    };
    all.into_iter().map(part).collect()
}

fn whole(request: Request) -> http::Request {
    let value = |value| match value {
        HeaderValue::Text(text) => http::HeaderValue::Text(text),
        HeaderValue::Parts(all) => http::HeaderValue::Parts(parts(all)),
        HeaderValue::Basic(user, secret) => http::HeaderValue::Basic((user, lent(secret))),
        HeaderValue::Bearer(secret) => http::HeaderValue::Bearer(lent(secret)),
    };
    let headers = request.headers.into_iter().map(|(name, given)| (name, value(given)));
    http::Request {
        method: request.method,
        url: request.url,
        headers: headers.collect(),
        body: parts(request.body),
        timeout_ms: request.timeout_ms,
        max_response: request.max_response,
    }
}
