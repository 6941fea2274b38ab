//! Connections to clusters of projects' own: over TLS, to addresses that the operator allows.
//!
//! A name is resolved at each connection, and each of its addresses is checked. Redirects are not followed. Answers are
//! bounded, since a stranger may run the server.

use super::{
    bounded::{Bounded, Bounding},
    connect::{CONNECT, ConnectError, QUEUED, retries, set_up},
};
use futures::future::BoxFuture;
use http::{Request, Response, Uri};
use hyper_timeout::TimeoutConnector;
use hyper_util::{
    client::legacy::{
        Builder,
        connect::{HttpConnector, dns::Name},
    },
    rt::TokioExecutor,
};
use kube::{
    Config,
    client::{Body, ClientBuilder, ConfigExt},
    config::{KubeConfigOptions, Kubeconfig},
};
use std::{
    error::Error,
    fmt,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    task::{Context, Poll},
    vec,
};
use tokio::net::lookup_host;
use tower::{BoxError, Service, ServiceBuilder, buffer::BufferLayer, util::BoxService};
use windlass_model::own::cluster::AllowedClusters;

/// Refusal to connect to a host, since the operator does not allow it.
#[derive(Debug)]
pub(crate) enum Denied {
    /// The host is none of `own-clusters.allow`.
    Host(String),
    /// The host has an address that is not allowed.
    Address { host: String, address: IpAddr },
    /// The connection would be without TLS.
    Clear(String),
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Host(host) => write!(f, "{host} is none of the operator's `own-clusters.allow`"),
            Self::Address { host, address } => write!(
                f,
                "{host} is {address}, which is neither public nor in the operator's `own-clusters.private-addresses`"
            ),
            Self::Clear(server) => {
                write!(f, "{server} is not https, and `own-clusters.allow` is for nothing else")
            }
        }
    }
}

impl Error for Denied {}

/// Returns whether an error is, or comes from, a refusal of the operator's.
pub(super) fn is_denied(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<Denied>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Prepares a connection by a kubeconfig that was checked.
pub(super) async fn connect(
    kubeconfig: Kubeconfig,
    allowed: &Arc<AllowedClusters>,
) -> Result<kube::Client, ConnectError> {
    let mut config =
        Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    check(&config.cluster_url, allowed)?;
    set_up(&mut config);
    let mut connector = HttpConnector::new_with_resolver(Resolver(allowed.clone()));
    connector.enforce_http(false);
    let mut https = config.rustls_https_connector_with_connector(connector)?;
    https.enforce_https();
    let mut connector = TimeoutConnector::new(https);
    connector.set_connect_timeout(Some(CONNECT));
    connector.set_write_timeout(config.write_timeout);
    let client = Builder::new(TokioExecutor::new()).build::<_, Body>(connector);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(client);
    let service: BoxService<Request<Body>, Response<Bounded>, BoxError> =
        BoxService::new(Bounding(service));
    let builder = ClientBuilder::new(service, config.default_namespace);
    Ok(builder.with_layer(&BufferLayer::new(QUEUED)).with_layer(&retries()?).build())
}

/// Checks the address of an API server, as far as it can be before the name is resolved.
pub(crate) fn check(server: &Uri, allowed: &AllowedClusters) -> Result<(), Denied> {
    if server.scheme_str() != Some("https") {
        return Err(Denied::Clear(server.to_string()));
    }
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    if !allowed.admits_host(host) {
        return Err(Denied::Host(host.to_owned()));
    }
    // An address is connected to without a resolver.
    match host.parse::<IpAddr>() {
        Ok(address) if !allowed.admits_address(address) => {
            Err(Denied::Address { host: host.to_owned(), address })
        }
        _ => Ok(()),
    }
}

/// Resolver of names whose addresses are all allowed.
#[derive(Clone)]
struct Resolver(Arc<AllowedClusters>);

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let allowed = self.0.clone();
        Box::pin(async move {
            // The connector sets the port.
            let found: Vec<_> = lookup_host((name.as_str(), 0)).await?.collect();
            Ok(admitted(name.as_str(), found, &allowed)?.into_iter())
        })
    }
}

