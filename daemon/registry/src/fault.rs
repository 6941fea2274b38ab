//! The reason why a registry cannot be used as it was put.

use std::fmt;
use windlass_dial::DialError;

/// Reason why a registry cannot be used, and what to do. Neither holds a login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub message: String,
    /// Advice to whoever put the registry.
    pub fix: String,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { message: message.into(), fix: fix.into() }
    }

    /// Returns the fault for a host that could not be asked.
    pub(crate) fn no_answer(host: &str, error: &DialError) -> Self {
        let why = match error {
            DialError::Denied { .. } => {
                return Self::new(
                    error.to_string(),
                    "name a registry of the public internet, or have the operator name its network in `own-registries.private-addresses`",
                );
            }
            DialError::Unavailable(why) => why,
        };
        // The words of rustls for an answer that is not of TLS.
        if why.contains("corrupt message") {
            return Self::new(
                format!("{host} answers without TLS: a login would go there in clear"),
                "serve it over HTTPS, or have the operator name the host in `own-registries.plain-http`",
            );
        }
        if why.contains("invalid peer certificate") {
            return Self::new(
                format!("{host} has a certificate that is not trusted: {why}"),
                "mend the certificate, or have the operator name its authority in `own-registries.ca`",
            );
        }
        Self::new(
            format!("{host} does not answer: {why}"),
            "see that the registry runs, and that the daemon reaches it",
        )
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
