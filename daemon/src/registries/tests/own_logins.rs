//! Registries of projects' own: who logs in where, within what the operator allows.

use super::*;
use windlass_engine::ports::{ImagePlaces, store::PutRegistry};
use windlass_model::{
    error::BuildError,
    own::registry::{OwnRegistry, RegistrySecrets},
};
use windlass_store::MemoryStore;

const HOST: &str = "127.0.0.1:5000";

const ALLOWED: &str = "[own-registries]\nallow = [\"127.0.0.1\", \"r.example\"]\n\
                       private-addresses = [\"127.0.0.0/8\"]\n";

/// Registries with those that projects have put.
struct World {
    folder: tempfile::TempDir,
    store: MemoryStore,
    registries: Registries,
}

impl World {
    async fn with(tables: &str) -> Self {
        let (folder, store) = (tempfile::tempdir().unwrap(), MemoryStore::default());
        let config = config(folder.path(), tables);
        let plugins = wire::plugins(&config, None).await.unwrap();
        let registries = Registries::new(&config, Arc::new(plugins));
        let registries = registries.with_own(Arc::new(store.clone()), &config);
        Self { folder, store, registries }
    }

    /// Puts a registry of a project, without asking the operator's rules.
    async fn put(&self, project: &str, host: &str, password: &str) {
        let registry = registry(host);
        let secret = Secret::new(password.as_bytes().to_vec());
        let push = [(PASSWORD.to_owned(), secret)].into();
        let secrets = RegistrySecrets { push, ..RegistrySecrets::default() };
        let put = self.store.put_registry(project, &registry, &secrets, "", "me").await.unwrap();
        assert!(matches!(put, PutRegistry::Version(_)), "{put:?}");
    }

    /// Returns the password of a login. The empty text means that there is none.
    async fn login(
        &self,
        project: &str,
        host: &str,
        repository: &str,
        action: Action,
    ) -> Result<String, PluginError> {
        let request = LoginRequest { host, project, repository, action };
        let login = self.registries.login(&request, &Recorder::null()).await.map_err(own)?;
        Ok(login.map_or_else(String::new, |login| match login.credential {
            Credential::Basic(_, password) => password.reveal_text().unwrap().to_owned(),
            other => panic!("{other:?}"),
        }))
    }
}

/// Returns the error of a registry of the project's own.
fn own(error: LoginError) -> PluginError {
    let LoginError::Own(error) = error else { panic!("{error:?}") };
    *error
}

fn registry(host: &str) -> OwnRegistry {
    OwnRegistry {
        host: host.into(),
        images: Some(format!("{host}/acme")),
        push: Some(RegistryLogin::User("ci".into())),
        pull: None,
    }
}

#[tokio::test]
async fn a_project_pushes_to_its_own_place_with_its_own_login() {
    let world = World::with(ALLOWED).await;
    assert_eq!(world.registries.place("shop").await.unwrap(), "r.example/apps/shop");
    world.put("shop", HOST, "of-shop").await;
    world.put("blog", HOST, "of-blog").await;
    assert_eq!(world.registries.place("shop").await.unwrap(), format!("{HOST}/acme"));
    let push = |project, repository| world.login(project, HOST, repository, Action::Push);
    assert_eq!(push("shop", "acme/web").await.unwrap(), "of-shop");
    assert_eq!(push("blog", "acme/web").await.unwrap(), "of-blog");
    for other in ["acme", "acmes/web", "other/web", ""] {
        let error = push("shop", other).await.unwrap_err();
        assert!(error.message.contains("is not below `127.0.0.1:5000/acme`"), "{error}");
    }
    assert_eq!(world.login("shop", HOST, "", Action::Pull).await.unwrap(), "of-shop");
    // Another project has neither place nor login, and may not push there.
    assert_eq!(world.registries.place("bank").await.unwrap(), "r.example/apps/bank");
    assert_eq!(world.login("bank", HOST, "", Action::Pull).await.unwrap(), "");
    push("bank", "acme/web").await.unwrap_err();
    assert!(world.registries.knows("shop", HOST).await.unwrap());
    assert!(!world.registries.knows("bank", HOST).await.unwrap());
    // A password that was rotated is used at once, and one that was removed is not.
    world.put("shop", HOST, "rotated").await;
    assert_eq!(push("shop", "acme/web").await.unwrap(), "rotated");
    let renewal = world.registries.renewal("shop", HOST).await.unwrap();
    let command = "windlass registry put shop 127.0.0.1:5000 --images 127.0.0.1:5000/acme --push-user ci --push-password-file FILE";
    assert!(renewal.contains(command), "{renewal}");
    assert_eq!(world.registries.renewal("bank", HOST).await, None);
    assert!(world.store.delete_registry("shop", HOST, "me").await.unwrap());
    assert_eq!(world.login("shop", HOST, "", Action::Pull).await.unwrap(), "");
    assert_eq!(world.registries.place("shop").await.unwrap(), "r.example/apps/shop");
    // A rollback may lead to an image that is there.
    let renewal = world.registries.renewal("shop", HOST).await.unwrap();
    assert!(renewal.contains(command), "{renewal}");
}

