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
    error::{BuildError, LoginError, PluginError},
    registry_host::is_same_host,
};

/// Docker Hub: its host in the names of images, and the host of its API.
const HUB: (&str, &str) = ("docker.io", "registry-1.docker.io");

/// Word of containerd for a layer that it reads (`core/remotes/docker/httpreadseeker.go`).
const READS: &str = "httpReadSeeker";

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
    failed: Mutex<Option<(String, LoginError)>>,
    /// Host that was logged in at last for a layer, while the image is pushed: layers of a base are read only then.
    read: Mutex<Option<String>>,
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
            read: Mutex::default(),
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
        let is_pushed = self.pushes.load(Ordering::Acquire);
        let pushes = is_pushed && is_same_host(own_host, named(host));
        if is_pushed && !pushes {
            let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
            *read = Some(named(host).to_owned());
        }
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

    /// Returns the error of a push that a registry refused or did not answer, with the host that did so: it need not be
    /// the one that is pushed to. The login that was refused is forgotten, since the result ends with the solve, and only
    /// the next job can use another one.
    pub(crate) async fn failed_push(&self, error: BuildError) -> BuildError {
        let error = match error {
            BuildError::Denied { message, .. } => {
                BuildError::Denied { host: self.answers(&message), message }
            }
            BuildError::Registry { message, is_own, .. } => {
                BuildError::Registry { host: self.answers(&message), message, is_own }
            }
            other => return other,
        };
        if let BuildError::Denied { host, .. } = &error {
            self.refused(host).await;
        }
        owned(&*self.logins, &self.owner.project, error).await
    }

    /// Returns the error of a build that could not read something after it was opened: tests have images of their own. The
    /// login that was refused is forgotten, as that of a push is.
    pub(crate) async fn failed_read(&self, error: BuildError) -> BuildError {
        let Owner { project, is_fork, .. } = &self.owner;
        if let BuildError::Denied { host, .. } = &error
            && !is_fork
        {
            self.refused(host).await;
        }
        unread(&*self.logins, project, *is_fork, error).await
    }

    /// Returns the registry's host that the error of a push is about. A token server has a host of its own, and is that
    /// of the registry that it was asked for.
    fn answers(&self, message: &str) -> String {
        if let Some(host) = asked(message) {
            return named(host).to_owned();
        }
        let read = self.read.lock().unwrap_or_else(PoisonError::into_inner).clone();
        read.filter(|_| message.contains(READS)).unwrap_or_else(|| self.owner.host.clone())
    }

    pub(crate) fn failed(&self) -> Option<(String, LoginError)> {
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

/// Returns the error of a registry that refused a login or did not answer. For a registry of the project's own it says
/// that it is, and how to renew the login.
async fn owned(logins: &dyn Logins, project: &str, error: BuildError) -> BuildError {
    let (BuildError::Denied { host, .. } | BuildError::Registry { host, .. }) = &error else {
        return error;
    };
    let Some(hint) = logins.renewal(project, named(host)).await else { return error };
    match error {
        BuildError::Denied { host, message } => own_denied(&host, message, hint),
        BuildError::Registry { host, message, .. } => {
            BuildError::Registry { host, message, is_own: true }
        }
        other => other,
    }
}

/// Returns the error of a build that could not read what it is made of, as [`owned`] does. A build of a fork sends no
/// login: none was refused.
pub(crate) async fn unread(
    logins: &dyn Logins,
    project: &str,
    is_fork: bool,
    error: BuildError,
) -> BuildError {
    let (host, message) = match error {
        BuildError::Denied { host, message } if is_fork => (host, message),
        error => return owned(logins, project, error).await,
    };
    let message = format!(
        "a build of a fork pulls without a login, so that it reads only what everybody may: {message}"
    );
    match logins.renewal(project, named(&host)).await {
        Some(_) => {
            let hint = "name an image after FROM that is pulled without a login".to_owned();
            own_denied(&host, message, hint)
        }
        None => BuildError::Denied { host, message },
    }
}

/// Returns the error for a registry of the project's own that refuses what a build reads or writes.
fn own_denied(host: &str, message: String, hint: String) -> BuildError {
    let (plugin, call) = (String::new(), "login".to_owned());
    let error = Box::new(PluginError { plugin, call, message, hint: Some(hint) });
    BuildError::Login { host: named(host).to_owned(), error: LoginError::Own(error) }
}

/// Returns the host of the registry's API that a message names last: `https://HOST/v2/…`. `None` means that it names
/// none.
fn asked(message: &str) -> Option<&str> {
    message.split([' ', '"']).rev().find_map(|word| {
        let url = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"))?;
        let (host, path) = url.split_once('/')?;
        path.starts_with("v2/").then_some(host)
    })
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

        async fn withheld(&self, _: &str, _: &str) -> Option<String> {
            None
        }
    }

    #[async_trait]
    impl Logins for Named {
        async fn login(
            &self,
            request: &LoginRequest<'_>,
            _: &Recorder,
        ) -> Result<Option<Login>, LoginError> {
            let LoginRequest { host, project, repository, action } = request;
            let user = format!("{host} {project} {repository} {action:?}");
            let credential = Credential::Basic(user, Secret::new(b"password".to_vec()));
            Ok(Some(Login { credential, renew_ms: None }))
        }

        async fn knows(&self, _: &str, _: &str) -> Result<bool, LoginError> {
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
    }

    /// Layers of a base are read while the image is pushed.
    #[tokio::test]
    async fn a_push_is_refused_by_the_host_that_refuses_it() {
        let denied = |host: &str, message: &str| BuildError::Denied {
            host: host.into(),
            message: message.into(),
        };
        let push = "failed to push own.example/acme/web:1: ";
        let read = format!("{push}failed to copy: httpReadSeeker: failed open: ");
        let token = "failed to fetch oauth token: unexpected status from POST request to https://auth.example/token: 401 Unauthorized";
        let at = |host: &str| {
            format!(
                "unexpected status from GET request to https://{host}/v2/x/blobs/sha256:1: 401 Unauthorized"
            )
        };
        let provider = provider_at("own.example", "acme/web");
        provider.begin_push();
        for message in [format!("{push}{token}"), format!("{push}{}", at("own.example"))] {
            let refused = provider.failed_push(denied("auth.example", &message)).await;
            let BuildError::Login { host, error: LoginError::Own(error) } = refused else {
                panic!("{refused:?}")
            };
            let hint = error.hint.as_deref();
            assert_eq!((&*host, hint), ("own.example", Some("put shop own.example")));
        }
        // The base's host says so itself, or its token server does.
        let message = format!("{read}{}", at("registry-1.docker.io"));
        let refused = provider.failed_push(denied("own.example", &message)).await;
        assert_eq!(refused, denied("docker.io", &message));
        provider.login("base.example").await.unwrap();
        let message = format!("{read}{token}");
        let refused = provider.failed_push(denied("own.example", &message)).await;
        assert_eq!(refused, denied("base.example", &message));
        // The operator's registry, whose token server has another host.
        let operators = provider_at("reg.example", "apps/shop/web");
        let refused = operators.failed_push(denied("auth.example", token)).await;
        assert_eq!(refused, denied("reg.example", token));
    }

    #[tokio::test]
    async fn what_tests_may_not_read_is_refused_by_a_registry_of_the_projects_own() {
        let provider = provider_at("reg.example", "apps/shop/web");
        let denied = |host: &str| BuildError::Denied { host: host.into(), message: "401".into() };
        let refused = provider.failed_read(denied("own.example")).await;
        let BuildError::Login { host, error: LoginError::Own(error) } = refused else {
            panic!("{refused:?}")
        };
        let hint = error.hint.as_deref();
        assert_eq!((&*host, hint), ("own.example", Some("put shop own.example")));
        assert_eq!(provider.failed_read(denied("base.example")).await, denied("base.example"));
    }

    #[tokio::test]
    async fn a_registry_of_the_projects_own_that_is_away_is_its_own() {
        let provider = provider_at("own.example", "acme/web");
        for (host, expected) in [("own.example", true), ("base.example", false)] {
            let message = format!("failed to do request: Head \"https://{host}/v2/x\": EOF");
            let away = BuildError::Registry { host: "own.example".into(), message, is_own: false };
            let BuildError::Registry { host: named, is_own, .. } = provider.failed_push(away).await
            else {
                panic!("another error")
            };
            assert_eq!((&*named, is_own), (host, expected));
        }
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
