//! Serving, on a unix socket and over TCP.

use crate::{
    apps::Inspector,
    auth::{Access, AuthInterceptor},
    jobs::Planner,
    unix::UnixConnection,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::{net::UnixListener, sync::mpsc};
use tokio_stream::{StreamExt, wrappers::UnixListenerStream};
use tonic::{
    service::Routes,
    transport::{Certificate, Error, Identity, Server, ServerTlsConfig},
};
use windlass_engine::{
    queue,
    records::{JobUpdates, Jobs, PluginRecords, Releases, SecretRecords},
};
use windlass_model::cluster::Targets;
use windlass_proto::v1::{
    DESCRIPTORS, apps_server::AppsServer, jobs_server::JobsServer, plugins_server::PluginsServer,
    releases_server::ReleasesServer, secrets_server::SecretsServer,
};

/// No honest request is larger: a secret of 256 KiB and its name.
const LARGEST: usize = 1 << 20;

/// What the services work with.
#[derive(Clone)]
pub struct Services {
    /// Jobs and their events.
    pub jobs: Arc<dyn Jobs>,
    /// Which jobs have new events.
    pub updates: Arc<dyn JobUpdates>,
    /// Releases that succeeded.
    pub releases: Arc<dyn Releases>,
    /// Sealed secrets.
    pub secrets: Arc<dyn SecretRecords>,
    /// The plugins of this daemon.
    pub plugins: Arc<dyn PluginRecords>,
    /// The operator's clusters.
    pub targets: Arc<Targets>,
    /// Says what a job would do.
    pub planner: Arc<dyn Planner>,
    /// Looks at what serves.
    pub inspector: Arc<dyn Inspector>,
    /// The dispatcher's ear.
    pub queue: mpsc::UnboundedSender<queue::Message>,
}

/// How TCP is encrypted, all PEM.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The server's certificate chain.
    pub certificate: Vec<u8>,
    /// Its key.
    pub key: Vec<u8>,
    /// Clients must show a certificate of this CA.
    pub client_ca: Option<Vec<u8>>,
}

async fn routes(desk: Services, access: Arc<Access>) -> Routes {
    let gate = AuthInterceptor(access);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<JobsServer<Services>>().await;
    let mut routes = Routes::builder();
    routes
        .add_service(health_service)
        .add_service(tonic::service::interceptor::InterceptedService::new(
            JobsServer::new(desk.clone()).max_decoding_message_size(LARGEST),
            gate.clone(),
        ))
        .add_service(tonic::service::interceptor::InterceptedService::new(
            ReleasesServer::new(desk.clone()).max_decoding_message_size(LARGEST),
            gate.clone(),
        ))
        .add_service(tonic::service::interceptor::InterceptedService::new(
            AppsServer::new(desk.clone()).max_decoding_message_size(LARGEST),
            gate.clone(),
        ))
        .add_service(tonic::service::interceptor::InterceptedService::new(
            SecretsServer::new(desk.clone()).max_decoding_message_size(LARGEST),
            gate.clone(),
        ))
        .add_service(tonic::service::interceptor::InterceptedService::new(
            PluginsServer::new(desk).max_decoding_message_size(LARGEST),
            gate,
        ));
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

/// Serves on a unix socket until `stop`.
///
/// # Errors
/// What the transport says.
pub async fn serve_unix(
    listener: UnixListener,
    desk: Services,
    access: Arc<Access>,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let connections =
        UnixListenerStream::new(listener).map(|stream| stream.map(UnixConnection::new));
    Server::builder()
        .add_routes(routes(desk, access).await)
        .serve_with_incoming_shutdown(connections, stop)
        .await
}

/// Serves over TCP until `stop`.
///
/// # Errors
/// A port that is taken, a certificate that cannot be read.
pub async fn serve_tcp(
    address: SocketAddr,
    tls: Option<Tls>,
    desk: Services,
    access: Arc<Access>,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let mut server = Server::builder();
    if let Some(tls) = tls {
        let mut config =
            ServerTlsConfig::new().identity(Identity::from_pem(tls.certificate, tls.key));
        if let Some(ca) = tls.client_ca {
            config = config.client_ca_root(Certificate::from_pem(ca));
        }
        server = server.tls_config(config)?;
    }
    server.add_routes(routes(desk, access).await).serve_with_shutdown(address, stop).await
}
