//! Errors that end the daemon.

/// Any error that ends the daemon, as a person should read it.
pub(crate) type Fault = Box<dyn std::error::Error + Send + Sync>;