#[tokio::test]
async fn what_the_operator_takes_back_is_used_no_more() {
    let world = World::with(ALLOWED).await;
    world.put("shop", HOST, "of-shop").await;
    world.registries.place("shop").await.unwrap();
    for (tables, expected) in [
        ("", "own-registries.allow"),
        ("[own-registries]\nallow = [\"ghcr.io\"]\n", "own-registries.allow"),
    ] {
        world.registries.configure(&config(world.folder.path(), tables));
        let error = world.login("shop", HOST, "", Action::Pull).await.unwrap_err();
        assert!(error.message.contains(expected), "{error}");
        let error = world.registries.place("shop").await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let refused = world.registries.admit(&registry(HOST)).unwrap_err();
        assert!(refused.field == "host" && refused.expected.contains(expected), "{refused:?}");
    }
    // The name is allowed, and leads to an address that is not.
    let tables = "[own-registries]\nallow = [\"*\"]\n";
    world.registries.configure(&config(world.folder.path(), tables));
    let error = world.registries.place("shop").await.unwrap_err();
    let BuildError::Login { host, error } = error else { panic!("{error:?}") };
    assert_eq!(host, HOST);
    assert!(own(error).hint.unwrap().contains("own-registries.private-addresses"));
    let secrets = RegistrySecrets::default();
    let refused = world.registries.admit_parts(&registry(HOST), &secrets).await.unwrap_err();
    assert!(refused.expected.contains("own-registries.private-addresses"), "{refused:?}");
}

/// The operator may add a login for a host that a project has brought before.
#[tokio::test]
async fn a_host_of_both_is_refused_with_both_names() {
    let world = World::with(ALLOWED).await;
    world.put("shop", "r.example", "of-shop").await;
    for host in ["r.example", "r.example:443", "r.example:80"] {
        let refused = world.registries.admit(&registry(host)).unwrap_err();
        assert!(refused.expected.contains("is the operator's"), "{refused:?}");
    }
    for error in [
        world.login("shop", "r.example", "", Action::Pull).await.unwrap_err(),
        world.login("shop", "R.example", "acme/web", Action::Push).await.unwrap_err(),
    ] {
        assert!(error.message.contains("`r.example` is the operator's and one of project `shop`"));
        assert!(error.hint.unwrap().contains("windlass registry remove shop r.example"));
    }
    assert!(world.registries.place("shop").await.is_err());
    // Others go on with the operator's.
    assert_eq!(world.registries.place("blog").await.unwrap(), "r.example/apps/blog");
}

#[tokio::test]
async fn a_plugin_is_one_that_the_operator_lets_projects_use() {
    let world = World::with(ALLOWED).await;
    let settings = serde_json::json!({});
    let push = Some(RegistryLogin::Plugin { name: "registry-ecr".into(), settings });
    let by_plugin = OwnRegistry { push, ..registry(HOST) };
    let refused = world.registries.admit(&by_plugin).unwrap_err();
    assert_eq!((&*refused.field, &*refused.value), ("push.plugin", "registry-ecr"));
    assert!(refused.expected.contains("own-registries.plugins"), "{refused:?}");
    let tables = format!("{ALLOWED}plugins = [\"registry-ecr\"]\n");
    world.registries.configure(&config(world.folder.path(), &tables));
    world.registries.admit(&by_plugin).unwrap();
    let secrets = RegistrySecrets::default();
    let refused = world.registries.admit_parts(&by_plugin, &secrets).await.unwrap_err();
    assert!(refused.expected.contains("no registry-auth `registry-ecr` is loaded"), "{refused:?}");
}

/// Whoever has a cluster reads all that is in it.
#[tokio::test]
async fn a_login_that_is_withheld_from_own_clusters_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    fs::write(&file, "hunter22").unwrap();
    let file = file.display().to_string();
    let host = "[[registries]]\nhost = \"r.example\"\nusername = \"ci\"\npassword-file";
    let login = format!("{host} = \"{file}\"\n");
    let world = World::with(&format!("{ALLOWED}{login}")).await;
    let advice = world.registries.withheld("shop", "r.example").await.unwrap();
    for expected in ["registry put shop HOST --images", "own-clusters.pull-secrets", "r.example"] {
        assert!(advice.contains(expected), "{advice}");
    }
    // Nobody logs in there, or the project itself does.
    assert_eq!(world.registries.withheld("shop", "other.example").await, None);
    world.put("shop", HOST, "of-shop").await;
    assert_eq!(world.registries.withheld("shop", HOST).await, None);
    let shared = format!("{ALLOWED}{login}[own-clusters]\npull-secrets = true\n");
    let world = World::with(&shared).await;
    assert_eq!(world.registries.withheld("shop", "r.example").await, None);
}
