//! Serves the API on a unix socket and over TCP.

use crate::{
    auth::{Access, AuthInterceptor},
    unix::UnixConnection,
};
use std::{net::SocketAddr, sync::Arc};
use tokio::net::UnixListener;
use tokio_stream::{StreamExt, wrappers::UnixListenerStream};
use tonic::{
    service::Routes,
    transport::{Certificate, Error, Identity, Server, ServerTlsConfig},
};
use windlass_proto::v1::{
    DESCRIPTORS, apps_server::AppsServer, jobs_server::JobsServer, plugins_server::PluginsServer,
    releases_server::ReleasesServer, secrets_server::SecretsServer,
};
use windlass_service::Services;

/// Bytes of the largest request. No honest one is larger: a secret of 256 KiB and its name.
const LARGEST: usize = 1 << 20;

/// The use cases behind tonic's service traits.
#[derive(Clone)]
pub(crate) struct Door(pub(crate) Services);

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

async fn routes(services: Services, access: Arc<Access>) -> Routes {
    let door = Door(services);
    let auth = AuthInterceptor(access);
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<JobsServer<Door>>().await;
    let mut routes = Routes::builder();
    routes
        .add_service(health_service)
        .add_service(tonic::service::interceptor::InterceptedService::new(
            JobsServer::new(door.clone()).max_decoding_message_size(LARGEST),
            auth.clone(),
        ))
        .add_service(tonic::service::interceptor::InterceptedService::new(
            ReleasesServer::new(door.clone()).max_decoding_message_size(LARGEST),
            auth.clone(),
        ))
        .add_service(tonic::service::interceptor::InterceptedService::new(
            AppsServer::new(door.clone()).max_decoding_message_size(LARGEST),
            auth.clone(),
        ))
        .add_service(tonic::service::interceptor::InterceptedService::new(
            SecretsServer::new(door.clone()).max_decoding_message_size(LARGEST),
            auth.clone(),
        ))
        .add_service(tonic::service::interceptor::InterceptedService::new(
            PluginsServer::new(door).max_decoding_message_size(LARGEST),
            auth,
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
pub async fn serve_unix(
    listener: UnixListener,
    services: Services,
    access: Arc<Access>,
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let connections =
        UnixListenerStream::new(listener).map(|stream| stream.map(UnixConnection::new));
    Server::builder()
        .add_routes(routes(services, access).await)
        .serve_with_incoming_shutdown(connections, stop)
        .await
}

/// Serves over TCP until `stop`.
///
/// # Errors
/// Fails if the TCP port is taken, or a certificate or key cannot be read.
pub async fn serve_tcp(
    address: SocketAddr,
    tls: Option<Tls>,
    services: Services,
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
    server.add_routes(routes(services, access).await).serve_with_shutdown(address, stop).await
}
