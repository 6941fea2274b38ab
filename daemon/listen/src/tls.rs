//! TLS of a listener, made from files in PEM.

use std::{fmt, sync::Arc};
use thiserror::Error;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        RootCertStore, ServerConfig,
        crypto::{CryptoProvider, ring},
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        server::{WebPkiClientVerifier, danger::ClientCertVerifier},
    },
};

/// Protocols that a client may choose, the preferred one first (ALPN).
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// TLS settings of a TCP listener, all PEM.
#[derive(Clone)]
pub struct Tls {
    /// The server's certificate chain.
    pub certificate: Vec<u8>,
    /// Private key of `certificate`.
    pub key: Vec<u8>,
    /// CA that each client certificate must be of. With it, a client without one is refused. `None` means that no client
    /// is asked for one.
    pub client_ca: Option<Vec<u8>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("client_ca", &self.client_ca.is_some()).finish_non_exhaustive()
    }
}

/// A listener that cannot serve.
#[derive(Debug, Error)]
pub enum ListenError {
    #[error(
        "listen.certificate: {0}; expected the server's chain in PEM, its own certificate first"
    )]
    Certificate(String),
    /// It never holds bytes of the key.
    #[error("listen.key: {0}; expected the private key of `listen.certificate` in PEM")]
    Key(String),
    #[error("listen.client-ca: {0}; expected certificates of authorities in PEM")]
    ClientCa(String),
    #[error("the library for TLS cannot be used: {0}")]
    Library(String),
}

/// Makes the acceptor of TLS connections. Clients choose HTTP/2 or HTTP/1.1.
pub(crate) fn acceptor(tls: &Tls) -> Result<TlsAcceptor, ListenError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| ListenError::Library(error.to_string()))?;
    let builder = match &tls.client_ca {
        Some(ca) => builder.with_client_cert_verifier(verifier(ca, provider)?),
        None => builder.with_no_client_auth(),
    };
    let chain = certificates(&tls.certificate).map_err(ListenError::Certificate)?;
    // The library's own error could repeat a line of the file.
    let key = PrivateKeyDer::from_pem_slice(&tls.key)
        .map_err(|_| ListenError::Key("no key can be read".into()))?;
    let mut config = builder
        .with_single_cert(chain, key)
        .map_err(|error| ListenError::Key(error.to_string()))?;
    config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).into();
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Makes the check of client certificates, which each client must show.
fn verifier(
    ca: &[u8],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, ListenError> {
    let mut roots = RootCertStore::empty();
    let all = certificates(ca).map_err(ListenError::ClientCa)?;
    let (_, ignored) = roots.add_parsable_certificates(all);
    if ignored > 0 {
        tracing::warn!(ignored, "listen.client-ca: some certificates are of no authority");
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| ListenError::ClientCa(error.to_string()))
}

/// Reads all certificates of a file, of which there must be one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let all = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let all = all.map_err(|error| format!("cannot be read: {error}"))?;
    if all.is_empty() {
        return Err("holds no certificate".into());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    fn good() -> Tls {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) =
            (cert.pem().into_bytes(), signing_key.serialize_pem().into_bytes());
        Tls { certificate, key, client_ca: None }
    }

    #[test]
    fn both_versions_of_http_are_offered() {
        let tls = good();
        let acceptor = acceptor(&Tls { client_ca: Some(tls.certificate.clone()), ..tls }).unwrap();
        assert_eq!(acceptor.config().alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    }

    #[test]
    fn a_file_that_cannot_be_used_is_named() {
        let other = good();
        for (tls, expected) in [
            (Tls { certificate: b"none".to_vec(), ..good() }, "listen.certificate: holds no cert"),
            (
                Tls { certificate: b"-----BEGIN CERTIFICATE-----\nAA==\n".to_vec(), ..good() },
                "listen.certificate: cannot be read",
            ),
            (Tls { key: b"s3cret".to_vec(), ..good() }, "listen.key: no key can be read"),
            (Tls { key: other.key.clone(), ..good() }, "listen.key: "),
            (Tls { client_ca: Some(other.key), ..good() }, "listen.client-ca: holds no cert"),
        ] {
            let error = acceptor(&tls).err().unwrap().to_string();
            assert!(error.starts_with(expected) && !error.contains("s3cret"), "{error}");
        }
    }
}
