//! Certificate authorities that servers are checked against.

use std::{
    error::Error,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};

/// Certificate authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The system's.
    System,
    /// A PEM file's alone.
    File(PathBuf),
    /// The system's and a PEM file's.
    SystemAndFile(PathBuf),
}

impl Trust {
    /// Reads the authorities, and returns the settings of TLS that trust them.
    ///
    /// # Errors
    /// The fault of a file, with its path.
    pub fn config(&self) -> Result<Arc<ClientConfig>, String> {
        let mut roots = RootCertStore::empty();
        if !matches!(self, Self::File(_)) {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        if let Self::File(path) | Self::SystemAndFile(path) = self {
            add(&mut roots, path)?;
        }
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let builder =
            builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())?;
        Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
    }
}

fn add(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let fail = |error: &dyn Error| format!("{}: {error}", path.display());
    let before = roots.len();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| fail(&error))? {
        let certificate = certificate.map_err(|error| fail(&error))?;
        roots.add(certificate).map_err(|error| fail(&error))?;
    }
    if roots.len() == before {
        return Err(format!("{}: holds no certificate in PEM", path.display()));
    }
    Ok(())
}
