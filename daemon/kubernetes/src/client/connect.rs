//! Connections, by a kubeconfig or by a pod's own account.

use http::{HeaderValue, header::USER_AGENT};
use kube::{
    Config,
    client::{ClientBuilder, retry::RetryPolicy},
    config::{KubeConfigOptions, Kubeconfig, NamedAuthInfo},
};
use std::{path::Path, time::Duration};
use tower::{buffer::BufferLayer, retry::RetryLayer};

/// Error that keeps a connection from being made.
pub type ConnectError = Box<dyn std::error::Error + Send + Sync>;

/// Longest wait for a connection.
pub(super) const CONNECT: Duration = Duration::from_secs(5);

/// First delay, longest delay and number of retries after 429, 503 and 504. `Retry-After` replaces a delay. All
/// together take some six seconds, after which the pipeline reports the error. The policy of kube itself would
/// hide 164 s.
const RETRIES: (Duration, Duration, u32) = (Duration::from_millis(100), Duration::from_secs(5), 6);

/// Requests that wait for the connection's worker. Callers of further requests wait.
pub(super) const QUEUED: usize = 1024;

/// Returns whether a kubeconfig would have a program run for its credentials.
#[must_use]
pub fn runs_programs(file: &Kubeconfig) -> bool {
    let runs = |info: &NamedAuthInfo| {
        let info = info.auth_info.as_ref();
        info.is_some_and(|info| info.exec.is_some() || info.auth_provider.is_some())
    };
    file.auth_infos.iter().any(runs)
}

/// Prepares a connection. `None` means a pod's own account.
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
    set_up(&mut config);
    let builder = ClientBuilder::try_from(config)?;
    // The retry needs a service that can be cloned.
    Ok(builder.with_layer(&BufferLayer::new(QUEUED)).with_layer(&retries()?).build())
}

/// Sets what connections to all clusters have in common.
pub(super) fn set_up(config: &mut Config) {
    config.connect_timeout = Some(CONNECT);
    config.default_retry = false;
    config.headers.push((USER_AGENT, HeaderValue::from_static("windlass")));
}

/// Returns the layer that sends requests again.
pub(super) fn retries() -> Result<RetryLayer<RetryPolicy>, ConnectError> {
    let (first, last, times) = RETRIES;
    Ok(RetryLayer::new(RetryPolicy::new(first, last, times, true)?))
}
