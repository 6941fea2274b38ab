//! Logins at registries: the operator's own words, or a plugin's; kept here and nowhere else.

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

/// How long a login that does not expire is taken without asking.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// A login of a plugin, and of which one.
struct Kept {
    login: Login,
    /// Another set may have other words for the same registry.
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
        // Nobody's job: many share what comes of it.
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
                // Its file may be another by now.
                None => kept.since.elapsed() < LOOK_AGAIN,
            }
        {
            return Ok(Some(kept.login.clone()));
        }
        match self.ask(&set, source, recorder).await {
            Ok(login) => {
                // One that is over already was made by a clock that is off: it is used, and not kept.
                let is_over = login.renew_ms.is_some_and(|renew_ms| renew_ms <= now_ms());
                if is_over {
                    tracing::warn!(
                        host,
                        "the registry's login is over as it comes: see the clocks"
                    );
                }
                let source = source.clone();
                *kept = (!is_over).then(|| Kept {
                    login: login.clone(),
                    source,
                    since: Instant::now(),
                });
                Ok(Some(login))
            }
            Err(error) => match fresh {
                // It is renewed long before its end: the old one may still do.
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
