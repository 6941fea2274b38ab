//! Logins of plugins, kept until they are to be renewed.

use std::{collections::BTreeMap, sync::Arc, time::Instant};
use tokio::sync::Mutex;
use windlass_engine::ports::Login;
use windlass_plugin_host::RegistrySource;

/// A login that a plugin returned, with its origin.
pub(super) struct Kept {
    pub(super) login: Login,
    /// Another set of plugins may configure the same registry otherwise.
    pub(super) source: RegistrySource,
    pub(super) since: Instant,
}

/// Place of a login. `None` means that there is none to use again.
pub(super) type Place = Arc<Mutex<Option<Kept>>>;

/// One of the two logins that a registry may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Configured {
    /// The registry's own login, which may push.
    Main,
    /// The login of `pull`, which need not push.
    Pull,
}

/// Name of a kept login.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CacheKey {
    /// Project whose own the registry is. Empty means that it is the operator's.
    pub(super) project: String,
    pub(super) host: String,
    pub(super) configured: Configured,
    /// Version of a registry of a project's own. 0 for the operator's.
    pub(super) version: u32,
}

impl CacheKey {
    /// Returns whether both name the same login, of whatever version. Numbers may begin again.
    fn is_same(&self, other: &Self) -> bool {
        (&self.project, &self.host, self.configured)
            == (&other.project, &other.host, other.configured)
    }
}

/// All kept logins. There is one lock each, so that a hundred builds ask a plugin once.
#[derive(Default)]
pub(super) struct Cache(Mutex<BTreeMap<CacheKey, Place>>);

impl Cache {
    /// Returns the place of a login. It takes the place of that of another version.
    pub(super) async fn place(&self, key: &CacheKey) -> Place {
        let mut kept = self.0.lock().await;
        if !kept.contains_key(key) {
            kept.retain(|one, _| !one.is_same(key));
        }
        kept.entry(key.clone()).or_default().clone()
    }

    /// Forgets the logins that a project uses at a host. Returns whether there was one.
    pub(super) async fn forget(&self, project: &str, host: &str) -> bool {
        let places: Vec<_> = {
            let kept = self.0.lock().await;
            let is_used = |key: &CacheKey| {
                key.host == host && (key.project.is_empty() || key.project == project)
            };
            kept.iter().filter(|(key, _)| is_used(key)).map(|(_, place)| place.clone()).collect()
        };
        let mut another = false;
        for place in places {
            another |= place.lock().await.take().is_some();
        }
        another
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_engine::ports::Credential;
    use windlass_model::secret::Secret;

    fn key(project: &str, version: u32) -> CacheKey {
        let (host, configured) = ("ghcr.io".into(), Configured::Main);
        CacheKey { project: project.into(), host, configured, version }
    }

    async fn keep(cache: &Cache, key: &CacheKey) {
        let credential = Credential::Bearer(Secret::new(b"token".to_vec()));
        let login = Login { credential, renew_ms: None };
        let kept = Kept { login, source: RegistrySource::default(), since: Instant::now() };
        *cache.place(key).await.lock().await = Some(kept);
    }

    async fn has(cache: &Cache, key: &CacheKey) -> bool {
        cache.0.lock().await.contains_key(key)
    }

    #[tokio::test]
    async fn projects_and_versions_share_no_login() {
        let cache = Cache::default();
        for key in [key("", 0), key("shop", 1), key("blog", 1)] {
            keep(&cache, &key).await;
        }
        assert!(cache.place(&key("shop", 2)).await.lock().await.is_none());
        assert!(!has(&cache, &key("shop", 1)).await, "of before");
        assert!(has(&cache, &key("blog", 1)).await && has(&cache, &key("", 0)).await);
        // Numbers begin again where a registry was removed long ago.
        keep(&cache, &key("shop", 2)).await;
        cache.place(&key("shop", 1)).await;
        assert!(cache.place(&key("shop", 2)).await.lock().await.is_none());
        assert!(cache.forget("blog", "ghcr.io").await);
        assert!(!cache.forget("blog", "ghcr.io").await);
        assert!(!cache.forget("shop", "other").await);
    }
}
