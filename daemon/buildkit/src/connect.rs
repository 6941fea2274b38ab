//! Addresses of builders: a buildkitd, or the BuildKit of a Docker engine.

use crate::docker;
use hyper_util::rt::TokioIo;
use std::{fmt, path::PathBuf, str::FromStr, time::Duration};
use thiserror::Error;
use tonic::transport::{Channel, Endpoint, Error};
use tower::service_fn;

/// Largest headers and trailers, in bytes, with 32 for each entry (HTTP/2), of calls to BuildKit and of its calls
/// back.
///
/// Error details (the whole Dockerfile, base64 twice) travel in trailers. hyper's own limit of 16 KiB
/// turns them into `h2 protocol error`.
pub(crate) const LARGEST_HEADERS: u32 = 16 << 20;

/// Largest message of a session or of the gateway, in bytes.
pub(crate) const LARGEST_MESSAGE: usize = 16 << 20;

/// Address of a builder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `unix:///run/buildkit/buildkitd.sock`.
    Unix(PathBuf),
    /// `tcp://host:port`, without TLS: for loopback and for networks of your own.
    Tcp(String),
    /// `docker://`, or `docker:///path/to.sock`: the BuildKit of a Docker engine.
    Docker(PathBuf),
}

/// Socket of a Docker engine unless an address names another.
const DOCKER: &str = "/var/run/docker.sock";

/// Error for an address of no known kind.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error(
    "`{0}` is no builder's address; expected unix:///path, tcp://host:port, docker:// or docker:///path"
)]
pub struct AddressError(String);

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.split_once("://") {
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            Some(("tcp", host)) if host.contains(':') => Ok(Self::Tcp(host.into())),
            Some(("docker", "")) => Ok(Self::Docker(DOCKER.into())),
            Some(("docker", path)) if path.starts_with('/') => Ok(Self::Docker(path.into())),
            _ => Err(AddressError(text.into())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
            Self::Tcp(host) => write!(f, "tcp://{host}"),
            Self::Docker(path) => write!(f, "docker://{}", path.display()),
        }
    }
}

impl Address {
    /// Opens a connection, or fails when nothing answers within five seconds.
    ///
    /// Calls have no timeout, since a solve may take an hour. No HTTP/2 pings are sent, since grpc-go
    /// answers the third with `too_many_pings`.
    pub(crate) async fn connect(&self) -> Result<Channel, Error> {
        let target = match self {
            Self::Unix(_) | Self::Docker(_) => "http://buildkit".to_owned(),
            Self::Tcp(host) => format!("http://{host}"),
        };
        let endpoint = Endpoint::from_shared(target)?
            .connect_timeout(Duration::from_secs(5))
            .tcp_keepalive(Some(Duration::from_secs(30)))
            .initial_stream_window_size(1 << 20)
            .initial_connection_window_size(4 << 20)
            .http2_max_header_list_size(LARGEST_HEADERS);
        match self {
            Self::Tcp(_) => endpoint.connect().await,
            Self::Unix(path) => {
                let path = path.clone();
                let dial = service_fn(move |_| {
                    let path = path.clone();
                    async move { tokio::net::UnixStream::connect(path).await.map(TokioIo::new) }
                });
                endpoint.connect_with_connector(dial).await
            }
            Self::Docker(path) => {
                let path = path.clone();
                let dial = service_fn(move |_| {
                    let path = path.clone();
                    async move { docker::dial(&path).await }
                });
                endpoint.connect_with_connector(dial).await
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn addresses_are_read_and_written_alike() {
        for text in ["unix:///run/b.sock", "tcp://127.0.0.1:1234", "docker:///run/docker.sock"] {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        let default: Address = "docker://".parse().unwrap();
        assert_eq!(default.to_string(), "docker:///var/run/docker.sock");
        for text in ["docker", "docker:", "docker://host:2375", "unix://b.sock", "tcp://host", ""] {
            let error = text.parse::<Address>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{text}`")) && error.contains("docker://"), "{error}");
        }
    }
}
