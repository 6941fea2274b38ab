//! Serves the API on a unix socket and over TCP.

use crate::{
    door::{CallTimes, Door},
    front::Front,
    health::Health,
};
use axum::Router;
use std::{sync::Arc, time::Duration};
use tokio::net::{TcpListener, UnixListener};
use tonic::service::Routes;
use windlass_listen::{
    Callers, Forwarded, GateLimits, ListenError, Proxies, ServeLimits, Tls, serve_tcp, serve_unix,
};
use windlass_proto::v1::{
    DESCRIPTORS, apps_server::AppsServer, clusters_server::ClustersServer,
    deliveries_server::DeliveriesServer, hooks_server::HooksServer, jobs_server::JobsServer,
    outbox_server::OutboxServer, plugins_server::PluginsServer, projects_server::ProjectsServer,
    queue_server::QueueServer, registries_server::RegistriesServer,
    releases_server::ReleasesServer, secrets_server::SecretsServer,
    sessions_server::SessionsServer,
};
use windlass_service::Services;

/// Bytes of the largest request. No honest one is larger: a secret of 256 KiB and its name, or a registry's logins.
const LARGEST: usize = 1 << 20;

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
    /// Proxies that are believed when they say for whom they send.
    proxies: Proxies,
    /// Pages beside gRPC. `None` means that there are none.
    pages: Option<Router>,
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

impl ListenLimits {
    fn of(self, gate: GateLimits) -> ServeLimits {
        ServeLimits { gate, header: self.header, idle: self.idle }
    }
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
        Self { services, callers, health, limits, proxies: Proxies::default(), pages: None }
    }

    /// Believes these proxies when they say for whom they send.
    #[must_use]
    pub fn with_proxies(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// Serves pages at the same addresses: they get all requests that are not of gRPC, and identify their callers
    /// themselves.
    #[must_use]
    pub fn with_pages(self, pages: Router) -> Self {
        Self { pages: Some(pages), ..self }
    }

    /// Serves on a unix socket until `stop`.
    ///
    /// # Errors
    /// None today: it has the type of [`Self::serve_tcp`].
    pub async fn serve_unix(
        self,
        listener: UnixListener,
        stop: impl Future<Output = ()>,
    ) -> Result<(), ListenError> {
        let callers = self.callers.clone();
        let is_known = Box::new(move |uid| callers.knows_user(uid));
        let limits = self.limits.of(self.limits.unix);
        serve_unix("unix", listener, is_known, limits, self.front(), stop).await
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
    ) -> Result<(), ListenError> {
        let limits = self.limits.of(self.limits.tcp);
        let service = Forwarded::new(self.front(), self.proxies.clone());
        serve_tcp("tcp", listener, tls, limits, service, stop).await
    }

    fn front(&self) -> Front {
        let door = Door::new(self.routes(), self.callers.clone(), self.limits.calls);
        Front::new(door, self.pages.clone())
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
            .add_service(ClustersServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(ProjectsServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(RegistriesServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(HooksServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(DeliveriesServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(SessionsServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(OutboxServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
            .add_service(QueueServer::new(handlers.clone()).max_decoding_message_size(LARGEST))
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
