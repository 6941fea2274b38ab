//! The `http` import: what a guest wants to send, checked against its grant before anything is
//! looked up, and what it gets to see of the answer.

use crate::{
    ask::Use,
    bindings::{http as wit, types},
    grant::Scheme,
    outbound::{SendError, Target, send},
    secrets::SecretHandle,
    state::{Effect, State, refused, sanitize},
};
use ::http::{HeaderName, HeaderValue, Method, Request, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use http_body_util::Full;
use hyper::body::Bytes;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};
use url::{Host, Url, form_urlencoded};
use wasmtime::component::Resource;

/// The longest that a request may take, whatever a guest says.
const LONGEST: u32 = 30_000;
/// The longest answer.
const LARGEST: u32 = 1 << 20;
/// The longest secret that an answer gives.
const SECRET: usize = 16 << 10;
/// XML that is looked into: reading attributes takes time by their square.
const XML: usize = 64 << 10;
/// Headers of a request, and bytes of all of them and of its URL.
const HEADERS: usize = 64;
const HEAD: usize = 16 << 10;

/// An answer in a guest's hand.
#[allow(unreachable_pub, reason = "bindgen re-exports it")]
pub struct ResponseHandle {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// Fields that the guest does not see.
    opaque: Vec<String>,
}

/// Headers that are the connection's own matter.
const OWN: [&str; 12] = [
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "proxy-authorization",
    // What is blanked must be read as it is sent, and whole.
    "accept-encoding",
    "range",
    "if-range",
];

fn invalid(message: impl Into<String>) -> types::Error {
    types::Error { kind: types::ErrorKind::InvalidInput, message: message.into(), hint: None }
}

/// A secret as it stands in a place that has its own rules; none where it cannot.
type Escape = fn(&[u8]) -> Option<Vec<u8>>;

/// What a request is once it may be sent.
struct Checked {
    target: Target,
    request: Request<Full<Bytes>>,
    opaque: Vec<String>,
}

impl State {
    /// `may_go`: where the secrets among the parts would be sent; none: they are hashed only.
    fn joined(
        &self,
        parts: &[wit::Part],
        to: Option<(&str, u16, u16)>,
    ) -> wasmtime::Result<Result<Vec<u8>, types::Error>> {
        let mut all = Vec::new();
        for part in parts {
            let (handle, escape): (_, Escape) = match part {
                wit::Part::Text(text) => {
                    all.extend_from_slice(text.as_bytes());
                    continue;
                }
                wit::Part::Bytes(bytes) => {
                    all.extend_from_slice(bytes);
                    continue;
                }
                wit::Part::Secret(handle) => (handle, |bytes| Some(bytes.to_vec())),
                wit::Part::SecretForm(handle) => (handle, |bytes| {
                    Some(form_urlencoded::byte_serialize(bytes).collect::<String>().into_bytes())
                }),
                wit::Part::SecretJson(handle) => (handle, |bytes| {
                    let text = serde_json::to_string(std::str::from_utf8(bytes).ok()?).ok()?;
                    let inside = text.strip_prefix('"')?.strip_suffix('"')?;
                    Some(inside.as_bytes().to_vec())
                }),
            };
            let held = self.table.get(handle)?;
            if let Err(error) = goes(held, to) {
                return Ok(Err(error));
            }
            match escape(held.bytes.reveal()) {
                Some(bytes) => all.extend(bytes),
                None => return Ok(Err(invalid(format!("the secret `{}` is no text", held.name)))),
            }
            // A handle is small, and what it stands for is not.
            if all.len() > LARGEST as usize {
                return Ok(Err(invalid(format!("more than {LARGEST} bytes"))));
            }
        }
        Ok(Ok(all))
    }

    fn header(
        &self,
        value: &wit::HeaderValue,
        to: Option<(&str, u16, u16)>,
    ) -> wasmtime::Result<Result<Vec<u8>, types::Error>> {
        let prefixed = |prefix: &str, handle| {
            let held: &SecretHandle = self.table.get(handle)?;
            let bytes = [prefix.as_bytes(), held.bytes.reveal()].concat();
            Ok(goes(held, to).map(|()| bytes))
        };
        match value {
            wit::HeaderValue::Text(text) => Ok(Ok(text.clone().into_bytes())),
            wit::HeaderValue::Parts(parts) => self.joined(parts, to),
            wit::HeaderValue::Bearer(handle) => prefixed("Bearer ", handle),
            wit::HeaderValue::Basic((user, handle)) => {
                let pair = prefixed(&format!("{user}:"), handle)?;
                Ok(pair.map(|pair| format!("Basic {}", STANDARD.encode(pair)).into_bytes()))
            }
        }
    }

