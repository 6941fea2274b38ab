//! Connections to servers of repositories: parsed once, resolved once, made to an address that was checked.

use crate::{
    egress::{Egress, port},
    local::is_lack,
    protocol::FetchError,
    sockets::{Channel, Sockets},
};
use rustls_native_certs::ErrorKind;
use std::{
    collections::BTreeMap,
    error::Error,
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{task::spawn_blocking, time::timeout};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};
use url::{Host, Url};

/// Longest wait for a name, for one address, and for TLS.
const CONNECT: Duration = Duration::from_secs(10);

/// Addresses of one host that are tried.
const TRIED: usize = 4;

/// Names that one checkout may ask for.
const NAMES: usize = 256;

/// Egress policy and sockets that all checkouts of a daemon share.
pub(crate) struct Network {
    egress: Egress,
    sockets: Box<dyn Sockets>,
}

/// Servers of one checkout. Each name is resolved once, and stays what it was then.
pub(crate) struct Servers {
    network: Arc<Network>,
    resolved: BTreeMap<(String, u16), Vec<SocketAddr>>,
    /// `None` means that no server was reached with TLS so far.
    tls: Option<Arc<ClientConfig>>,
}

impl Network {
    /// Makes the network. Fails if the file of `egress.ca` cannot be read.
    pub(crate) fn new(egress: Egress, sockets: Box<dyn Sockets>) -> io::Result<Self> {
        if egress.ca.is_some() {
            tls(egress.ca.as_deref())?;
        }
        Ok(Self { egress, sockets })
    }
}

impl Servers {
    pub(crate) fn new(network: Arc<Network>) -> Self {
        Self { network, resolved: BTreeMap::new(), tls: None }
    }

    /// Checks a repository's URL by the egress policy, and returns the one to connect to.
    pub(crate) async fn admit(&mut self, text: &str) -> Result<Url, FetchError> {
        let url = self.network.egress.read(text)?;
        let addresses = self.addresses(&url).await?;
        self.network.egress.admit(&url, &addresses)?;
        Ok(url)
    }

    /// Connects to a URL's host, with TLS where its scheme is https.
    pub(crate) async fn connect(&mut self, url: &Url) -> Result<Box<dyn Channel>, FetchError> {
        // The same parts, the same addresses: what was checked is what is used.
        let url = self.admit(url.as_str()).await?;
        let addresses = self.addresses(&url).await?;
        let channel = self.dial(&addresses).await?;
        if url.scheme() != "https" {
            return Ok(channel);
        }
        let name = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(name).map_err(|error| unreachable(&error))?;
        let connecting = TlsConnector::from(self.tls().await?).connect(name, channel);
        match timeout(CONNECT, connecting).await {
            Ok(Ok(channel)) => Ok(Box::new(channel)),
            Ok(Err(error)) => Err(unreachable(&error)),
            Err(_) => {
                let seconds = CONNECT.as_secs();
                Err(FetchError::Unreachable(format!("no TLS within {seconds} s")))
            }
        }
    }

    /// Returns whether a login may be sent to a URL: with TLS, or within this machine.
    pub(crate) async fn is_confidential(&mut self, url: &Url) -> Result<bool, FetchError> {
        if url.scheme() == "https" {
            return Ok(true);
        }
        Ok(self.addresses(url).await?.iter().map(SocketAddr::ip).all(|ip| ip.is_loopback()))
    }

