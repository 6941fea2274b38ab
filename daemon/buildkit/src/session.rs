//! Session of a build: buildkitd calls back through a stream that we opened, and we serve files, logins,
//! secrets and health on that stream.

use crate::{
    connect::{LARGEST_HEADERS, LARGEST_MESSAGE},
    context::Context,
    credentials::CredentialProvider,
    upload::{self, Uploads},
};
use bollard_buildkit_proto::{
    fsutil::types::Packet,
    moby::{
        buildkit::{
            secrets::v1::{
                GetSecretRequest, GetSecretResponse,
                secrets_server::{Secrets, SecretsServer},
            },
            v1::{BytesMessage, control_client::ControlClient},
        },
        filesync::v1::{
            CredentialsRequest, CredentialsResponse, FetchTokenRequest, FetchTokenResponse,
            GetTokenAuthorityRequest, GetTokenAuthorityResponse, VerifyTokenAuthorityRequest,
            VerifyTokenAuthorityResponse,
            auth_server::{Auth, AuthServer},
            file_sync_server::{FileSync, FileSyncServer},
        },
    },
};
use futures::StreamExt;
use std::{collections::BTreeMap, sync::Arc};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    task::AbortHandle,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{
    Request, Response, Status, Streaming,
    metadata::{MetadataMap, MetadataValue},
    transport::Channel,
};
use windlass_engine::ports::Credential;
use windlass_model::secret::Secret;

/// Methods that we serve. buildkitd checks the first two names and calls the others as it likes.
const METHODS: [&str; 7] = [
    "/moby.filesync.v1.FileSync/DiffCopy",
    "/moby.filesync.v1.Auth/Credentials",
    "/moby.filesync.v1.Auth/FetchToken",
    "/moby.filesync.v1.Auth/GetTokenAuthority",
    "/moby.filesync.v1.Auth/VerifyTokenAuthority",
    "/moby.buildkit.secrets.v1.Secrets/GetSecret",
    "/grpc.health.v1.Health/Check",
];

/// Bytes between the two ends of the inner connection. Less than a quarter megabyte throttles it.
const BUFFER: usize = 256 << 10;

/// Files, secrets and logins that a session serves.
#[derive(Clone)]
pub(crate) struct Served {
    /// Contexts by `dir-name`: `context`, `dockerfile`.
    pub(crate) contexts: BTreeMap<&'static str, Arc<Context>>,
    pub(crate) secrets: Arc<BTreeMap<String, Secret>>,
    pub(crate) logins: Arc<CredentialProvider>,
    pub(crate) uploads: Uploads,
}

/// Session that is open until it is dropped.
pub(crate) struct Session {
    pub(crate) id: String,
    tasks: Vec<AbortHandle>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// Opens a session. `key` is that of the context: BuildKit keeps the files that it received under this key.
pub(crate) fn open(channel: Channel, key: &str, served: Served) -> Session {
    let id = uuid::Uuid::now_v7().simple().to_string();
    let (near, far) = tokio::io::duplex(BUFFER);
    let mut files = FileSyncServer::new(served.clone());
    files = files.max_decoding_message_size(LARGEST_MESSAGE);
    let (_, health) = tonic_health::server::health_reporter();
    let server = tonic::transport::Server::builder()
        .initial_stream_window_size(1 << 20)
        .initial_connection_window_size(4 << 20)
        // Patterns of `.dockerignore` and paths after `COPY` arrive as headers, each an entry of its own.
        .http2_max_header_list_size(LARGEST_HEADERS)
        .add_service(files)
        .add_service(AuthServer::new(served.clone()))
        .add_service(SecretsServer::new(served))
        .add_service(health)
        // One connection, and the server must not end before it does.
        .serve_with_incoming(
            futures::stream::iter([Ok::<_, std::io::Error>(far)]).chain(futures::stream::pending()),
        );
    let server = tokio::spawn(async move {
        if let Err(error) = server.await {
            tracing::debug!(%error, "session server ended");
        }
    });
    let request = head(&id, key);
    let bytes = tokio::spawn(async move {
        if let Err(error) = carry(channel, request, near).await {
            tracing::debug!(%error, "session ended");
        }
    });
    Session { id, tasks: vec![server.abort_handle(), bytes.abort_handle()] }
}

fn head(id: &str, key: &str) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    let mut put = |name: &'static str, value: &str| {
        if let Ok(value) = MetadataValue::try_from(value) {
            metadata.append(name, value);
        }
    };
    put("x-docker-expose-session-uuid", id);
    put("x-docker-expose-session-sharedkey", key);
    for method in METHODS {
        put("x-docker-expose-session-grpc-method", method);
    }
    metadata
}

