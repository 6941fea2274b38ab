//! The `http` import: sends a guest's requests, and shows it the answers.

mod outbound;
mod redact;
mod request;

use super::{Effect, State, refused};
use crate::{
    bindings::{http as wit, types},
    resources::{ResponseHandle, SecretHandle},
    text::sanitize,
};
use ::http::header;
use outbound::{SendError, send};
use redact::{blanked, find};
use request::invalid;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};
use url::Url;
use wasmtime::component::Resource;

/// Longest time of a request in milliseconds, whatever the guest asks for.
const LONGEST: u32 = 30_000;
/// Largest answer, in bytes.
const LARGEST: u32 = 1 << 20;
/// Longest secret that is taken from an answer, in bytes.
const SECRET: usize = 16 << 10;

impl wit::Host for State {
    async fn sha256(
        &mut self,
        parts: Vec<wit::Part>,
    ) -> wasmtime::Result<Result<Vec<u8>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        Ok(self.joined(&parts, None)?.map(|bytes| Sha256::digest(bytes).to_vec()))
    }

    async fn send(
        &mut self,
        request: wit::Request,
    ) -> wasmtime::Result<Result<Resource<ResponseHandle>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        self.ledger.http(&self.limits)?;
        let url = match Url::parse(&request.url) {
            Ok(url) => url,
            Err(error) => return Ok(Err(invalid(format!("its URL: {error}")))),
        };
        // Without the query: it may be anything.
        let place = &url[url::Position::BeforeScheme..url::Position::AfterPath];
        let what = sanitize(&format!("{} {place}", request.method));
        let checked = match self.checked(&url, &request)? {
            Ok(checked) => checked,
            Err(error) => {
                self.effect(Effect::denied("http", what, error.message.clone()));
                return Ok(Err(error));
            }
        };
        let began = Instant::now();
        let limit = request.timeout_ms.clamp(1, LONGEST);
        let most = request.max_response.min(LARGEST) as usize;
        let sending = send(&checked.target, checked.request, most);
        let sent = tokio::time::timeout(Duration::from_millis(limit.into()), sending).await;
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let fail =
            |kind, message: String| types::Error { kind, message: sanitize(&message), hint: None };
        let (effect, answer) = match sent {
            Ok(Ok(response)) => {
                let status = response.status().as_u16();
                let bytes = response.body().len() as u64;
                let effect = Effect::done("http", format!("{what} -> {status}"));
                if let Some(encoding) = encoded(response.headers()) {
                    let message = format!("{place}: its answer is encoded as {encoding}");
                    self.effect(Effect::done("http", format!("{what} -> {status}, encoded")));
                    return Ok(Err(fail(types::ErrorKind::Unsupported, message)));
                }
                let headers = response.headers().iter().filter_map(|(name, value)| {
                    Some((name.to_string(), value.to_str().ok()?.to_owned()))
                });
                let headers = headers.collect();
                let opaque = checked.opaque;
                let answer = ResponseHandle { status, headers, body: response.into_body(), opaque };
                (Effect { bytes, ..effect }, Ok(answer))
            }
            Ok(Err(SendError::Denied(why))) => {
                let error = refused(why.clone(), None);
                (Effect::denied("http", what, why), Err(error))
            }
            Ok(Err(SendError::Unavailable(why))) => {
                let effect = Effect::done("http", format!("{what} -> {why}"));
                (effect, Err(fail(types::ErrorKind::Unavailable, format!("{place}: {why}"))))
            }
            Ok(Err(SendError::TooLong(most))) => {
                let message = format!("{place}: its answer has more than {most} bytes");
                let effect = Effect::done("http", format!("{what} -> more than {most} bytes"));
                (effect, Err(fail(types::ErrorKind::BudgetExceeded, message)))
            }
            Err(_) => {
                let message = format!("{place}: no answer within {limit} ms");
                let effect = Effect::done("http", format!("{what} -> no answer within {limit} ms"));
                (effect, Err(fail(types::ErrorKind::Timeout, message)))
            }
        };
        self.effect(Effect { ms, ..effect });
        match answer {
            Ok(answer) => Ok(Ok(self.table.push(answer)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl wit::HostResponse for State {
    async fn status(&mut self, handle: Resource<ResponseHandle>) -> wasmtime::Result<u16> {
        self.ledger.host_call(&self.limits)?;
        Ok(self.table.get(&handle)?.status)
    }

    async fn header(
        &mut self,
        handle: Resource<ResponseHandle>,
        name: String,
    ) -> wasmtime::Result<Option<String>> {
        self.ledger.host_call(&self.limits)?;
        let headers = &self.table.get(&handle)?.headers;
        let found = headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(&name));
        Ok(found.map(|(_, value)| self.redactor().mask(value)))
    }

    async fn body(&mut self, handle: Resource<ResponseHandle>) -> wasmtime::Result<Vec<u8>> {
        self.ledger.host_call(&self.limits)?;
        let answer = self.table.get(&handle)?;
        let body = blanked(&answer.body, &answer.opaque);
        let mut stream = self.redactor().stream();
        let mut visible = stream.push(&body);
        visible.extend(stream.finish());
        Ok(visible)
    }

    async fn take_secret(
        &mut self,
        handle: Resource<ResponseHandle>,
        at: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        match find(&self.table.get(&handle)?.body, &at) {
            // A secret that a host sends back keeps its own rules.
            Some(text) if self.redactor().mask(&text) != text => {
                Ok(Err(refused("the answer holds a secret that is known already".into(), None)))
            }
            Some(text) if text.len() > SECRET => {
                Ok(Err(invalid(format!("`{}` has more than {SECRET} bytes", sanitize(&at)))))
            }
            Some(text) => self.hold(SecretHandle::answered(&at, text.into_bytes())).map(Ok),
            None => Ok(Err(types::Error {
                kind: types::ErrorKind::NotFound,
                message: format!("the answer has no text at `{}`", sanitize(&at)),
                hint: None,
            })),
        }
    }

    async fn drop(&mut self, handle: Resource<ResponseHandle>) -> wasmtime::Result<()> {
        self.table.delete(handle)?;
        Ok(())
    }
}

/// Returns an encoding of the body that hides what must be blanked.
fn encoded(headers: &header::HeaderMap) -> Option<String> {
    let encoding = headers.get(header::CONTENT_ENCODING)?.to_str().unwrap_or("?").to_owned();
    (!encoding.eq_ignore_ascii_case("identity")).then(|| sanitize(&encoding))
}
