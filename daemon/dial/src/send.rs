//! One request to a checked address.

use crate::{
    connect::{addresses, connect},
    error::{DialError, unavailable},
    exchange::{Answer, exchange},
};
use http::Request;
use http_body_util::Full;
use hyper::body::Bytes;
use std::{net::IpAddr, sync::Arc};
use tokio_rustls::{
    TlsConnector,
    rustls::{ClientConfig, pki_types::ServerName},
};
use url::Host;

/// Server of a request.
pub struct Target {
    pub host: Host<String>,
    pub port: u16,
    /// Settings of TLS. `None` means that the request is sent in clear.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Sends one request over a connection of its own, to an address that `may` be connected to. Reads at most `most`
/// bytes of the answer's body. The caller bounds the time.
///
/// # Errors
/// [`DialError::Denied`] if the host has addresses, and `may` refuses all of them.
pub async fn send(
    target: &Target,
    may: impl Fn(IpAddr) -> bool,
    request: Request<Full<Bytes>>,
    most: usize,
) -> Result<Answer, DialError> {
    let addresses = addresses(&target.host, target.port, may).await?;
    let stream = connect(&addresses).await?;
    let Some(tls) = &target.tls else { return exchange(stream, request, most).await };
    let name = target.host.to_string().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(name).map_err(|error| unavailable(&error))?;
    let stream = TlsConnector::from(tls.clone()).connect(name, stream).await;
    exchange(stream.map_err(|error| unavailable(&error))?, request, most).await
}
