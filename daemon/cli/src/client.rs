//! A connection, and errors as a person should read them.

use crate::{UNREACHABLE, UNREAD, USAGE, args::Args, render::clean};
use hyper_util::rt::TokioIo;
use std::{fmt, path::Path, time::Duration};
use tonic::{
    Code, Request, Status,
    metadata::{Ascii, MetadataValue},
    service::Interceptor,
    service::interceptor::InterceptedService,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tonic_types::StatusExt;
use windlass_proto::v1::{
    apps_client::AppsClient, jobs_client::JobsClient, plugins_client::PluginsClient,
    releases_client::ReleasesClient, secrets_client::SecretsClient,
};

pub(crate) type Service = InterceptedService<Channel, Token>;

/// One connection for all services.
pub(crate) struct Client {
    pub(crate) apps: AppsClient<Service>,
    pub(crate) jobs: JobsClient<Service>,
    pub(crate) releases: ReleasesClient<Service>,
    pub(crate) secrets: SecretsClient<Service>,
    pub(crate) plugins: PluginsClient<Service>,
}

/// Sends the token, where there is one.
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

/// What to say, and how to exit.
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: USAGE }
    }

    /// Nobody reads what is printed any more, or it cannot be written.
    pub(crate) fn output(error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self { message: String::new(), code: UNREAD };
        }
        Self::usage(format!("standard output: {error}"))
    }

    /// Whether there is nobody to tell.
    pub(crate) fn is_silent(&self) -> bool {
        self.code == UNREAD
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A daemon's message quotes what repositories and tools said.
        let lines: Vec<_> = self.message.lines().map(clean).collect();
        write!(f, "windlass: {}", lines.join("\n"))
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let code = match status.code() {
            Code::Unavailable | Code::Cancelled | Code::Unknown | Code::DeadlineExceeded => {
                UNREACHABLE
            }
            _ => USAGE,
        };
        let mut message = status.message().to_owned();
        let details = status.get_error_details();
        if let Some(info) = details.error_info() {
            if let Some(stage) = info.metadata.get("stage") {
                message = format!("{stage}: {message}");
            }
            message.push_str(&format!("\n  code: {}", info.reason));
        }
        let fixes: Vec<_> = details.help().into_iter().flat_map(|help| &help.links).collect();
        for link in &fixes {
            message.push_str(&format!("\n  fix:  {}", link.description));
        }
        if let (true, Some(fix)) = (fixes.is_empty(), fix(status.code())) {
            message.push_str(&format!("\n  fix:  {fix}"));
        }
        Self { message, code }
    }
}

/// Returns the fix for an error to which the daemon gives none.
fn fix(code: Code) -> Option<&'static str> {
    match code {
        Code::InvalidArgument => Some("see `windlass help COMMAND`, and `windlass schema`"),
        Code::Unimplemented => Some("the daemon is older than this client: upgrade windlassd"),
        Code::Unavailable | Code::Unknown | Code::Cancelled => {
            Some("see that windlassd runs (`windlassd check`), and try again")
        }
        Code::DeadlineExceeded => Some("try again; `windlassd check` says which part is slow"),
        _ => None,
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
            Failure {
                message: format!(
                    "the daemon does not answer at {address}: {cause}\n  fix:  start windlassd, or name its address by --address or WINDLASS_ADDRESS"
                ),
                code: UNREACHABLE,
            }
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
                    // What lies between may forget a connection in which nothing is said.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;
    use tonic_types::ErrorDetails;

    #[test]
    fn a_reader_that_has_gone_is_told_nothing() {
        let gone = Failure::output(&std::io::ErrorKind::BrokenPipe.into());
        assert!(gone.is_silent() && gone.code() == 141);
        let full = Failure::output(&std::io::ErrorKind::StorageFull.into());
        assert!(!full.is_silent() && full.code() == USAGE);
    }

    /// Each error that a person reads names what to do next.
    #[test]
    fn errors_name_the_next_command() {
        let mut details = ErrorDetails::new();
        let stage = std::collections::HashMap::from([("stage".to_owned(), "detect".to_owned())]);
        details.set_error_info("nothing-detected", "windlass", stage);
        details.add_help_link("commit a Dockerfile", "");
        details.add_help_link("name a recipe: `[build] recipe`", "");
        let with = |code, message: &str| Status::with_error_details(code, message, details.clone());
        let errors = [
            with(Code::FailedPrecondition, "no plugin recognises the source"),
            Status::new(Code::InvalidArgument, "spec.port: `0` must be 1 to 65535"),
            Status::new(Code::Unimplemented, "unknown service windlass.v1.Apps"),
            Status::new(Code::Unavailable, "transport error"),
            Status::new(Code::DeadlineExceeded, "no answer"),
        ];
        let moves = Status::new(Code::NotFound, "no file `\u{1b}[2Ja`\r\n  fix:  b");
        assert_eq!(Failure::from(moves).to_string(), "windlass: no file `a`\n  fix:  b");
        let texts = errors.map(|status| Failure::from(status).to_string());
        assert!(texts.iter().all(|text| text.contains("fix:")), "{texts:#?}");
        same("errors", &(texts.join("\n") + "\n"));
    }
}
