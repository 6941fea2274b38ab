//! Logins at registries, from the configuration or from a plugin. They are kept here and nowhere else.

use crate::config::Config;
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::sync::Mutex;
use windlass_engine::{
    ports::{Action, Login, LoginRequest, Logins},
    recorder::Recorder,
};
use windlass_model::clock::now_ms;
use windlass_model::error::PluginError;
use windlass_plugin_host::{PluginSet, Plugins, RegistrySource};

mod fixed;
mod own;
mod refusal;
#[cfg(test)]
mod tests;

use fixed::{FixedLogin, FixedLogins};
use own::OwnRegistry;

/// Time for which a login without an end is used before its plugin is asked again.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// A login that a plugin returned, with its origin.
struct Kept {
    login: Login,
    /// Another set of plugins may configure the same registry otherwise.
    source: RegistrySource,
    since: Instant,
}

/// Place of a login. `None` means that there is none to use again.
type Place = Arc<Mutex<Option<Kept>>>;

/// All registries that this daemon logs in at.
pub(crate) struct Registries {
    own: OwnRegistry,
    fixed: RwLock<Arc<FixedLogins>>,
    plugins: Arc<Plugins>,
    /// By host and configured login; one lock each, so that a hundred builds ask a plugin once.
    kept: Mutex<BTreeMap<(String, Configured), Place>>,
}

/// One of the two logins that a registry may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Configured {
    /// The registry's own login, which may push.
    Main,
    /// The login of `pull`, which need not push.
    Pull,
}

/// Origin of a login.
enum Source {
    File(FixedLogin),
    Plugin(Configured, RegistrySource),
}

impl Registries {
    pub(crate) fn new(config: &Config, plugins: Arc<Plugins>) -> Self {
        Self {
            own: OwnRegistry::new(&config.registry),
            fixed: RwLock::new(Arc::new(FixedLogins::of(config))),
            plugins,
            kept: Mutex::default(),
        }
    }

    /// Takes users and files of another configuration. Logins of plugins follow the plugins.
    pub(crate) fn configure(&self, config: &Config) {
        let next = Arc::new(FixedLogins::of(config));
        *self.fixed.write().unwrap_or_else(PoisonError::into_inner) = next;
    }

    /// Checks that the files of all logins can be read.
    pub(crate) async fn check(&self) -> Result<(), PluginError> {
        for login in self.fixed().all() {
            login.read().await?;
        }
        Ok(())
    }

    fn fixed(&self) -> Arc<FixedLogins> {
        self.fixed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns the login that is configured for an action. Without a login for pulls, the one login serves both.
    fn source(&self, set: &PluginSet, host: &str, action: Action) -> Option<Source> {
        let fixed = self.fixed();
        let of = |configured: Configured| {
            let (file, plugin) = match configured {
                Configured::Main => (fixed.main(host), set.registry(host)),
                Configured::Pull => (fixed.pull(host), set.pull_registry(host)),
            };
            let file = file.cloned().map(Source::File);
            file.or_else(|| plugin.cloned().map(|source| Source::Plugin(configured, source)))
        };
        match action {
            Action::Push => of(Configured::Main),
            Action::Pull => of(Configured::Pull).or_else(|| of(Configured::Main)),
        }
    }

    async fn place(&self, host: &str, configured: Configured) -> Place {
        self.kept.lock().await.entry((host.to_owned(), configured)).or_default().clone()
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

    /// Returns the login of a plugin, which is asked where the kept one is old or of another configuration.
    async fn of_plugin(
        &self,
        set: &Arc<PluginSet>,
        configured: Configured,
        source: RegistrySource,
        recorder: &Recorder,
    ) -> Result<Login, PluginError> {
        let host = &*source.host;
        let place = self.place(host, configured).await;
        let mut kept = place.lock().await;
        let fresh = kept.as_ref().filter(|kept| kept.source == source);
        if let Some(kept) = fresh
            && match kept.login.renew_ms {
                Some(renew_ms) => now_ms() < renew_ms,
                // The file of the login may have changed since.
                None => kept.since.elapsed() < LOOK_AGAIN,
            }
        {
            return Ok(kept.login.clone());
        }
        match self.ask(set, &source, recorder).await {
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
                Ok(login)
            }
            Err(error) => match fresh {
                // A login is renewed long before its end: the old one may still be accepted.
                Some(kept) => {
                    tracing::warn!(host, %error, "the login cannot be renewed; the old one is used");
                    Ok(kept.login.clone())
                }
                None => Err(error),
            },
        }
    }
}

#[async_trait]
impl Logins for Registries {
    fn knows(&self, host: &str) -> bool {
        self.source(&self.plugins.current(), host, Action::Pull).is_some()
    }

    async fn login(
        &self,
        request: &LoginRequest<'_>,
        recorder: &Recorder,
    ) -> Result<Option<Login>, PluginError> {
        self.own.check(request)?;
        let set = self.plugins.current();
        let login = match self.source(&set, request.host, request.action) {
            None => return Ok(None),
            // Read each time: a password that was rotated is used without a restart.
            Some(Source::File(fixed)) => fixed.read().await?,
            Some(Source::Plugin(configured, source)) => {
                self.of_plugin(&set, configured, source, recorder).await?
            }
        };
        recorder.mask(login.secrets());
        Ok(Some(login))
    }

    async fn refused(&self, host: &str) -> bool {
        let mut another = false;
        for configured in [Configured::Main, Configured::Pull] {
            another |= self.place(host, configured).await.lock().await.take().is_some();
        }
        another
    }
}
