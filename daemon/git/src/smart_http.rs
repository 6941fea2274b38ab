//! Git's smart protocol over HTTP/1.1: two requests, one connection, redirects of the first request, one login.

use crate::{
    egress::port,
    network::{Servers, unreachable},
    place::is_same_server,
    protocol::{FetchError, Login, Service},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use std::{collections::BTreeMap, time::Duration};
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use url::Url;
use windlass_model::repository::shown;

/// Time without a byte from a server after which it counts as unreachable.
pub(crate) const SILENCE: Duration = Duration::from_secs(120);

/// Redirects of one request that are followed.
const REDIRECTS: usize = 5;

/// Redirected repositories of one checkout. There are no more submodules than that.
const MOVED: usize = 256;

/// Most bytes and headers of an answer's head.
const HEAD: usize = 256 << 10;
const HEADERS: usize = 100;

/// Bytes of a body that nobody wants and that are read for the sake of the connection.
const DRAINED: usize = 64 << 10;

/// Longest wait for those bytes.
const DRAINING: Duration = Duration::from_secs(1);

/// End of the path that `info/refs` is asked for at. A redirect keeps it.
const REFS: &str = "/info/refs";
const QUERY: &str = "service=git-upload-pack";

/// HTTP of one checkout.
pub(crate) struct Client {
    pub(crate) servers: Servers,
    /// Address of the job's repository, whose server the login is for.
    home: Url,
    login: Option<Login>,
    /// The server has asked for the login.
    is_asked: bool,
    /// Addresses that a redirect led to, by the address that was asked for.
    moved: BTreeMap<Url, Url>,
    /// The connection of the last request. `None` means that there is none to use again.
    kept: Option<Kept>,
}

struct Kept {
    /// An address of the same server.
    server: Url,
    sender: SendRequest<Full<Bytes>>,
    _connection: AbortOnDropHandle<()>,
}

/// Body of an answer.
pub(crate) struct Body(Incoming);

impl Client {
    pub(crate) fn new(servers: Servers, home: Url, login: Option<Login>) -> Self {
        Self { servers, home, login, is_asked: false, moved: BTreeMap::new(), kept: None }
    }

    /// Asks a repository's server for its refs.
    pub(crate) async fn refs(&mut self, url: &Url, is_v2: bool) -> Result<Body, FetchError> {
        let mut base = self.moved.get(url).unwrap_or(url).clone();
        for _ in 0..=REDIRECTS {
            let response = self.ask(&base, Service::Refs, &Bytes::new(), is_v2).await?;
            if !response.status().is_redirection() {
                if response.status() == StatusCode::UNAUTHORIZED
                    && base != *url
                    && self.login.is_some()
                {
                    return Err(FetchError::Denied(format!(
                        "it redirects to {base}, which asks for a login, and a login goes to its own server alone: give that address as `source.repository`"
                    )));
                }
                let body = answer(response, "application/x-git-upload-pack-advertisement")?;
                if base != *url {
                    // The child names the addresses, as many as it likes.
                    if self.moved.len() >= MOVED && !self.moved.contains_key(url) {
                        return Err(FetchError::Other(format!(
                            "the checkout is redirected to more than {MOVED} repositories"
                        )));
                    }
                    self.moved.insert(url.clone(), base);
                }
                return Ok(body);
            }
            let location = response.headers().get(header::LOCATION).map(HeaderValue::as_bytes);
            let location = location.and_then(|text| std::str::from_utf8(text).ok());
            let next = redirected(&base, location.unwrap_or_default())?;
            // The connection may serve the next request, too.
            Body(response.into_body()).drain().await;
            base = self.servers.admit(next.as_str()).await?;
        }
        Err(FetchError::Unreachable(format!("it redirects more than {REDIRECTS} times")))
    }

    /// Sends the body of an exchange with `git-upload-pack`.
    pub(crate) async fn pack(
        &mut self,
        url: &Url,
        body: Bytes,
        is_v2: bool,
    ) -> Result<Body, FetchError> {
        let base = self.moved.get(url).unwrap_or(url).clone();
        let response = self.ask(&base, Service::Pack, &body, is_v2).await?;
        answer(response, "application/x-git-upload-pack-result")
    }

    /// Sends a request, once more with the login if the server asks for a login.
    async fn ask(
        &mut self,
        base: &Url,
        service: Service,
        body: &Bytes,
        is_v2: bool,
    ) -> Result<Response<Incoming>, FetchError> {
        let is_home = is_same_server(base, &self.home);
        let login = self.login.clone().filter(|_| is_home);
        let response = match &login {
            Some(login) if self.is_asked => {
                let login = self.authorization(base, login).await?;
                return self.send(base, service, body, is_v2, Some(&login)).await;
            }
            _ => self.send(base, service, body, is_v2, None).await?,
        };
        let (StatusCode::UNAUTHORIZED, Some(login)) = (response.status(), login) else {
            return Ok(response);
        };
        let login = self.authorization(base, &login).await?;
        Body(response.into_body()).drain().await;
        self.is_asked = true;
        self.send(base, service, body, is_v2, Some(&login)).await
    }

    /// Returns the header with a login, if the login may be sent to an address.
    async fn authorization(&mut self, to: &Url, login: &Login) -> Result<HeaderValue, FetchError> {
        if !self.servers.is_confidential(to).await? {
            return Err(FetchError::Address {
                url: to.to_string(),
                message: "asks for a login, and a login is only sent over https: give the https URL of the repository".into(),
            });
        }
        let text = STANDARD.encode(format!("{}:{}", login.user, login.token));
        let header = HeaderValue::from_str(&format!("Basic {text}"));
        let mut header = header.map_err(|error| FetchError::Other(error.to_string()))?;
        header.set_sensitive(true);
        Ok(header)
    }

    async fn send(
        &mut self,
        base: &Url,
        service: Service,
        body: &Bytes,
        is_v2: bool,
        login: Option<&HeaderValue>,
    ) -> Result<Response<Incoming>, FetchError> {
        loop {
            let reused = self
                .kept
                .take()
                .filter(|kept| is_same_server(&kept.server, base) && !kept.sender.is_closed());
            let is_reused = reused.is_some();
            let mut kept = match reused {
                Some(kept) => kept,
                None => self.open(base).await?,
            };
            let request = request(base, service, body.clone(), is_v2, login)?;
            let sent = timeout(SILENCE, async {
                kept.sender.ready().await?;
                kept.sender.send_request(request).await
            });
            match sent.await {
                Ok(Ok(response)) => {
                    self.kept = Some(kept);
                    return Ok(response);
                }
                // The server closed a connection that was idle. To read twice changes nothing there.
                Ok(Err(_)) if is_reused => {}
                Ok(Err(error)) => return Err(unreachable(&error)),
                Err(_) => return Err(silent()),
            }
        }
    }

    async fn open(&mut self, base: &Url) -> Result<Kept, FetchError> {
        let channel = self.servers.connect(base).await?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(HEAD).max_headers(HEADERS);
        let handshake = builder.handshake(TokioIo::new(channel)).await;
        let (sender, connection) = handshake.map_err(|error| unreachable(&error))?;
        // Its error is the request's error, too.
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        let _connection = AbortOnDropHandle::new(connection);
        Ok(Kept { server: base.clone(), sender, _connection })
    }
}

impl Body {
    /// Waits for bytes. `None` means the end.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            match timeout(SILENCE, self.0.frame()).await {
                Ok(Some(Ok(frame))) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Ok(Some(Err(error))) => return Err(unreachable(&error)),
                Ok(None) => return Ok(None),
                Err(_) => return Err(silent()),
            }
        }
    }

    /// Reads what is left, if that is little, so that the connection can be used again.
    pub(crate) async fn drain(mut self) {
        let mut read = 0;
        let reading = async {
            while let Ok(Some(bytes)) = self.chunk().await {
                read += bytes.len();
                if read > DRAINED {
                    break;
                }
            }
        };
        let _ = timeout(DRAINING, reading).await;
    }
}

