//! Logins at registries, from the configuration, from a plugin, or of a project's own. They are kept here and nowhere
//! else.

use crate::config::Config;
use async_trait::async_trait;
use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use windlass_engine::{
    ports::{
        Action, Credential, Login, LoginRequest, Logins,
        store::{OpenedRegistry, OwnRegistries},
    },
    recorder::Recorder,
};
use windlass_model::{
    clock::now_ms,
    error::{LoginError, PluginError},
    own::registry::{LoginUse, PASSWORD, RegistryLogin},
    registry_host::is_same_host,
    secret::Secret,
};
use windlass_plugin_host::{PluginSet, Plugins, RegistrySource};

mod cache;
mod deletion;
mod fixed;
mod operator;
mod own;
mod places;
mod refusal;
#[cfg(test)]
mod tests;
mod trial;
mod withheld;

pub(crate) use deletion::{ImageDeletion, OperatorImages};
pub(crate) use own::NotAllowed;
pub(crate) use withheld::Withheld;

use cache::{Cache, CacheKey, Configured, Kept};
use fixed::{FixedLogin, FixedLogins};
use operator::OperatorRegistry;
use own::OwnLogins;
use refusal::{of_own, own_refused};

/// Time for which a login without an end is used before its plugin is asked again.
const LOOK_AGAIN: Duration = Duration::from_secs(600);

/// All registries that this daemon logs in at.
pub(crate) struct Registries {
    operator: OperatorRegistry,
    fixed: RwLock<Arc<FixedLogins>>,
    plugins: Arc<Plugins>,
    kept: Cache,
    /// Registries of projects' own. `None` means that no store is open.
    own: Option<OwnLogins>,
    /// Clusters of projects' own get no login of the operator's.
    withholds: bool,
}

/// Origin of a login.
enum Source {
    File(FixedLogin),
    Plugin(Configured, RegistrySource),
}

impl Registries {
    pub(crate) fn new(config: &Config, plugins: Arc<Plugins>) -> Self {
        Self {
            operator: OperatorRegistry::new(&config.registry),
            fixed: RwLock::new(Arc::new(FixedLogins::of(config))),
            plugins,
            kept: Cache::default(),
            own: None,
            withholds: !config.own_clusters.pull_secrets,
        }
    }

    /// Adds the registries that projects put, within what the configuration allows.
    #[must_use]
    pub(crate) fn with_own(self, store: Arc<dyn OwnRegistries>, config: &Config) -> Self {
        Self { own: Some(OwnLogins::new(store, config)), ..self }
    }