/// Returns the addresses of a host, if all of them are allowed: a connection may be made to any.
fn admitted(
    host: &str,
    found: Vec<SocketAddr>,
    allowed: &AllowedClusters,
) -> Result<Vec<SocketAddr>, Denied> {
    match found.iter().map(SocketAddr::ip).find(|address| !allowed.admits_address(*address)) {
        Some(address) => Err(Denied::Address { host: host.to_owned(), address }),
        None => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    fn allowed(hosts: &[&str], networks: &[&str]) -> Arc<AllowedClusters> {
        let strings = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        Arc::new(AllowedClusters::parse(&strings(hosts), &strings(networks)).unwrap())
    }

    fn kubeconfig(server: &str) -> Kubeconfig {
        let text = format!(
            "current-context: it\nclusters:\n- name: it\n  cluster: {{ server: \"{server}\" }}\n\
             users:\n- name: it\n  user: {{ token: hunter22 }}\ncontexts:\n- name: it\n  context: {{ cluster: it, user: it }}\n"
        );
        Kubeconfig::from_yaml(&text).unwrap()
    }

    #[test]
    fn a_server_is_checked_before_its_name_is_resolved() {
        for (server, hosts, networks, message) in [
            ("http://k8s.example", &["*"][..], &[][..], "is not https"),
            ("https://k8s.example", &["other.example"], &[], "k8s.example is none of"),
            ("https://127.0.0.1:6443", &["*"], &[], "127.0.0.1 is 127.0.0.1, which is neither"),
            ("https://[::1]:6443", &["*"], &["127.0.0.0/8"], "::1 is ::1"),
        ] {
            let error = check(&server.parse().unwrap(), &allowed(hosts, networks)).unwrap_err();
            assert!(error.to_string().contains(message), "{server}: {error}");
        }
        check(&"https://k8s.example".parse().unwrap(), &allowed(&["*"], &[])).unwrap();
        let loopback = allowed(&["127.0.0.1"], &["127.0.0.1"]);
        check(&"https://127.0.0.1:6443".parse().unwrap(), &loopback).unwrap();
    }

    /// One private address among public ones refuses the host.
    #[test]
    fn all_addresses_of_a_host_are_checked() {
        let at = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let found = at(&["1.1.1.1:0", "10.0.0.1:0"]);
        let error = admitted("k8s.example", found.clone(), &allowed(&["*"], &[])).unwrap_err();
        assert!(error.to_string().starts_with("k8s.example is 10.0.0.1"), "{error}");
        assert_eq!(
            admitted("k8s.example", found.clone(), &allowed(&["*"], &["10.0.0.0/8"])).unwrap(),
            found
        );
    }

    /// By the whole stack: nothing is sent to the listener, though the host is allowed.
    #[tokio::test]
    async fn a_name_that_leads_to_a_private_address_is_not_connected_to() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = format!("https://localhost:{port}");
        let client = connect(kubeconfig(&server), &allowed(&["localhost"], &[])).await.unwrap();
        let accepted = async {
            listener.accept().await.unwrap();
        };
        let answer = tokio::select! {
            answer = client.apiserver_version() => answer,
            () = accepted => panic!("it was connected to"),
        };
        let error = answer.unwrap_err();
        assert!(is_denied(&error), "{error:?}");
    }

    /// The same, where the operator allows the address: the connection is made, and begins with TLS.
    #[tokio::test]
    async fn an_allowed_private_address_is_connected_to_over_tls() {
        use tokio::io::AsyncReadExt;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = format!("https://127.0.0.1:{port}");
        let allowed = allowed(&["127.0.0.1"], &["127.0.0.0/8"]);
        let client = connect(kubeconfig(&server), &allowed).await.unwrap();
        let first = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.read_u8().await.unwrap()
        };
        let byte = tokio::select! {
            answer = client.apiserver_version() => panic!("{answer:?}"),
            byte = first => byte,
        };
        assert_eq!(byte, 22, "a handshake of TLS");
    }
}