    /// Returns the addresses of a URL's host. A name is asked for once.
    async fn addresses(&mut self, url: &Url) -> Result<Vec<SocketAddr>, FetchError> {
        let port = port(url);
        let name = match url.host() {
            Some(Host::Ipv4(address)) => return Ok(vec![(address, port).into()]),
            Some(Host::Ipv6(address)) => return Ok(vec![(address, port).into()]),
            // Of `git://`, whose addresses the parser does not read.
            Some(Host::Domain(name)) => name.trim_matches(['[', ']']).to_owned(),
            None => return Err(FetchError::Unreachable("it has no host".into())),
        };
        if let Ok(address) = name.parse::<IpAddr>() {
            return Ok(vec![(address, port).into()]);
        }
        let key = (name, port);
        if let Some(found) = self.resolved.get(&key) {
            return Ok(found.clone());
        }
        let failed =
            |why: String| FetchError::Unreachable(format!("its name does not resolve: {why}"));
        if self.resolved.len() >= NAMES {
            return Err(FetchError::Other(format!(
                "the checkout asks for more than {NAMES} servers"
            )));
        }
        let found = timeout(CONNECT, self.network.sockets.resolve(&key.0, port)).await;
        let found =
            found.map_err(|_| failed(format!("no answer within {} s", CONNECT.as_secs())))?;
        let found = found.map_err(|error| {
            lacking("cannot resolve a name", &error).unwrap_or_else(|| failed(error.to_string()))
        })?;
        if found.is_empty() {
            return Err(failed("it has no address".into()));
        }
        self.resolved.insert(key, found.clone());
        Ok(found)
    }

    /// Returns the settings of TLS. Each checkout reads them once, so that it knows the authorities of today.
    async fn tls(&mut self) -> Result<Arc<ClientConfig>, FetchError> {
        if let Some(tls) = &self.tls {
            return Ok(tls.clone());
        }
        let ca = self.network.egress.ca.clone();
        let read = spawn_blocking(move || tls(ca.as_deref())).await.map_err(io::Error::other);
        let tls = read.flatten().map_err(|error| {
            lacking("cannot read the system's certificate authorities", &error)
                .unwrap_or_else(|| FetchError::Other(error.to_string()))
        })?;
        self.tls = Some(tls.clone());
        Ok(tls)
    }

    async fn dial(&self, addresses: &[SocketAddr]) -> Result<Box<dyn Channel>, FetchError> {
        let mut last = String::new();
        for address in addresses.iter().take(TRIED) {
            match timeout(CONNECT, self.network.sockets.connect(*address)).await {
                Ok(Ok(channel)) => return Ok(channel),
                Ok(Err(error)) => {
                    if let Some(lack) = lacking("cannot open a socket", &error) {
                        return Err(lack);
                    }
                    last = format!("{address}: {error}");
                }
                Err(_) => last = format!("{address}: no connection within {} s", CONNECT.as_secs()),
            }
        }
        Err(FetchError::Unreachable(last))
    }
}

fn tls(ca: Option<&Path>) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let unread = native.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let lack = native.errors.into_iter().find_map(|error| match error.kind {
        ErrorKind::Io { inner, .. } if is_lack(&inner) => Some(inner),
        _ => None,
    });
    // A part of the authorities would make other servers' certificates wrong.
    if let Some(lack) = lack {
        return Err(lack);
    }
    roots.add_parsable_certificates(native.certs);
    if let Some(path) = ca {
        let failed =
            |why: String| io::Error::other(format!("egress.ca: {}: {why}", path.display()));
        let before = roots.len();
        for certificate in
            CertificateDer::pem_file_iter(path).map_err(|error| failed(error.to_string()))?
        {
            let certificate = certificate.map_err(|error| failed(error.to_string()))?;
            roots.add(certificate).map_err(|error| failed(error.to_string()))?;
        }
        if roots.len() == before {
            return Err(failed("it holds no certificate in PEM".into()));
        }
    }
    if roots.is_empty() {
        return Err(io::Error::other(format!(
            "this machine has no certificate authorities ({unread}): install `ca-certificates`, or set `egress.ca`"
        )));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(io::Error::other)?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Converts an error of this machine. `None` means that the machine lacks nothing. `deed` is such as "cannot open a
/// socket".
fn lacking(deed: &str, error: &io::Error) -> Option<FetchError> {
    is_lack(error).then(|| FetchError::Local(format!("{deed}: {error}")))
}

/// Converts an error with its causes: "connection error" alone explains nothing.
pub(crate) fn unreachable(error: &dyn Error) -> FetchError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    FetchError::Unreachable(text)
}

#[cfg(test)]
mod tests;