    fn checked(
        &self,
        url: &Url,
        request: &wit::Request,
    ) -> wasmtime::Result<Result<Checked, types::Error>> {
        let scheme = match url.scheme() {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            other => return Ok(Err(invalid(format!("`{other}` is neither https nor http")))),
        };
        let (Some(host), Some(port)) = (url.host(), url.port_or_known_default()) else {
            return Ok(Err(invalid("the URL names no host")));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Ok(Err(invalid("the URL holds a user or password: use a header")));
        }
        let name = host.to_string();
        let reach = match self.granted.reach(scheme, &name, port, &request.method) {
            Ok(reach) => reach,
            Err(why) => return Ok(Err(refused(why, String::new()))),
        };
        if !matches!(host, Host::Domain(_)) && reach.grant.host.to_string().contains('*') {
            return Ok(Err(refused(
                format!("{name} is an address, which only its own name grants"),
                String::new(),
            )));
        }
        if request.headers.len() > HEADERS || url.as_str().len() > HEAD {
            return Ok(Err(invalid(format!(
                "more than {HEADERS} headers, or a URL over {HEAD} bytes"
            ))));
        }
        let to = Some((&*name, port, scheme.port()));
        let body = match self.joined(&request.body, to)? {
            Ok(body) => body,
            Err(error) => return Ok(Err(error)),
        };
        let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let method = Method::from_bytes(request.method.as_bytes()).unwrap_or(Method::GET);
        let mut built = Request::builder().method(method).uri(path);
        let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
        built = built.header(header::HOST, authority).header(header::USER_AGENT, "windlass");
        let mut size = 0;
        for (name, value) in &request.headers {
            let value = match self.header(value, to)? {
                Ok(value) => value,
                Err(error) => return Ok(Err(error)),
            };
            size += name.len() + value.len();
            if size > HEAD {
                return Ok(Err(invalid(format!("its headers have more than {HEAD} bytes"))));
            }
            let lower = name.to_ascii_lowercase();
            if OWN.contains(&&*lower) || lower.starts_with("proxy-") {
                return Ok(Err(invalid(format!(
                    "the header `{}` is the host's to set",
                    sanitize(name)
                ))));
            }
            let (Ok(name), Ok(mut value)) =
                (HeaderName::try_from(lower), HeaderValue::try_from(value))
            else {
                return Ok(Err(invalid(format!("{:?} is no header", sanitize(name)))));
            };
            value.set_sensitive(true);
            built = built.header(name, value);
        }
        let request = match built.body(Full::new(Bytes::from(body))) {
            Ok(request) => request,
            Err(error) => return Ok(Err(invalid(error.to_string()))),
        };
        let target = Target {
            scheme,
            host: host.to_owned(),
            port,
            private: reach.grant.private,
            ca: reach.grant.ca.clone(),
        };
        Ok(Ok(Checked { target, request, opaque: reach.opaque }))
    }
}

