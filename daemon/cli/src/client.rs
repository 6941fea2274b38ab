//! A connection to the daemon.

use crate::{args::Args, failure::Failure};
use hyper_util::rt::TokioIo;
use std::{path::Path, time::Duration};
use tonic::{
    Request, Status,
    metadata::{Ascii, MetadataValue},
    service::Interceptor,
    service::interceptor::InterceptedService,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use windlass_proto::v1::{
    apps_client::AppsClient, clusters_client::ClustersClient, deliveries_client::DeliveriesClient,
    hooks_client::HooksClient, jobs_client::JobsClient, outbox_client::OutboxClient,
    plugins_client::PluginsClient, projects_client::ProjectsClient, queue_client::QueueClient,
    registries_client::RegistriesClient, releases_client::ReleasesClient,
    secrets_client::SecretsClient, sessions_client::SessionsClient,
};

pub(crate) type Service = InterceptedService<Channel, Token>;

/// Clients of all services, over one connection.
pub(crate) struct Client {
    pub(crate) apps: AppsClient<Service>,
    pub(crate) jobs: JobsClient<Service>,
    pub(crate) releases: ReleasesClient<Service>,
    pub(crate) secrets: SecretsClient<Service>,
    pub(crate) plugins: PluginsClient<Service>,
    pub(crate) projects: ProjectsClient<Service>,
    pub(crate) hooks: HooksClient<Service>,
    pub(crate) registries: RegistriesClient<Service>,
    pub(crate) clusters: ClustersClient<Service>,
    pub(crate) deliveries: DeliveriesClient<Service>,
    pub(crate) outbox: OutboxClient<Service>,
    pub(crate) sessions: SessionsClient<Service>,
    pub(crate) queue: QueueClient<Service>,
}

/// Interceptor that sends the token. `None` sends none.
#[derive(Clone)]
pub(crate) struct Token(Option<MetadataValue<Ascii>>);

impl Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

impl Client {
    pub(crate) async fn connect(args: &Args) -> Result<Self, Failure> {
        let away = |error: &dyn std::error::Error| {
            let mut cause = error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            let address = &args.address;
            Failure::unreachable(format!(
                "the daemon does not answer at {address}: {cause}\n  fix:  start windlassd, or name its address by --address or WINDLASS_ADDRESS"
            ))
        };
        let channel = match args.address.strip_prefix("unix://") {
            Some(path) => {
                let path = path.to_owned();
                let dial = tower::service_fn(move |_| {
                    let path = path.clone();
                    async move { tokio::net::UnixStream::connect(path).await.map(TokioIo::new) }
                });
                let endpoint = Endpoint::from_static("http://windlass");
                endpoint.connect_with_connector(dial).await.map_err(|error| away(&error))?
            }
            None => {
                let endpoint = Endpoint::from_shared(args.address.clone())
                    .map_err(|error| Failure::usage(format!("--address: {error}")))?
                    .connect_timeout(Duration::from_secs(5))
                    // Proxies may drop a connection without traffic.
                    .http2_keep_alive_interval(Duration::from_secs(30))
                    .keep_alive_timeout(Duration::from_secs(20));
                let endpoint = tls(endpoint, args)?;
                endpoint.connect().await.map_err(|error| away(&error))?
            }
        };
        let token = token(args)?;
        let with = || InterceptedService::new(channel.clone(), token.clone());
        Ok(Self {
            apps: AppsClient::new(with()),
            jobs: JobsClient::new(with()),
            releases: ReleasesClient::new(with()),
            secrets: SecretsClient::new(with()),
            plugins: PluginsClient::new(with()),
            projects: ProjectsClient::new(with()),
            hooks: HooksClient::new(with()),
            registries: RegistriesClient::new(with()),
            clusters: ClustersClient::new(with()),
            deliveries: DeliveriesClient::new(with()),
            outbox: OutboxClient::new(with()),
            sessions: SessionsClient::new(with()),
            queue: QueueClient::new(with()),
        })
    }
}

fn tls(endpoint: Endpoint, args: &Args) -> Result<Endpoint, Failure> {
    if !args.address.starts_with("https://") {
        return Ok(endpoint);
    }
    let read = |option: &str, path: &Path| {
        std::fs::read(path)
            .map_err(|error| Failure::usage(format!("{option}: {}: {error}", path.display())))
    };
    let mut config = match &args.ca {
        Some(path) => {
            ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read("--ca", path)?))
        }
        None => ClientTlsConfig::new().with_native_roots(),
    };
    if let (Some(certificate), Some(key)) = (&args.certificate, &args.key) {
        let identity = Identity::from_pem(read("--certificate", certificate)?, read("--key", key)?);
        config = config.identity(identity);
    }
    endpoint.tls_config(config).map_err(|error| Failure::usage(error.to_string()))
}

fn token(args: &Args) -> Result<Token, Failure> {
    let text = match (&args.token, &args.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(path)) => Some(std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("--token-file: {}: {error}", path.display()))
        })?),
        (None, None) => None,
    };
    let value = text.map(|text| format!("Bearer {}", text.trim()).parse());
    Ok(Token(value.transpose().map_err(|_| Failure::usage("the token holds what no header may"))?))
}
