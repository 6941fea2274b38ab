//! Answers of the daemon to the host calls of a guest in a worker, by the same functions that guests in the
//! daemon's process call.

use super::frames::{Entry, HeaderValue, HostCall, Part, Request, encode};
use crate::{
    bindings::{
        clock, config, http, log, next::windlass::plugin as next, secrets, types, workspace,
    },
    host::State,
    kinds::invoke::GuestError,
};
use wasmtime::component::Resource;

/// Returns the resource of a number from the worker. The table checks that there is one.
fn lent<T: 'static>(number: u32) -> Resource<T> {
    Resource::new_borrow(number)
}

fn owned<T: 'static>(number: u32) -> Resource<T> {
    Resource::new_own(number)
}

/// Returns a result in the form that is sent to the worker.
fn portable<T>(result: Result<T, types::Error>) -> Result<T, GuestError> {
    result.map_err(GuestError::from)
}

fn number<T: 'static>(result: Result<Resource<T>, types::Error>) -> Result<u32, GuestError> {
    portable(result.map(|resource| resource.rep()))
}

/// Answers a call, encoded as the proxy expects it. An error is a trap.
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
            encode(&portable(entries.map(|all| all.into_iter().map(entry).collect::<Vec<_>>())))
        }
        HostCall::Glob(tree, pattern, limit) => {
            encode(&portable(state.glob(lent(tree), pattern, limit).await?))
        }
        HostCall::ReadText(tree, path, max) => {
            encode(&portable(state.read_text(lent(tree), path, max).await?))
        }
        HostCall::DropTree(tree) => encode(&workspace::HostTree::drop(state, owned(tree)).await?),
        HostCall::GlobMany(tree, patterns, limit) => {
            let found = next::workspace::HostTree::glob(state, lent(tree), patterns, limit).await?;
            encode(&portable(found.map_err(types::Error::from)))
        }
        HostCall::Stat(tree, path) => {
            let found = next::workspace::HostTree::stat(state, lent(tree), path).await?;
            let entry = |entry: next::workspace::Entry| Entry {
                path: entry.path,
                kind: match entry.kind {
                    next::workspace::Kind::File => 0,
                    next::workspace::Kind::Dir => 1,
                    next::workspace::Kind::Symlink => 2,
                },
                size: entry.size,
            };
            let found = found.map(|found| found.map(entry));
            encode(&portable(found.map_err(types::Error::from)))
        }
        HostCall::Open(name) => encode(&number(state.open(name).await?)),
        HostCall::Field(secret, at) => encode(&number(state.field(lent(secret), at).await?)),
        HostCall::PublicField(secret, at) => {
            encode(&portable(state.public_field(lent(secret), at).await?))
        }
        HostCall::Derive(secret, prefix, data) => {
            encode(&number(state.derive_hmac_sha256(lent(secret), prefix, data).await?))
        }
        HostCall::Hmac(secret, data) => {
            encode(&portable(state.hmac_sha256(lent(secret), data).await?))
        }
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
        HostCall::Sha256(all) => encode(&portable(state.sha256(parts(all)).await?)),
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
