//! Imports in the worker: each call is sent to the daemon, and waits for the answer.

mod next;

use super::frames::{
    Entry, FromWorker, HeaderValue, HostCall, Part, Request, ToWorker, decode, receive_now,
    send_now,
};
use crate::{
    bindings::{self, clock, config, host::Imports, http, log, secrets, types, workspace},
    kinds::invoke::GuestError,
    limits::Meter,
    resources::{ResponseHandle, SecretHandle},
    tree::TreeHandle,
};
use serde::de::DeserializeOwned;
use std::os::unix::net::UnixStream;
use wasmtime::component::{HasSelf, Linker, Resource};

/// Data of a store in the worker.
pub(super) struct Proxy {
    pub(super) daemon: UnixStream,
    pub(super) meter: Meter,
}

pub(super) fn link(linker: &mut Linker<Proxy>) -> wasmtime::Result<()> {
    Imports::add_to_linker::<_, HasSelf<_>>(linker, |proxy| proxy)?;
    bindings::next::Imports::add_to_linker::<_, HasSelf<_>>(linker, |proxy| proxy)
}

impl Proxy {
    fn ask<T: DeserializeOwned>(&mut self, call: HostCall) -> wasmtime::Result<T> {
        send_now(&self.daemon, &FromWorker::HostCall(call))?;
        match receive_now(&self.daemon)? {
            ToWorker::HostReturn(Ok(bytes)) => Ok(decode(&bytes)?),
            ToWorker::HostReturn(Err(trap)) => wasmtime::bail!("{trap}"),
            ToWorker::Code { .. } | ToWorker::Call(_) => wasmtime::bail!("out of turn"),
        }
    }

    fn result<T: DeserializeOwned>(
        &mut self,
        call: HostCall,
    ) -> wasmtime::Result<Result<T, types::Error>> {
        Ok(self.ask::<Result<T, GuestError>>(call)?.map_err(types::Error::from))
    }

    fn handle<T: 'static>(
        &mut self,
        call: HostCall,
    ) -> wasmtime::Result<Result<Resource<T>, types::Error>> {
        Ok(self.result::<u32>(call)?.map(Resource::new_own))
    }
}

impl types::Host for Proxy {}

impl log::Host for Proxy {
    async fn emit(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.ask(HostCall::Emit(level as u8, message))
    }
}

impl config::Host for Proxy {
    async fn get(&mut self) -> wasmtime::Result<String> {
        self.ask(HostCall::Config)
    }
}

impl clock::Host for Proxy {
    async fn now(&mut self) -> wasmtime::Result<u64> {
        self.ask(HostCall::Now)
    }
}

impl workspace::Host for Proxy {}

impl workspace::HostTree for Proxy {
    async fn read_dir(
        &mut self,
        tree: Resource<TreeHandle>,
        dir: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<workspace::Entry>, types::Error>> {
        let entry = |entry: Entry| workspace::Entry {
            path: entry.path,
            kind: match entry.kind {
                0 => workspace::Kind::File,
                1 => workspace::Kind::Dir,
                _ => workspace::Kind::Symlink,
            },
            size: entry.size,
        };
        let entries = self.result::<Vec<Entry>>(HostCall::ReadDir(tree.rep(), dir, limit))?;
        Ok(entries.map(|all| all.into_iter().map(entry).collect()))
    }

    async fn glob(
        &mut self,
        tree: Resource<TreeHandle>,
        pattern: String,
        limit: u32,
    ) -> wasmtime::Result<Result<Vec<String>, types::Error>> {
        self.result(HostCall::Glob(tree.rep(), pattern, limit))
    }

    async fn read_text(
        &mut self,
        tree: Resource<TreeHandle>,
        path: String,
        max: u32,
    ) -> wasmtime::Result<Result<Option<String>, types::Error>> {
        self.result(HostCall::ReadText(tree.rep(), path, max))
    }

    async fn drop(&mut self, tree: Resource<TreeHandle>) -> wasmtime::Result<()> {
        self.ask(HostCall::DropTree(tree.rep()))
    }
}

impl secrets::Host for Proxy {
    async fn open(
        &mut self,
        name: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.handle(HostCall::Open(name))
    }
}

impl secrets::HostSecret for Proxy {
    async fn field(
        &mut self,
        secret: Resource<SecretHandle>,
        pointer: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.handle(HostCall::Field(secret.rep(), pointer))
    }

