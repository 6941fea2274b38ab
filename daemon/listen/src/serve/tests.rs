use super::*;
use crate::{
    connection::Origin,
    gate::Peer,
    incoming::Accepted,
    proxies::{Forwarded, Proxies},
};
use axum::{Extension, Router, extract::Request as AxumRequest, routing::get};
use http::{HeaderValue, Version, header};
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use std::{
    future::pending,
    io,
    net::{IpAddr, Ipv4Addr},
    task::ready,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    net::{TcpStream, UnixStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_rustls::{
    TlsConnector, client,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

const LIMITS: ServeLimits = ServeLimits {
    gate: GateLimits { total: 9, per_peer: 2 },
    header: Duration::from_secs(10),
    idle: Duration::from_secs(100),
};

/// Longer than all limits.
const LONG: Duration = Duration::from_secs(10_000);

/// Listener in memory, so that time can be wound forward.
struct Dialled(mpsc::Receiver<DuplexStream>);

impl Accepting for Dialled {
    type Stream = DuplexStream;

    fn poll_accept(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Accepted<DuplexStream>>> {
        let Some(stream) = ready!(self.0.poll_recv(context)) else { return Poll::Pending };
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let peer = Peer::at(address);
        Poll::Ready(Ok(Accepted { stream, origin: Origin::Tcp, address: Some(address), peer }))
    }
}

/// Server in memory.
struct Server {
    dialled: mpsc::Sender<DuplexStream>,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Server {
    fn start(limits: ServeLimits, tls: Option<TlsAcceptor>) -> Self {
        let (dialled, accepting) = mpsc::channel(9);
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _: Result<(), _> = stopped.await;
        };
        let serving = serve("tcp", Dialled(accepting), tls, limits, pages(), stopped);
        Self { dialled, stop, serving: tokio::spawn(serving) }
    }

    async fn dial(&self) -> DuplexStream {
        let (client, server) = duplex(64 << 10);
        self.dialled.send(server).await.unwrap();
        client
    }
}

/// Pages that show the connection, are of a known caller, take their time, or are upgraded to an echo.
fn pages() -> Router {
    Router::new()
        .route("/", get(shown))
        .route("/known", get(known))
        .route("/slow", get(slow))
        .route("/echo", get(echo))
}

async fn shown(version: Version, Extension(connection): Extension<Connection>) -> String {
    let Connection { origin, address, certificate, .. } = connection;
    format!("{version:?} {origin:?} {address:?} {}", certificate.is_some())
}

async fn known(Extension(connection): Extension<Connection>) -> Body {
    connection.used().hold(Body::from("known"))
}

async fn slow(Extension(connection): Extension<Connection>) -> &'static str {
    let _in_use = connection.used();
    sleep(LONG).await;
    "slow"
}

async fn echo(
    Extension(connection): Extension<Connection>,
    request: AxumRequest,
) -> Response<Body> {
    let _in_use = connection.used();
    let upgraded = hyper::upgrade::on(request);
    tokio::spawn(async move {
        let upgraded = TokioIo::new(upgraded.await.unwrap());
        let (mut reading, mut writing) = tokio::io::split(upgraded);
        let _ = tokio::io::copy(&mut reading, &mut writing).await;
    });
    Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "upgrade")
        .header(header::UPGRADE, "echo")
        .body(Body::empty())
        .unwrap()
}

fn request(path: &str) -> Request<Body> {
    Request::get(format!("http://windlass{path}")).body(Body::empty()).unwrap()
}

fn upgrade() -> Request<Body> {
    let mut request = request("/echo");
    request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    request.headers_mut().insert(header::UPGRADE, HeaderValue::from_static("echo"));
    request
}

async fn text(answer: Response<RequestBody>) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Speaks HTTP/1.1 on a connection.
async fn speak_1<T>(stream: T) -> http1::SendRequest<Body>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    sender
}

/// Speaks HTTP/2 on a connection, without asking before.
async fn speak_2<T>(stream: T) -> http2::SendRequest<Body>
where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// An authority with a server and a client.
struct Pki {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Pki {
    fn new() -> Self {
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "an authority");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Self { issuer: CertifiedIssuer::self_signed(ca, KeyPair::generate().unwrap()).unwrap() }
    }

    /// Returns a certificate and its key, in PEM.
    fn leaf(&self) -> (String, String) {
        let mut leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        (leaf.signed_by(&key, &self.issuer).unwrap().pem(), key.serialize_pem())
    }

    fn tls(&self, asks_clients: bool) -> Tls {
        let (certificate, key) = self.leaf();
        let client_ca = asks_clients.then(|| self.issuer.pem().into_bytes());
        Tls { certificate: certificate.into_bytes(), key: key.into_bytes(), client_ca }
    }

    async fn connect<T>(&self, stream: T, own: bool, protocol: &str) -> client::TlsStream<T>
    where
        T: AsyncRead + AsyncWrite + Unpin,
    {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.issuer.pem().as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = if own {
            let (certificate, key) = self.leaf();
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        } else {
            config.with_no_client_auth()
        };
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol.as_bytes()));
        stream
    }
}