/// Whether a secret may be part of a request to a host, or of a hash.
fn goes(held: &SecretHandle, to: Option<(&str, u16, u16)>) -> Result<(), types::Error> {
    match to {
        Some((host, port, default)) => held.may_go(host, port, default),
        None => held.may(Use::Send),
    }
}

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
                let error = refused(why.clone(), String::new());
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
        let mut sanitize = stream.push(&body);
        sanitize.extend(stream.finish());
        Ok(sanitize)
    }

    async fn take_secret(
        &mut self,
        handle: Resource<ResponseHandle>,
        at: String,
    ) -> wasmtime::Result<Result<Resource<SecretHandle>, types::Error>> {
        self.ledger.host_call(&self.limits)?;
        match find(&self.table.get(&handle)?.body, &at) {
            // One that came back from where it was sent keeps its own rules.
            Some(text) if self.redactor().mask(&text) != text => Ok(Err(refused(
                "the answer holds a secret that is known already".into(),
                String::new(),
            ))),
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

fn element<'a, 'b>(
    document: &'a roxmltree::Document<'b>,
    path: &str,
) -> Option<roxmltree::Node<'a, 'b>> {
    path.split('/').try_fold(document.root_element(), |node, name| {
        node.children().find(|child| child.tag_name().name() == name)
    })
}

/// The text of a field: a pointer begins with `/`, a path into XML below its root does not.
fn find(body: &[u8], at: &str) -> Option<String> {
    if at.starts_with('/') {
        let json: serde_json::Value = serde_json::from_slice(body).ok()?;
        return json.pointer(at)?.as_str().map(str::to_owned);
    }
    let body = Some(body).filter(|body| body.len() <= XML)?;
    let document = roxmltree::Document::parse(std::str::from_utf8(body).ok()?).ok()?;
    element(&document, at)?.text().map(str::to_owned)
}

/// What stands for an answer that cannot be looked into, where something in it must not be seen.
const HIDDEN: &[u8] = b"(not shown: it is neither JSON nor XML of at most 64 KiB)";

/// Without the fields that the guest must not see, wherever in the answer they are: a plugin chooses
/// what it asks for, and may be answered in another shape than the one that was thought of.
fn blanked(body: &[u8], opaque: &[String]) -> Vec<u8> {
    let names: Vec<&str> = opaque.iter().filter_map(|at| at.rsplit('/').next()).collect();
    if names.is_empty() {
        return body.to_vec();
    }
    if let Ok(mut json) = serde_json::from_slice::<serde_json::Value>(body) {
        blank_json(&mut json, &names);
        return json.to_string().into_bytes();
    }
    let text = Some(body).filter(|body| body.len() <= XML);
    let text = text.and_then(|body| std::str::from_utf8(body).ok());
    let document =
        text.and_then(|text| roxmltree::Document::parse(text).ok().map(|xml| (text, xml)));
    let Some((text, document)) = document else { return HIDDEN.to_vec() };
    let is_named = |name: &str| names.contains(&name);
    let found = document.descendants().filter(|node| node.is_element());
    if found.clone().any(|node| node.attributes().any(|attribute| is_named(attribute.name()))) {
        return HIDDEN.to_vec();
    }
    let mut sanitize = String::new();
    let mut from = 0;
    for node in found.filter(|node| is_named(node.tag_name().name())) {
        let (Some(first), Some(last)) = (node.first_child(), node.last_child()) else { continue };
        let start = first.range().start;
        let end = last.range().end;
        // Inside of one that is blank already.
        if start < from {
            continue;
        }
        sanitize.push_str(text.get(from..start).unwrap_or_default());
        sanitize.push_str("***");
        from = end;
    }
    sanitize.push_str(text.get(from..).unwrap_or_default());
    sanitize.into_bytes()
}

fn blank_json(value: &mut serde_json::Value, names: &[&str]) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, field) in fields {
                if names.contains(&&**name) {
                    *field = "***".into();
                } else {
                    blank_json(field, names);
                }
            }
        }
        serde_json::Value::Array(items) => {
            items.iter_mut().for_each(|item| blank_json(item, names));
        }
        _ => {}
    }
}

/// An encoding that hides what must be looked for.
fn encoded(headers: &header::HeaderMap) -> Option<String> {
    let encoding = headers.get(header::CONTENT_ENCODING)?.to_str().unwrap_or("?").to_owned();
    (!encoding.eq_ignore_ascii_case("identity")).then(|| sanitize(&encoding))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_and_blanked_in_json_and_xml() {
        let json = br#"{"a":[{"token":"s3cret","other":1}]}"#;
        assert_eq!(find(json, "/a/0/token").as_deref(), Some("s3cret"));
        assert_eq!(find(json, "/a/0/other"), None);
        let sanitize = String::from_utf8(blanked(json, &["/a/0/token".into()])).unwrap();
        assert_eq!(sanitize, r#"{"a":[{"other":1,"token":"***"}]}"#);
        let xml = b"<R xmlns=\"urn:x\"><C><Key>k&amp;ey</Key><Id>1</Id></C></R>";
        assert_eq!(find(xml, "C/Key").as_deref(), Some("k&ey"));
        let sanitize = String::from_utf8(blanked(xml, &["C/Key".into(), "C/None".into()])).unwrap();
        assert_eq!(sanitize, "<R xmlns=\"urn:x\"><C><Key>***</Key><Id>1</Id></C></R>");
        assert_eq!(blanked(b"no such thing", &["/a".into(), "C".into()]), HIDDEN);
        assert_eq!(blanked(b"no such thing", &[]), b"no such thing");
        // In another shape than the one that was thought of.
        let other = br#"{"r":{"Credentials":{"Key":"k","Id":1}},"l":[{"token":"t"}]}"#;
        let sanitize = String::from_utf8(blanked(other, &["R/C/Key".into(), "/a/0/token".into()]));
        assert_eq!(
            sanitize.unwrap(),
            r#"{"l":[{"token":"***"}],"r":{"Credentials":{"Id":1,"Key":"***"}}}"#
        );
        let odd = b"<R><Key><!--x-->k<b>e</b></Key><Key>again</Key></R>";
        let sanitize = String::from_utf8(blanked(odd, &["C/Key".into()])).unwrap();
        assert_eq!(sanitize, "<R><Key>***</Key><Key>***</Key></R>");
        assert_eq!(blanked(b"<R Key='k'/>", &["C/Key".into()]), HIDDEN);
    }
}