    async fn public_field(
        &mut self,
        secret: Resource<SecretHandle>,
        pointer: String,
    ) -> wasmtime::Result<Result<String, types::Error>> {
        self.result(HostCall::PublicField(secret.rep(), pointer))
    }

    async fn derive_hmac_sha256(
        &mut self,
        secret: Resource<SecretHandle>,
        prefix: String,
        data: Vec<u8>,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.handle(HostCall::Derive(secret.rep(), prefix, data))
    }

    async fn hmac_sha256(
        &mut self,
        secret: Resource<SecretHandle>,
        data: Vec<u8>,
    ) -> wasmtime::Result<Result<Vec<u8>, types::Error>> {
        self.result(HostCall::Hmac(secret.rep(), data))
    }

    async fn decode(
        &mut self,
        secret: Resource<SecretHandle>,
        strip_prefix: String,
        encoding: secrets::Encoding,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.handle(HostCall::Decode(secret.rep(), strip_prefix, encoding as u8))
    }

    async fn split(
        &mut self,
        secret: Resource<SecretHandle>,
        separator: String,
        part: secrets::Part,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.handle(HostCall::Split(secret.rep(), separator, part as u8))
    }

    async fn drop(&mut self, secret: Resource<SecretHandle>) -> wasmtime::Result<()> {
        self.ask(HostCall::DropSecret(secret.rep()))
    }
}

impl http::Host for Proxy {
    async fn sha256(
        &mut self,
        all: Vec<http::Part>,
    ) -> wasmtime::Result<Result<Vec<u8>, types::Error>> {
        self.result(HostCall::Sha256(parts(all)))
    }

    async fn send(
        &mut self,
        request: http::Request,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, types::Error>> {
        let value = |value| match value {
            http::HeaderValue::Text(text) => HeaderValue::Text(text),
            http::HeaderValue::Parts(all) => HeaderValue::Parts(parts(all)),
            http::HeaderValue::Basic((user, secret)) => HeaderValue::Basic(user, secret.rep()),
            http::HeaderValue::Bearer(secret) => HeaderValue::Bearer(secret.rep()),
        };
        let headers = request.headers.into_iter().map(|(name, given)| (name, value(given)));
        self.handle(HostCall::Send(Request {
            method: request.method,
            url: request.url,
            headers: headers.collect(),
            body: parts(request.body),
            timeout_ms: request.timeout_ms,
            max_response: request.max_response,
        }))
    }
}

impl http::HostResponse for Proxy {
    async fn status(&mut self, response: Resource<ResponseHandle>) -> wasmtime::Result<u16> {
        self.ask(HostCall::Status(response.rep()))
    }

    async fn header(
        &mut self,
        response: Resource<ResponseHandle>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        self.ask(HostCall::Header(response.rep(), name))
    }

    async fn body(&mut self, response: Resource<ResponseHandle>) -> wasmtime::Result<Vec<u8>> {
        self.ask(HostCall::Body(response.rep()))
    }

    async fn take_secret(
        &mut self,
        response: Resource<ResponseHandle>,
        at: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.handle(HostCall::Take(response.rep(), at))
    }

    async fn drop(&mut self, response: Resource<ResponseHandle>) -> wasmtime::Result<()> {
        self.ask(HostCall::DropResponse(response.rep()))
    }
}

fn parts(all: Vec<http::Part>) -> Vec<Part> {
    let part = |part| match part {
        http::Part::Text(text) => Part::Text(text),
        http::Part::Bytes(bytes) => Part::Bytes(bytes),
        http::Part::Secret(secret) => Part::Secret(secret.rep()),
        http::Part::SecretForm(secret) => Part::SecretForm(secret.rep()),
        http::Part::SecretJson(secret) => Part::SecretJson(secret.rep()),
    };
    all.into_iter().map(part).collect()
}
