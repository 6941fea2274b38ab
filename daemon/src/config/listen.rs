//! `[listen]`: where the daemon listens, and the bounds of connections.

use schemars::JsonSchema;
use serde::Deserialize;
use std::{net::SocketAddr, path::PathBuf};

/// Addresses at which clients reach the daemon. `unix` and `tcp` serve the same services.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Listen {
    /// Path of the unix socket. Default: `windlass.sock` in `data`.
    pub(crate) unix: Option<PathBuf>,
    /// User ids that may do everything over the unix socket, beside root and the daemon's own.
    pub(crate) uids: Vec<u32>,
    /// Address and port for TCP, such as `0.0.0.0:7443`. Without it the daemon listens on the unix socket
    /// only. Callers need a token or a certificate of `[[principals]]`.
    pub(crate) tcp: Option<SocketAddr>,
    /// URL at which people reach `tcp`, such as `https://deploy.example.com`. Links in messages begin with it; without it
    /// messages have none. Login links begin with it, too. It needs `tcp`.
    pub(crate) url: Option<String>,
    /// Serves the page at `tcp`, and at the unix socket. A person logs in with the token of a principal. The page answers
    /// under the host of `url`, under addresses and under `localhost`, and under no other name.
    pub(crate) page: bool,
    /// Address and port for webhooks of forges, such as `0.0.0.0:8443`. Without it none are taken. Nothing else is
    /// served there, so that `tcp` need not face the Internet. It speaks TLS with `certificate`, and asks no
    /// client for one of `client-ca`; without `certificate` it needs a proxy in front of it that speaks TLS.
    pub(crate) hooks: Option<SocketAddr>,
    /// URL at which forges reach `hooks`, such as `https://deploy.example.com`. The addresses of new hooks begin with it.
    /// Without it they are printed as paths. It needs `hooks`.
    pub(crate) hooks_url: Option<String>,
    /// Address and port for health and metrics over plain HTTP, such as `127.0.0.1:9464`. Without it there is no such
    /// listener. It asks nobody for a login: choose loopback, or an address that only probes and monitoring reach.
    pub(crate) admin: Option<SocketAddr>,
    /// Networks of reverse proxies in front of `tcp` and `hooks`, such as `10.0.0.0/8`. Of a request from there, the
    /// right-most address of `X-Forwarded-For` that is in none of them counts as the caller's, for the limits of webhooks
    /// and of failed logins, and for the log. Of all other requests the header is not read.
    pub(crate) trusted_proxies: Vec<String>,
    /// PEM file with the certificate chain for TLS. An address that other hosts reach needs it.
    pub(crate) certificate: Option<PathBuf>,
    /// PEM file with the key of `certificate`.
    pub(crate) key: Option<PathBuf>,
    /// PEM file with a certificate authority. With it, each client must show a certificate of this
    /// authority.
    pub(crate) client_ca: Option<PathBuf>,
    /// Number of connections at once, at most. A quarter of them is kept for the unix socket. `tcp`, `hooks` and
    /// `admin` share the others alike. Half of the files that the daemon may open (`LimitNOFILE`) is the limit
    /// where it is less.
    pub(crate) max_connections: usize,
    /// Number of connections at once of one peer: a user id on the unix socket; an IPv4 address, or an IPv6
    /// network of 64 bits, over TCP.
    pub(crate) max_connections_per_peer: usize,
    /// Seconds from a connection's beginning until a caller who may call has sent a request. A connection
    /// without one is closed.
    pub(crate) header_seconds: u64,
    /// Seconds that a connection may be without a request. It is closed then; clients connect again by
    /// themselves.
    pub(crate) idle_seconds: u64,
    /// Seconds until a call is answered, at most. Streams go on after their answer. A call that reads a
    /// repository or loads plugins has twice `plan-seconds` more.
    pub(crate) request_seconds: u64,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            unix: None,
            uids: Vec::new(),
            tcp: None,
            url: None,
            page: true,
            hooks: None,
            hooks_url: None,
            admin: None,
            trusted_proxies: Vec::new(),
            certificate: None,
            key: None,
            client_ca: None,
            max_connections: 2000,
            max_connections_per_peer: 400,
            header_seconds: 10,
            idle_seconds: 900,
            request_seconds: 120,
        }
    }
}
