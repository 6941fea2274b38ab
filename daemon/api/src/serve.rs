//! Serves the API on a unix socket and over TCP.

use crate::{
    auth::Callers,
    door::{CallTimes, Door},
    health::Health,
    listen::{Gate, GateLimits, Incoming, UnixIncoming},
};
use std::{sync::Arc, time::Duration};
use tokio::net::{TcpListener, UnixListener};
use tonic::{
    service::Routes,
    transport::{Certificate, Error, Identity, Server, ServerTlsConfig},
};
use windlass_proto::v1::{
    DESCRIPTORS, apps_server::AppsServer, deliveries_server::DeliveriesServer,
    hooks_server::HooksServer, jobs_server::JobsServer, outbox_server::OutboxServer,
    plugins_server::PluginsServer, projects_server::ProjectsServer,
    releases_server::ReleasesServer, secrets_server::SecretsServer,
};
use windlass_service::Services;

/// Bytes of the largest request. No honest one is larger: a secret of 256 KiB and its name.
const LARGEST: usize = 1 << 20;

/// Bytes of the headers of a request, at most. A token is the longest of them.
const HEADERS: u32 = 16 << 10;

/// Number of requests at once on one connection.
const STREAMS: u32 = 64;

/// Time between two pings on a connection, and the time in which each must be answered.
const PINGS: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(20));

/// The use cases behind tonic's service traits.
#[derive(Clone)]
pub(crate) struct Handlers(pub(crate) Services);

/// Everything that both listeners share.
#[derive(Clone)]
pub struct Api {
    services: Services,
    callers: Arc<Callers>,
    health: Health,
    limits: ListenLimits,
}

/// Bounds of the listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenLimits {
    /// Connections of the unix socket.
    pub unix: GateLimits,
    /// Connections over TCP.
    pub tcp: GateLimits,
    /// Time from a connection's beginning to its first request of a known caller.
    pub header: Duration,
    /// Time that a connection may be without a request.
    pub idle: Duration,
    pub calls: CallTimes,
}

/// TLS settings of the TCP listener, all PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The server's certificate chain.
    pub certificate: Vec<u8>,
    /// Private key of `certificate`.
    pub key: Vec<u8>,
    /// CA that each client certificate must be of. `None` means that no client is asked for one.
    pub client_ca: Option<Vec<u8>>,
}

impl Api {
    /// Makes the API, without a listener.
    #[must_use]
    pub fn new(
        services: Services,
        callers: Arc<Callers>,
        health: Health,
        limits: ListenLimits,
    ) -> Self {
        Self { services, callers, health, limits }
    }

    /// Serves on a unix socket until `stop`.
    ///
    /// # Errors
    /// Fails if the server cannot go on.
    pub async fn serve_unix(
        self,
        listener: UnixListener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let callers = self.callers.clone();
        let is_known = Box::new(move |uid| callers.knows_user(uid));
        let gate = Gate::new("unix", self.limits.unix);
        let ListenLimits { header, idle, .. } = self.limits;
        let incoming = Incoming::new(UnixIncoming { listener, is_known }, gate, header, idle);
        self.server().serve_with_incoming_shutdown(self.door(), incoming, stop).await
    }

    /// Serves over TCP until `stop`.
    ///
    /// # Errors
    /// Fails if a certificate or key cannot be read.
    pub async fn serve_tcp(
        self,
        listener: TcpListener,
        tls: Option<Tls>,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let ListenLimits { header, idle, .. } = self.limits;
        let mut server = self.server();
        if let Some(tls) = tls {
            let identity = Identity::from_pem(tls.certificate, tls.key);
            let mut config = ServerTlsConfig::new().identity(identity).timeout(header);
            if let Some(ca) = tls.client_ca {
                config = config.client_ca_root(Certificate::from_pem(ca));
            }
            server = server.tls_config(config)?;
        }
        let gate = Gate::new("tcp", self.limits.tcp);
        let incoming = Incoming::new(listener, gate, header, idle);
        server.serve_with_incoming_shutdown(self.door(), incoming, stop).await
    }

    fn server(&self) -> Server {
        Server::builder()
            .http2_keepalive_interval(Some(PINGS.0))
            .http2_keepalive_timeout(Some(PINGS.1))
            .max_concurrent_streams(STREAMS)
            .http2_max_header_list_size(HEADERS)
    }

    fn door(&self) -> Door {
        Door::new(self.routes(), self.callers.clone(), self.limits.calls)
    }

    fn routes(&self) -> Routes {
        let handlers = Handlers(self.services.clone());
        let mut routes = Routes::builder();
        routes
            .add_service(self.health.service())
            .add_service(JobsServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(ReleasesServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(AppsServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(SecretsServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(ProjectsServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(HooksServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(DeliveriesServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(OutboxServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(PluginsServer::new(handlers).max_decoding_message_size(LARGEST));
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .build_v1();
        match reflection {
            Ok(service) => {
                routes.add_service(service);
            }
            Err(error) => tracing::error!(%error, "no reflection"),
        }
        routes.routes()
    }
}
