//! Logins at registries, from the configuration or from a plugin. They are kept here and nowhere else.

use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use windlass_engine::{
    ports::{Login, Logins},
    recorder::Recorder,
};
use windlass_model::clock::now_ms;
use windlass_model::error::PluginError;
use windlass_plugin_host::{PluginSet, Plugins, RegistrySource};

/// Time for which a login without an end is used before its plugin is asked again.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// A login that a plugin returned, with its origin.
struct Kept {
    login: Login,
    /// Another set of plugins may configure the same registry otherwise.
    source: RegistrySource,
    since: Instant,
}

/// All registries that this daemon logs in at.
pub(crate) struct Registries {
    /// By host.
    fixed: BTreeMap<String, Login>,
    plugins: Arc<Plugins>,
    /// By host; one lock each, so that a hundred builds ask a plugin once.
    kept: Mutex<BTreeMap<String, Arc<Mutex<Option<Kept>>>>>,
}

impl Registries {
    pub(crate) fn new(fixed: BTreeMap<String, Login>, plugins: Arc<Plugins>) -> Self {
        Self { fixed, plugins, kept: Mutex::default() }
    }

    async fn place(&self, host: &str) -> Arc<Mutex<Option<Kept>>> {
        self.kept.lock().await.entry(host.to_owned()).or_default().clone()
    }

    async fn ask(
        &self,
        set: &Arc<PluginSet>,
        source: &RegistrySource,
        recorder: &Recorder,
    ) -> Result<Login, PluginError> {
        // Not for one project: jobs of all of them share the login.
        set.for_job("").authenticate(source, recorder).await
    }
}

#[async_trait]
impl Logins for Registries {
    fn knows(&self, host: &str) -> bool {
        self.fixed.contains_key(host) || self.plugins.current().registry(host).is_some()
    }

    async fn login(&self, host: &str, recorder: &Recorder) -> Result<Option<Login>, PluginError> {
        if let Some(login) = self.fixed.get(host) {
            return Ok(Some(login.clone()));
        }
        let set = self.plugins.current();
        let Some(source) = set.registry(host) else { return Ok(None) };
        let place = self.place(host).await;
        let mut kept = place.lock().await;
        let fresh = kept.as_ref().filter(|kept| kept.source == *source);
        if let Some(kept) = fresh
            && match kept.login.renew_ms {
                Some(renew_ms) => now_ms() < renew_ms,
                // The file of the login may have changed since.
                None => kept.since.elapsed() < LOOK_AGAIN,
            }
        {
            return Ok(Some(kept.login.clone()));
        }
        match self.ask(&set, source, recorder).await {
            Ok(login) => {
                // A login that has expired on arrival comes from a clock that is off: it is used, and not kept.
                let has_expired = login.renew_ms.is_some_and(|renew_ms| renew_ms <= now_ms());
                if has_expired {
                    tracing::warn!(
                        host,
                        "the registry's login has expired on arrival: compare the clocks"
                    );
                }
                let source = source.clone();
                *kept = (!has_expired).then(|| Kept {
                    login: login.clone(),
                    source,
                    since: Instant::now(),
                });
                Ok(Some(login))
            }
            Err(error) => match fresh {
                // A login is renewed long before its end: the old one may still be accepted.
                Some(kept) => {
                    tracing::warn!(host, %error, "the login cannot be renewed; the old one is used");
                    Ok(Some(kept.login.clone()))
                }
                None => Err(error),
            },
        }
    }

    async fn refused(&self, host: &str) -> bool {
        self.place(host).await.lock().await.take().is_some()
    }
}
