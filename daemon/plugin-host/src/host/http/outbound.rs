//! Connections for guests: resolved once, made to an address that was checked, used once.

use crate::grant::Scheme;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{body::Bytes, client::conn::http1};
use hyper_util::rt::TokioIo;
use std::{
    error::Error,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use url::Host;
use windlass_model::address::{is_global, is_link_local};

/// Longest wait for one address. Then the next is tried.
const CONNECT: Duration = Duration::from_secs(5);
/// Most bytes and headers of an answer's head.
const HEAD: usize = 64 << 10;
const HEADERS: usize = 100;

/// Destination of a request, as it was granted.
pub(super) struct Target {
    pub(super) scheme: Scheme,
    pub(super) host: Host<String>,
    pub(super) port: u16,
    /// Flag that allows addresses outside of the public internet.
    pub(super) private: bool,
    /// PEM file of authorities. `None` means the system's.
    pub(super) ca: Option<PathBuf>,
}

/// Reason why there is no answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// The address is not allowed.
    Denied(String),
    /// The host could not be reached, or the exchange failed.
    Unavailable(String),
    /// The answer has more than this number of bytes.
    TooLong(usize),
}

/// Sends one request over a connection of its own.
pub(super) async fn send(
    target: &Target,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Response<Vec<u8>>, SendError> {
    let addresses = addresses(target).await?;
    let stream = connect(&addresses).await?;
    match target.scheme {
        Scheme::Http => exchange(stream, request, most).await,
        Scheme::Https => {
            let name =
                ServerName::try_from(target.host.to_string().trim_matches(['[', ']']).to_owned());
            let name = name.map_err(|error| unavailable(&error))?;
            let tls = tls(target.ca.as_deref()).map_err(SendError::Unavailable)?;
            let stream = TlsConnector::from(tls).connect(name, stream).await;
            exchange(stream.map_err(|error| unavailable(&error))?, request, most).await
        }
    }
}

/// Returns the addresses that may be connected to. The name is resolved only here.
async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, SendError> {
    let port = target.port;
    let found: Vec<SocketAddr> = match &target.host {
        Host::Ipv4(address) => vec![((*address), port).into()],
        Host::Ipv6(address) => vec![((*address), port).into()],
        Host::Domain(name) => {
            let found = timeout(CONNECT, lookup_host((&**name, port))).await;
            let found = found.map_err(|error| unavailable(&error))?;
            found.map_err(|error| unavailable(&error))?.collect()
        }
    };
    let is_literal = !matches!(target.host, Host::Domain(_));
    let may = |address: &IpAddr| {
        is_global(*address) || target.private && (is_literal || !is_link_local(*address))
    };
    let (good, bad): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| may(&found.ip()));
    match (good.is_empty(), bad.first()) {
        (false, _) => Ok(good),
        (true, Some(bad)) => {
            let host = &target.host;
            let address = bad.ip();
            let allow = if is_link_local(address) {
                "such an address is never reached by a name"
            } else {
                "`private = true` in its grant would allow it"
            };
            Err(SendError::Denied(format!(
                "{host} is {address}, which is not of the public internet; {allow}"
            )))
        }
        (true, None) => Err(SendError::Unavailable(format!("{} has no address", target.host))),
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, SendError> {
    let mut last = String::new();
    for address in addresses.iter().take(4) {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = format!("{address}: {error}"),
            Err(_) => last = format!("{address}: no connection within {} s", CONNECT.as_secs()),
        }
    }
    Err(SendError::Unavailable(last))
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Response<Vec<u8>>, SendError> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD).max_headers(HEADERS);
    let handshake = builder.handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| unavailable(&error))?;
    let conversation = async {
        let response = sender.send_request(request).await.map_err(|error| unavailable(&error))?;
        let (head, body) = response.into_parts();
        match Limited::new(body, most).collect().await {
            Ok(body) => Ok(Response::from_parts(head, body.to_bytes().to_vec())),
            Err(error) if error.downcast_ref::<LengthLimitError>().is_some() => {
                Err(SendError::TooLong(most))
            }
            Err(error) => Err(unavailable(&*error)),
        }
    };
    // In this same future, so that the connection ends with the call.
    tokio::pin!(connection, conversation);
    let mut is_open = true;
    loop {
        tokio::select! {
            done = &mut conversation => return done,
            _ = &mut connection, if is_open => is_open = false,
        }
    }
}

fn tls(ca: Option<&Path>) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    match ca {
        Some(path) => {
            let fail = |error: &dyn Error| format!("{}: {error}", path.display());
            for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fail(&error))? {
                let certificate = certificate.map_err(|error| fail(&error))?;
                roots.add(certificate).map_err(|error| fail(&error))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder =
        builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

/// Returns an error with its causes: "connection error" alone explains nothing.
fn unavailable(error: &dyn Error) -> SendError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    SendError::Unavailable(text)
}
