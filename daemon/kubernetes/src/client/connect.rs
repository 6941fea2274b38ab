//! From a kubeconfig, or a pod's own account, to a connection.

use http::{HeaderValue, header::USER_AGENT};
use kube::{
    Config,
    client::{ClientBuilder, retry::RetryPolicy},
    config::{KubeConfigOptions, Kubeconfig, NamedAuthInfo},
};
use std::{path::Path, time::Duration};
use tower::{buffer::BufferLayer, retry::RetryLayer};

/// Why there is no connection.
pub type ConnectError = Box<dyn std::error::Error + Send + Sync>;

/// 429, 503 and 504 are asked again up to six times, after 0.1 s to 3.2 s or what `Retry-After`
/// says: some six seconds, after which the pipeline tells the user. kube's own would hide 164 s.
const AGAIN: (Duration, Duration, u32) = (Duration::from_millis(100), Duration::from_secs(5), 6);

/// Requests that wait for the connection's worker; beyond that callers wait.
const QUEUED: usize = 1024;

/// Tells whether a kubeconfig would have a program run for its credentials.
#[must_use]
pub fn runs_programs(file: &Kubeconfig) -> bool {
    let runs = |info: &NamedAuthInfo| {
        let info = info.auth_info.as_ref();
        info.is_some_and(|info| info.exec.is_some() || info.auth_provider.is_some())
    };
    file.auth_infos.iter().any(runs)
}

pub(crate) async fn connect(kubeconfig: Option<&Path>) -> Result<kube::Client, ConnectError> {
    let mut config = match kubeconfig {
        None => Config::incluster()?,
        Some(path) => {
            let file = Kubeconfig::read_from(path)?;
            if runs_programs(&file) {
                let path = path.display();
                return Err(format!("{path} wants a program to be run for its credentials; give it a token or a certificate").into());
            }
            Config::from_custom_kubeconfig(file, &KubeConfigOptions::default()).await?
        }
    };
    config.connect_timeout = Some(Duration::from_secs(5));
    config.default_retry = false;
    config.headers.push((USER_AGENT, HeaderValue::from_static("windlass")));
    let (first, last, times) = AGAIN;
    let again = RetryLayer::new(RetryPolicy::new(first, last, times, true)?);
    let builder = ClientBuilder::try_from(config)?;
    // A service that can be cloned is what the retry asks for.
    Ok(builder.with_layer(&BufferLayer::new(QUEUED)).with_layer(&again).build())
}