/// Carries the inner connection's bytes through the outer stream, both ways.
async fn carry(
    channel: Channel,
    metadata: MetadataMap,
    near: tokio::io::DuplexStream,
) -> Result<(), Status> {
    let (mut read, mut write) = tokio::io::split(near);
    let (out, outgoing) = mpsc::channel(8);
    // In this same future, so that both halves end with it. The inner connection then ends, and drops what
    // it serves.
    let pump = async move {
        let mut buffer = vec![0; 64 << 10];
        while let Ok(length @ 1..) = read.read(&mut buffer).await {
            let data = buffer.get(..length).unwrap_or_default().to_vec();
            if out.send(BytesMessage { data }).await.is_err() {
                break;
            }
        }
    };
    let mut request = Request::new(ReceiverStream::new(outgoing));
    *request.metadata_mut() = metadata;
    let mut client = ControlClient::new(channel)
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let receive = async move {
        let mut incoming = client.session(request).await?.into_inner();
        while let Some(message) = incoming.message().await? {
            if write.write_all(&message.data).await.is_err() {
                break;
            }
        }
        Ok(())
    };
    tokio::select! {
        () = pump => Ok(()),
        received = receive => received,
    }
}

#[tonic::async_trait]
impl FileSync for Served {
    type DiffCopyStream = ReceiverStream<Result<Packet, Status>>;
    type TarStreamStream = ReceiverStream<Result<Packet, Status>>;

    async fn diff_copy(
        &self,
        request: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::DiffCopyStream>, Status> {
        let name = request.metadata().get("dir-name").and_then(|name| name.to_str().ok());
        let context = name.and_then(|name| self.contexts.get(name)).cloned();
        let context = context.ok_or_else(|| Status::not_found(format!("no folder {name:?}")))?;
        let (metadata, _, requests) = request.into_parts();
        let packets = upload::begin(&self.uploads, context, metadata, requests).await?;
        Ok(Response::new(packets))
    }

    async fn tar_stream(
        &self,
        _: Request<Streaming<Packet>>,
    ) -> Result<Response<Self::TarStreamStream>, Status> {
        Err(Status::unimplemented("use DiffCopy"))
    }
}

#[tonic::async_trait]
impl Secrets for Served {
    async fn get_secret(
        &self,
        request: Request<GetSecretRequest>,
    ) -> Result<Response<GetSecretResponse>, Status> {
        let id = &request.get_ref().id;
        let secret = self.secrets.get(id);
        let secret = secret.ok_or_else(|| {
            Status::not_found(format!("no secret `{id}`: name it in `build.secrets`"))
        })?;
        Ok(Response::new(GetSecretResponse { data: secret.reveal().to_vec() }))
    }
}

#[tonic::async_trait]
impl Auth for Served {
    /// Answers with the login of a host. An empty answer means that nobody logs in there.
    async fn credentials(
        &self,
        request: Request<CredentialsRequest>,
    ) -> Result<Response<CredentialsResponse>, Status> {
        let text = |secret: &Secret| secret.reveal_text().unwrap_or_default().to_owned();
        Ok(Response::new(match self.logins.login(&request.get_ref().host).await? {
            // `fetch_token` answers with a token of the registry itself.
            None | Some(Credential::Bearer(_)) => CredentialsResponse::default(),
            Some(Credential::Basic(username, secret)) => {
                CredentialsResponse { username, secret: text(&secret) }
            }
            // BuildKit sends it as a refresh token if there is no user (BuildKit, `util/resolver/authorizer.go`).
            Some(Credential::IdentityToken(secret)) => {
                CredentialsResponse { username: String::new(), secret: text(&secret) }
            }
        }))
    }

    async fn fetch_token(
        &self,
        request: Request<FetchTokenRequest>,
    ) -> Result<Response<FetchTokenResponse>, Status> {
        let FetchTokenRequest { host, scopes, .. } = request.get_ref();
        self.logins.check(host, scopes)?;
        let Some(Credential::Bearer(token)) = self.logins.login(host).await? else {
            return Err(Status::unimplemented("ask for credentials"));
        };
        let token = token.reveal_text().unwrap_or_default().into();
        // After a minute buildkitd asks again, so that a renewed token is not missed.
        Ok(Response::new(FetchTokenResponse { token, expires_in: 60, issued_at: 0 }))
    }

    // Unimplemented sends buildkitd to `credentials`, and it fetches tokens itself.
    async fn get_token_authority(
        &self,
        request: Request<GetTokenAuthorityRequest>,
    ) -> Result<Response<GetTokenAuthorityResponse>, Status> {
        match self.logins.login(&request.get_ref().host).await? {
            Some(Credential::Bearer(_)) => Ok(Response::new(GetTokenAuthorityResponse {
                public_key: self.logins.public_key()?,
            })),
            _ => Err(Status::unimplemented("ask for credentials")),
        }
    }

    async fn verify_token_authority(
        &self,
        request: Request<VerifyTokenAuthorityRequest>,
    ) -> Result<Response<VerifyTokenAuthorityResponse>, Status> {
        let signed = self.logins.signed(&request.get_ref().payload)?;
        Ok(Response::new(VerifyTokenAuthorityResponse { signed }))
    }
}