/// Serves on a port of loopback.
async fn listen(tls: Option<Tls>) -> std::net::SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve_tcp("tcp", listener, tls, LIMITS, pages(), pending()));
    address
}

#[tokio::test]
async fn one_port_speaks_both_versions_in_clear() {
    let address = listen(None).await;
    let mut first = speak_1(TcpStream::connect(address).await.unwrap()).await;
    let answer = text(first.send_request(request("/")).await.unwrap()).await;
    assert_eq!(answer, "HTTP/1.1 Tcp Some(127.0.0.1) false");
    let mut second = speak_2(TcpStream::connect(address).await.unwrap()).await;
    let answer = text(second.send_request(request("/")).await.unwrap()).await;
    assert_eq!(answer, "HTTP/2.0 Tcp Some(127.0.0.1) false");

    first.ready().await.unwrap();
    let answer = first.send_request(upgrade()).await.unwrap();
    assert_eq!(answer.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut upgraded = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    upgraded.write_all(b"both ways").await.unwrap();
    let mut bytes = [0; 9];
    upgraded.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"both ways");
}

#[tokio::test]
async fn a_request_has_the_address_for_which_a_known_proxy_sends_it() {
    for (proxies, expected) in
        [(&["127.0.0.0/8"][..], "Some(198.51.100.1)"), (&["10.0.0.0/8"][..], "Some(127.0.0.1)")]
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Forwarded::new(pages(), Proxies::parse(proxies).unwrap());
        tokio::spawn(serve_tcp("tcp", listener, None, LIMITS, service, pending()));
        let mut client = speak_1(TcpStream::connect(address).await.unwrap()).await;
        let mut asked = request("/");
        let value = HeaderValue::from_static("1.2.3.4, 198.51.100.1");
        asked.headers_mut().insert("x-forwarded-for", value);
        let answer = text(client.send_request(asked).await.unwrap()).await;
        assert_eq!(answer, format!("HTTP/1.1 Tcp {expected} false"));
        // The next request is for somebody else.
        client.ready().await.unwrap();
        let answer = text(client.send_request(request("/")).await.unwrap()).await;
        assert_eq!(answer, "HTTP/1.1 Tcp Some(127.0.0.1) false");
    }
}

#[tokio::test]
async fn one_port_speaks_both_versions_over_tls() {
    let pki = Pki::new();
    let address = listen(Some(pki.tls(false))).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let mut first = speak_1(pki.connect(stream, false, "http/1.1").await).await;
    let answer = text(first.send_request(request("/")).await.unwrap()).await;
    assert_eq!(answer, "HTTP/1.1 Tcp Some(127.0.0.1) false");
    let stream = TcpStream::connect(address).await.unwrap();
    let mut second = speak_2(pki.connect(stream, false, "h2").await).await;
    let answer = text(second.send_request(request("/")).await.unwrap()).await;
    assert_eq!(answer, "HTTP/2.0 Tcp Some(127.0.0.1) false");
}

#[tokio::test]
async fn with_an_authority_each_client_shows_a_certificate() {
    let pki = Pki::new();
    let address = listen(Some(pki.tls(true))).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let mut known = speak_2(pki.connect(stream, true, "h2").await).await;
    let answer = text(known.send_request(request("/")).await.unwrap()).await;
    assert_eq!(answer, "HTTP/2.0 Tcp Some(127.0.0.1) true");
    // The client's part of the handshake ends before the server has seen that there is no certificate.
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stranger = speak_1(pki.connect(stream, false, "http/1.1").await).await;
    stranger.send_request(request("/")).await.unwrap_err();
}

