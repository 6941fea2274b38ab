//! Logins of one build, for buildkitd (BuildKit's `authprovider`).

use crate::policy::BuildPolicy;
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tonic::Status;
use windlass_engine::{
    ports::{Action, Credential, LoginRequest, Logins},
    recorder::Recorder,
};
use windlass_model::{
    error::{BuildError, PluginError},
    registry_host::is_same_host,
};

/// Docker Hub: its host in the names of images, and the host of its API.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// Project of a build, and the only repository that the build pushes to.
pub(crate) struct Owner {
    pub(crate) policy: Arc<BuildPolicy>,
    pub(crate) project: String,
    /// Host of the registry that the build pushes to.
    pub(crate) host: String,
    /// Path of the repository, without host and tag.
    pub(crate) repository: String,
    /// A stranger wrote what is built: no login is handed out but the one for the push.
    pub(crate) is_fork: bool,
}

/// Logins of one build, and a key that proves to buildkitd whose they are.
pub(crate) struct CredentialProvider {
    logins: Arc<dyn Logins>,
    recorder: Recorder,
    owner: Owner,
    /// The build has ended, and its image is being pushed. BuildKit then logs in once more, for this session alone
    /// (`util/resolver/pool.go`).
    pushes: AtomicBool,
    /// Repository of another project that a token was requested for.
    foreign: Mutex<Option<String>>,
    /// Key of this build alone: buildkitd shares tokens among all sessions that prove the same key.
    /// `None` means that no key could be made: buildkitd then asks for credentials.
    key: Option<Ed25519KeyPair>,
    /// Host and error of the last login that failed.
    failed: Mutex<Option<(String, PluginError)>>,
}

impl CredentialProvider {
    pub(crate) fn new(logins: Arc<dyn Logins>, recorder: Recorder, owner: Owner) -> Self {
        let document = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).ok();
        let key = document.and_then(|document| Ed25519KeyPair::from_pkcs8(document.as_ref()).ok());
        Self {
            logins,
            recorder,
            owner,
            pushes: AtomicBool::new(false),
            foreign: Mutex::default(),
            key,
            failed: Mutex::default(),
        }
    }

    /// Allows the push to the build's own repository from now on.
    pub(crate) fn begin_push(&self) {
        self.pushes.store(true, Ordering::Release);
    }

    /// Checks the scopes of a token (`repository:path:actions` of the distribution spec).
    ///
    /// A push may pull from other repositories of the host: it mounts layers that are there already.
    pub(crate) fn check(&self, host: &str, scopes: &[String]) -> Result<(), Status> {
        let Owner { policy, project, host: own_host, repository, .. } = &self.owner;
        let pushes = self.pushes.load(Ordering::Acquire) && is_same_host(own_host, named(host));
        for scope in scopes.iter().flat_map(|scopes| scopes.split(' ')) {
            let Some((path, actions)) =
                scope.strip_prefix("repository:").and_then(|scope| scope.rsplit_once(':'))
            else {
                continue;
            };
            if actions.split(',').all(|action| action == "pull") {
                if !pushes && policy.is_foreign(project, named(host), path) {
                    let image = format!("{}/{path}", named(host));
                    let mut foreign = self.foreign.lock().unwrap_or_else(PoisonError::into_inner);
                    *foreign = Some(image.clone());
                    return Err(Status::permission_denied(format!(
                        "`{image}` belongs to another project than `{project}`"
                    )));
                }
            } else if !(pushes && path == repository) {
                return Err(Status::permission_denied(format!(
                    "a build of `{project}` asks to change {}/{path} ({actions}); it may push to `{repository}` alone, once it has ended",
                    named(host)
                )));
            }
        }
        Ok(())
    }

    /// Returns the image of another project that a token was requested for. `None` means that there was none.
    pub(crate) fn foreign(&self) -> Option<String> {
        self.foreign.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds the login of exactly this host: the one for pulls, or, for the build's own repository while its image
    /// is pushed, the one for pushes. `None` means that nobody logs in there. A build of a fork has the latter alone: with
    /// the other its Dockerfile would read all that the project may.
    pub(crate) async fn login(&self, host: &str) -> Result<Option<Credential>, Status> {
        let Owner { project, host: own_host, repository, is_fork, .. } = &self.owner;
        let pushes = self.pushes.load(Ordering::Acquire) && is_same_host(own_host, named(host));
        if *is_fork && !pushes {
            return Ok(None);
        }
        let request = LoginRequest {
            host: named(host),
            project,
            repository: if pushes { repository } else { "" },
            action: if pushes { Action::Push } else { Action::Pull },
        };
        match self.logins.login(&request, &self.recorder).await {
            Ok(login) => Ok(login.map(|login| login.credential)),
            Err(error) => {
                let status = Status::unauthenticated(error.to_string());
                let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
                *failed = Some((host.into(), error));
                Err(status)
            }
        }
    }

    pub(crate) async fn refused(&self, host: &str) -> bool {
        self.logins.refused(&self.owner.project, named(host)).await
    }

    /// Returns the error for a push that the registry refused.
    pub(crate) async fn refused_push(&self, error: BuildError) -> BuildError {
        let Owner { project, host, .. } = &self.owner;
        refused(&*self.logins, project, host, error).await
    }

    pub(crate) fn failed(&self) -> Option<(String, PluginError)> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn key(&self) -> Result<&Ed25519KeyPair, Status> {
        self.key.as_ref().ok_or_else(|| Status::unimplemented("ask for credentials"))
    }

    pub(crate) fn public_key(&self) -> Result<Vec<u8>, Status> {
        Ok(self.key()?.public_key().as_ref().to_vec())
    }

    /// Returns signature and payload, one after the other, as NaCl's `crypto_sign` does.
    pub(crate) fn signed(&self, payload: &[u8]) -> Result<Vec<u8>, Status> {
        Ok([self.key()?.sign(payload).as_ref(), payload].concat())
    }
}