/// Returns the body of an answer that has a status and a type as git's servers send them.
fn answer(response: Response<Incoming>, wanted: &str) -> Result<Body, FetchError> {
    let status = response.status();
    match status {
        StatusCode::OK => {}
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return Err(FetchError::Denied(format!("it answered {status}")));
        }
        StatusCode::NOT_FOUND | StatusCode::GONE => return Err(FetchError::NoRepository),
        _ if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
            return Err(FetchError::Unreachable(format!("it answered {status}")));
        }
        _ => return Err(FetchError::Other(format!("the git server answered {status}"))),
    }
    let found = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if found != Some(wanted.as_bytes()) {
        let found = String::from_utf8_lossy(found.unwrap_or_default()).into_owned();
        let found: String = found.chars().take(100).collect();
        return Err(FetchError::Other(format!(
            "the server answered with `{found}` where `{wanted}` is expected: compare the URL with the one that the server's page shows for git"
        )));
    }
    Ok(Body(response.into_body()))
}

fn request(
    base: &Url,
    service: Service,
    body: Bytes,
    is_v2: bool,
    login: Option<&HeaderValue>,
) -> Result<Request<Full<Bytes>>, FetchError> {
    let path = base.path().trim_end_matches('/');
    let host = base.host_str().unwrap_or_default();
    let host = match base.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let agent = concat!("git/2.0 (windlass ", env!("CARGO_PKG_VERSION"), ")");
    let mut request = match service {
        Service::Refs => Request::builder()
            .method(Method::GET)
            .uri(format!("{path}{REFS}?{QUERY}"))
            .header(header::ACCEPT, "*/*"),
        Service::Pack => Request::builder()
            .method(Method::POST)
            .uri(format!("{path}/git-upload-pack"))
            .header(header::CONTENT_TYPE, "application/x-git-upload-pack-request")
            .header(header::ACCEPT, "application/x-git-upload-pack-result"),
    };
    request = request.header(header::HOST, host).header(header::USER_AGENT, agent);
    if is_v2 {
        request = request.header("git-protocol", "version=2");
    }
    if let Some(login) = login {
        request = request.header(header::AUTHORIZATION, login.clone());
    }
    request.body(Full::new(body)).map_err(|error| FetchError::Other(error.to_string()))
}