#[tokio::test]
async fn the_unix_socket_names_its_user() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let is_known = Box::new(|_: u32| true);
    tokio::spawn(serve_unix("unix", listener, is_known, LIMITS, pages(), pending()));
    let stream = UnixStream::connect(&path).await.unwrap();
    let uid = stream.peer_cred().unwrap().uid();
    let mut sender = speak_2(stream).await;
    let answer = text(sender.send_request(request("/")).await.unwrap()).await;
    assert_eq!(answer, format!("HTTP/2.0 Unix(Some({uid})) None false"));
}

#[tokio::test(start_paused = true)]
async fn requests_of_nobody_give_a_connection_no_time() {
    let server = Server::start(LIMITS, None);
    let began = Instant::now();
    let mut first = speak_1(server.dial().await).await;
    let mut second = speak_2(server.dial().await).await;
    while let Ok(answer) = first.send_request(request("/")).await {
        text(answer).await;
        text(second.send_request(request("/")).await.unwrap()).await;
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(began.elapsed().as_secs(), LIMITS.header.as_secs());
    assert!(second.send_request(request("/")).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_request_of_a_known_caller_gives_the_idle_time() {
    let server = Server::start(LIMITS, None);
    let mut sender = speak_1(server.dial().await).await;
    for _ in 0..3 {
        let answer = sender.send_request(request("/known")).await.unwrap();
        assert_eq!(text(answer).await, "known");
        sleep(LIMITS.idle / 2).await;
        sender.ready().await.unwrap();
    }
    sleep(LIMITS.idle).await;
    assert!(sender.is_closed());
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_connection_stays_in_use() {
    let server = Server::start(LIMITS, None);
    let mut sender = speak_1(server.dial().await).await;
    let answer = sender.send_request(upgrade()).await.unwrap();
    let mut upgraded = TokioIo::new(hyper::upgrade::on(answer).await.unwrap());
    for byte in 0..3 {
        sleep(LONG).await;
        upgraded.write_u8(byte).await.unwrap();
        assert_eq!(upgraded.read_u8().await.unwrap(), byte);
    }
    // Nobody waits for its end.
    server.stop.send(()).unwrap();
    server.serving.await.unwrap();
    upgraded.write_u8(9).await.unwrap();
    assert_eq!(upgraded.read_u8().await.unwrap(), 9);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_no_more_time_than_a_silent_connection() {
    let server = Server::start(LIMITS, Some(acceptor(&Pki::new().tls(false)).unwrap()));
    let began = Instant::now();
    let mut silent = server.dial().await;
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(began.elapsed().as_secs(), LIMITS.header.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_silent_connection_gives_way() {
    let server = Server::start(LIMITS, None);
    let mut silent = server.dial().await;
    let mut known = speak_1(server.dial().await).await;
    text(known.send_request(request("/known")).await.unwrap()).await;
    // A third of this peer.
    let mut third = speak_2(server.dial().await).await;
    let answer = third.send_request(request("/known")).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let began = Instant::now();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(began.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn headers_have_a_bound() {
    let server = Server::start(LIMITS, None);
    let long = || {
        let mut long = request("/");
        let value = "x".repeat(2 * usize::from(HEADERS)).parse().unwrap();
        long.headers_mut().insert("x-long", value);
        long
    };
    let answer = speak_1(server.dial().await).await.send_request(long()).await;
    assert_eq!(answer.unwrap().status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    let answer = speak_2(server.dial().await).await.send_request(long()).await;
    assert!(!answer.is_ok_and(|answer| answer.status().is_success()));
}

#[tokio::test(start_paused = true)]
async fn the_end_lets_requests_be_answered_and_silence_go() {
    let server = Server::start(LIMITS, None);
    let mut silent = server.dial().await;
    let mut sender = speak_2(server.dial().await).await;
    let asked = tokio::spawn(sender.send_request(request("/slow")));
    sleep(Duration::from_secs(1)).await;
    server.stop.send(()).unwrap();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    assert!(server.dialled.is_closed(), "nobody is accepted any more");
    assert!(!server.serving.is_finished(), "a request is under way");
    assert_eq!(text(asked.await.unwrap().unwrap()).await, "slow");
    server.serving.await.unwrap();
}