/// Returns the error for a login that a registry refused. For a login of the project's own it says how to renew it.
pub(crate) async fn refused(
    logins: &dyn Logins,
    project: &str,
    host: &str,
    error: BuildError,
) -> BuildError {
    match (logins.renewal(project, host).await, error) {
        (Some(hint), BuildError::Denied { message, .. }) => {
            let (plugin, call) = (String::new(), "login".to_owned());
            let error = PluginError { plugin, call, message, hint: Some(hint) };
            BuildError::Login { host: host.to_owned(), error }
        }
        (_, error) => error,
    }
}

/// Returns the host as images name it.
pub(crate) fn named(host: &str) -> &str {
    if host == HUB.1 { HUB.0 } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_trait::async_trait;
    use tokio::sync::watch;
    use windlass_engine::{
        journal::NullJournal,
        ports::{ImagePlaces, Login},
        run::Run,
    };
    use windlass_model::secret::Secret;

    /// Registry whose logins name their own use.
    struct Named;

    #[async_trait]
    impl ImagePlaces for Named {
        async fn place(&self, project: &str) -> Result<String, BuildError> {
            Ok(format!("reg.example/apps/{project}"))
        }

        async fn renewal(&self, project: &str, host: &str) -> Option<String> {
            (host == "own.example").then(|| format!("put {project} {host}"))
        }
    }

    #[async_trait]
    impl Logins for Named {
        async fn login(
            &self,
            request: &LoginRequest<'_>,
            _: &Recorder,
        ) -> Result<Option<Login>, PluginError> {
            let LoginRequest { host, project, repository, action } = request;
            let user = format!("{host} {project} {repository} {action:?}");
            let credential = Credential::Basic(user, Secret::new(b"password".to_vec()));
            Ok(Some(Login { credential, renew_ms: None }))
        }

        async fn knows(&self, _: &str, _: &str) -> Result<bool, PluginError> {
            Ok(true)
        }

        async fn refused(&self, _: &str, _: &str) -> bool {
            false
        }
    }

    fn provider() -> CredentialProvider {
        provider_at("reg.example", "apps/shop/web")
    }

    /// Returns the provider of a build that pushes to this repository.
    fn provider_at(host: &str, repository: &str) -> CredentialProvider {
        let (_stop, stop) = watch::channel(None);
        let run = Run::new(Arc::new(NullJournal), stop, None);
        let registry = "reg.example/apps".into();
        let owner = Owner {
            policy: Arc::new(BuildPolicy { registry, ..BuildPolicy::default() }),
            project: "shop".into(),
            host: host.into(),
            repository: repository.into(),
            is_fork: false,
        };
        CredentialProvider::new(Arc::new(Named), run.recorder().clone(), owner)
    }

    async fn user(provider: &CredentialProvider, host: &str) -> String {
        match provider.login(host).await.unwrap() {
            Some(Credential::Basic(user, _)) => user,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn the_login_for_pushes_is_used_for_the_push_alone() {
        let provider = provider();
        assert_eq!(user(&provider, "reg.example").await, "reg.example shop  Pull");
        provider.begin_push();
        assert_eq!(user(&provider, "reg.example").await, "reg.example shop apps/shop/web Push");
        assert_eq!(user(&provider, "registry-1.docker.io").await, "docker.io shop  Pull");
    }

    #[tokio::test]
    async fn a_registry_of_the_projects_own_is_pushed_to_with_its_login() {
        let provider = provider_at("own.example", "acme/web");
        let check = |host: &str, scopes: &str| provider.check(host, &[scopes.to_owned()]);
        provider.begin_push();
        assert_eq!(user(&provider, "own.example").await, "own.example shop acme/web Push");
        // The operator's registry is only pulled from then.
        assert_eq!(user(&provider, "reg.example").await, "reg.example shop  Pull");
        assert!(check("own.example", "repository:acme/web:pull,push").is_ok());
        assert!(check("own.example", "repository:acme/other:pull,push").is_err());
        assert!(check("reg.example", "repository:acme/web:pull,push").is_err());
        assert!(check("reg.example", "repository:apps/bank/web:pull").is_err());
        let denied = || BuildError::Denied { host: "auth.example".into(), message: "401".into() };
        let refused = provider.refused_push(denied()).await;
        let BuildError::Login { host, error } = refused else { panic!("{refused:?}") };
        assert_eq!((&*host, error.hint.as_deref()), ("own.example", Some("put shop own.example")));
        let operators = provider_at("reg.example", "apps/shop/web");
        assert_eq!(operators.refused_push(denied()).await, denied());
    }

    #[tokio::test]
    async fn a_build_of_a_fork_has_the_login_for_its_push_alone() {
        let mut provider = provider();
        provider.owner.is_fork = true;
        for host in ["reg.example", "own.example", "registry-1.docker.io"] {
            assert!(provider.login(host).await.unwrap().is_none(), "{host}");
        }
        provider.begin_push();
        assert_eq!(user(&provider, "reg.example").await, "reg.example shop apps/shop/web Push");
        assert!(provider.login("own.example").await.unwrap().is_none());
    }

    #[test]
    fn tokens_are_for_the_projects_own_repositories() {
        let provider = provider();
        let check = |scopes: &str| provider.check("reg.example", &[scopes.to_owned()]);
        assert!(check("repository:apps/shop/web:pull").is_ok());
        assert!(check("repository:other/web:pull registry:catalog:*").is_ok());
        assert!(provider.foreign().is_none());
        assert!(check("repository:apps/bank/web:pull").is_err());
        assert_eq!(provider.foreign().as_deref(), Some("reg.example/apps/bank/web"));
        assert!(check("repository:apps/shop/web:pull,push").is_err(), "it still builds");
        provider.begin_push();
        assert!(check("repository:apps/shop/web:pull,push").is_ok());
        assert!(check("repository:apps/bank/web:pull repository:apps/shop/web:pull,push").is_ok());
        assert!(check("repository:apps/bank/web:push").is_err());
        assert!(check("repository:apps/shop/other:delete").is_err());
    }
}
