//! A request of a guest, checked against its grant before anything is looked up.

use super::outbound::Target;
use crate::{
    ask::Use,
    bindings::{http as wit, types},
    grant::Scheme,
    host::{State, refused},
    resources::SecretHandle,
    text::sanitize,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue, Method, Request, header};
use http_body_util::Full;
use hyper::body::Bytes;
use url::{Host, Url, form_urlencoded};

/// Most bytes of a body, or of the input of a hash.
const LARGEST: usize = 1 << 20;
/// Most headers of a request, and most bytes of all of them and of its URL.
const HEADERS: usize = 64;
const HEAD: usize = 16 << 10;

/// Headers that only the host sets.
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

/// Returns the guest's error for input that is no request.
pub(super) fn invalid(message: impl Into<String>) -> types::Error {
    types::Error { kind: types::ErrorKind::InvalidInput, message: message.into(), hint: None }
}

/// Spelling of a secret in a place that has its own rules. `None` means that it cannot stand there.
type Escape = fn(&[u8]) -> Option<Vec<u8>>;

/// A request that may be sent.
pub(super) struct Checked {
    pub(super) target: Target,
    pub(super) request: Request<Full<Bytes>>,
    /// Fields of the answer that the guest does not see.
    pub(super) opaque: Vec<String>,
}

/// Host that the secrets of a request would be sent to.
#[derive(Clone, Copy)]
pub(super) struct Destination<'a> {
    host: &'a str,
    port: u16,
    /// Port of the scheme.
    default: u16,
}

impl State {
    /// Joins parts. `to` is the destination of the secrets among them. `None` means that the parts are only
    /// hashed.
    pub(super) fn joined(
        &self,
        parts: &[wit::Part],
        to: Option<Destination<'_>>,
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
            if all.len() > LARGEST {
                return Ok(Err(invalid(format!("more than {LARGEST} bytes"))));
            }
        }
        Ok(Ok(all))
    }

    fn header_value(
        &self,
        value: &wit::HeaderValue,
        to: Option<Destination<'_>>,
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

    /// Returns the request as it may be sent, or the guest's error.
    pub(super) fn checked(
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
            Err(why) => return Ok(Err(refused(why, None))),
        };
        if !matches!(host, Host::Domain(_)) && reach.grant.host.to_string().contains('*') {
            return Ok(Err(refused(
                format!("{name} is an address, which only its own name grants"),
                None,
            )));
        }
        if request.headers.len() > HEADERS || url.as_str().len() > HEAD {
            return Ok(Err(invalid(format!(
                "more than {HEADERS} headers, or a URL over {HEAD} bytes"
            ))));
        }
        let to = Some(Destination { host: &name, port, default: scheme.port() });
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
            let value = match self.header_value(value, to)? {
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

/// Checks that a secret may be part of a request to a host, or of a hash.
fn goes(held: &SecretHandle, to: Option<Destination<'_>>) -> Result<(), types::Error> {
    let allowed = match to {
        Some(to) => held.may_go(to.host, to.port, to.default),
        None => held.may(Use::Send),
    };
    allowed.map_err(types::Error::from)
}