/// Returns the repository's address that a redirect of its refs leads to.
fn redirected(from: &Url, location: &str) -> Result<Url, FetchError> {
    // Not the egress policy's: no entry of it makes this an address of a repository.
    let refuse = |why: &str| {
        let shown: String = shown(location).chars().take(200).collect();
        let message = format!("redirects to `{shown}`, {why}: give the URL that `git clone` takes");
        FetchError::Address { url: from.to_string(), message }
    };
    let mut asked = from.clone();
    asked.set_path(&format!("{}{REFS}", from.path().trim_end_matches('/')));
    let mut next = asked.join(location).map_err(|_| refuse("which is no URL"))?;
    if next.query() != Some(QUERY) || !next.path().ends_with(REFS) {
        return Err(refuse("which is no address of the same request"));
    }
    if from.scheme() == "https" && next.scheme() != "https" {
        return Err(refuse("which leaves https"));
    }
    if !matches!(next.scheme(), "https" | "http") {
        return Err(refuse("which is neither https nor http"));
    }
    let path = next.path().strip_suffix(REFS).unwrap_or_default().to_owned();
    next.set_path(&path);
    next.set_query(None);
    Ok(next)
}

/// Returns the first line of a `git://` connection.
pub(crate) fn opening(url: &Url, is_v2: bool) -> String {
    let host = format!("{}:{}", url.host_str().unwrap_or_default(), port(url));
    let version = if is_v2 { "\0version=2\0" } else { "" };
    let line = format!("git-upload-pack {}\0host={host}\0{version}", url.path());
    format!("{:04x}{line}", line.len() + 4)
}

fn silent() -> FetchError {
    FetchError::Unreachable(format!("the server sent nothing for {} s", SILENCE.as_secs()))
}

#[cfg(test)]
mod tests;