    /// Takes users and files of another configuration. Logins of plugins follow the plugins.
    pub(crate) fn configure(&self, config: &Config) {
        let next = Arc::new(FixedLogins::of(config));
        *self.fixed.write().unwrap_or_else(PoisonError::into_inner) = next;
        if let Some(own) = &self.own {
            own.configure(config);
        }
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

    /// Returns whether a host is the operator's: a login is configured for it, or images of all projects are pushed
    /// there.
    fn is_operators(&self, host: &str) -> bool {
        let is_same = |other: &str| is_same_host(other, host);
        is_same(self.operator.host())
            || self.fixed().hosts().any(is_same)
            || self.plugins.current().registry_hosts().any(is_same)
    }

    /// Returns the operator's login that is configured for an action. Without a login for pulls, the one login serves
    /// both.
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

    /// Returns the login of a plugin, which is asked where the kept one is old or of another configuration. `secrets`
    /// are those of a project's own registry.
    async fn of_plugin(
        &self,
        set: &Arc<PluginSet>,
        key: &CacheKey,
        source: RegistrySource,
        secrets: &BTreeMap<String, Secret>,
        recorder: &Recorder,
    ) -> Result<Login, PluginError> {
        let host = &*source.host;
        let place = self.kept.place(key).await;
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
        // The operator's is not for one project: jobs of all of them share the login.
        let plugins = set.for_job(&key.project);
        match plugins.authenticate_with(&source, secrets, recorder).await {
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

    /// Returns whether the operator has a login for pulls at a host.
    fn has_login(&self, host: &str) -> bool {
        self.source(&self.plugins.current(), host, Action::Pull).is_some()
    }

    /// Returns the operator's login. `None` means that none is configured for the host.
    async fn of_operator(
        &self,
        request: &LoginRequest<'_>,
        recorder: &Recorder,
    ) -> Result<Option<Login>, LoginError> {
        self.operator.check(request)?;
        let set = self.plugins.current();
        Ok(Some(match self.source(&set, request.host, request.action) {
            None => return Ok(None),
            // Read each time: a password that was rotated is used without a restart.
            Some(Source::File(fixed)) => fixed.read().await?,
            Some(Source::Plugin(configured, source)) => {
                let (project, host) = (String::new(), request.host.to_owned());
                let key = CacheKey { project, host, configured, version: 0 };
                self.of_plugin(&set, &key, source, &BTreeMap::new(), recorder).await?
            }
        }))
    }

    /// Returns whether a project has a registry of its own at a host.
    async fn has_own(&self, project: &str, host: &str) -> Result<bool, LoginError> {
        match &self.own {
            Some(own) => Ok(own.find(project, host).await?.is_some()),
            None => Ok(false),
        }
    }

    /// Returns the login of a project's own. `None` means that the project has no registry at the host.
    async fn of_project(
        &self,
        request: &LoginRequest<'_>,
        recorder: &Recorder,
    ) -> Result<Option<Login>, LoginError> {
        let LoginRequest { host, project, repository, action } = *request;
        let Some(own) = &self.own else { return Ok(None) };
        let Some(opened) = own.open(project, host).await? else { return Ok(None) };
        let OpenedRegistry { record, secrets } = opened;
        let registry = &record.registry;
        self.check_own(own, project, registry)?;
        let wanted = match action {
            Action::Push => LoginUse::Push,
            Action::Pull => LoginUse::Pull,
        };
        if action == Action::Push && !registry.has(repository) {
            let place = registry.images.as_deref().unwrap_or("(no place for images)");
            return Err(own_refused(
                format!(
                    "`{host}/{repository}` is not below `{place}`, which is where images of project `{project}` are pushed now"
                ),
                "submit again: the place was changed while the job ran",
            ));
        }
        let Some((of, login)) = registry.login(wanted) else { return Ok(None) };
        let secrets = secrets.of(of);
        Ok(Some(match login {
            RegistryLogin::User(user) => {
                let password = secrets.get(PASSWORD).cloned();
                let password = password.ok_or_else(|| {
                    let hint = own::command(project, registry);
                    own_refused(format!("the password of `{user}` at `{host}` is not there"), &hint)
                })?;
                Login { credential: Credential::Basic(user.clone(), password), renew_ms: None }
            }
            RegistryLogin::Plugin { name, settings } => {
                let configured = match of {
                    LoginUse::Push => Configured::Main,
                    LoginUse::Pull => Configured::Pull,
                };
                let key = CacheKey {
                    project: project.to_owned(),
                    host: registry.host.clone(),
                    configured,
                    version: record.version,
                };
                let source = own::source(registry, name, settings);
                let set = self.plugins.current();
                self.of_plugin(&set, &key, source, secrets, recorder).await.map_err(of_own)?
            }
        }))
    }
}

#[async_trait]
impl Logins for Registries {
    async fn login(
        &self,
        request: &LoginRequest<'_>,
        recorder: &Recorder,
    ) -> Result<Option<Login>, LoginError> {
        let login = match self.of_project(request, recorder).await? {
            Some(login) => Some(login),
            None => self.of_operator(request, recorder).await?,
        };
        if let Some(login) = &login {
            recorder.mask(login.secrets());
        }
        Ok(login)
    }

    async fn knows(&self, project: &str, host: &str) -> Result<bool, LoginError> {
        Ok(self.has_own(project, host).await? || self.has_login(host))
    }

    async fn refused(&self, project: &str, host: &str) -> bool {
        self.kept.forget(project, host).await
    }
}
