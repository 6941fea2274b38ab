//! Loading: from the bytes of a component to a plugin that can be called.

pub(crate) mod cache;
pub(crate) mod compile;

use crate::{
    breaker::CircuitBreaker,
    clock::Clock,
    engine::config,
    grant::{Granted, SitePolicy},
    host::{State, link},
    kinds,
    limits::{Budget, PERMITS},
    manifest::Manifest,
    markers,
    plugin::Plugin,
    run::{process::Processes, sandbox::Sandbox},
    settings::Schema,
    setup::{Isolation, Source},
};
use cache::Cache;
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use thiserror::Error;
use tokio::sync::Semaphore;
use wasmtime::{
    Engine,
    component::{Component, InstancePre, Linker},
};
use windlass_engine::ports::Secrets;

/// Largest component in bytes. A larger one is refused before anything reads it.
const LARGEST: u64 = 32 << 20;

/// Reason why a plugin cannot be loaded.
#[derive(Debug, Error)]
#[error("plugin {path}: {message}")]
pub struct HostError {
    /// File of the plugin, or the part of the configuration that names it.
    pub path: String,
    /// The fault, and what to do.
    pub message: String,
}

/// Compiler, cache and runner of plugins.
pub struct Host {
    engine: Engine,
    clock: Clock,
    linker: Linker<State>,
    budget: Arc<Budget>,
    /// Permits of all plugins for calls in this process.
    permits: Arc<Semaphore>,
    cache: Cache,
    /// Program of the daemon, which compiles in a child process.
    program: PathBuf,
    /// Secrets of projects. `None` means that no hook can use any.
    pub(crate) secrets: Option<Arc<dyn Secrets>>,
}

impl Host {
    /// Creates a host. `cache` is a folder that only the daemon uses, and `program` is the daemon's own
    /// program. `secrets` has the secrets of projects, for hooks that are configured to use them.
    pub fn new(
        cache: &Path,
        program: &Path,
        secrets: Option<Arc<dyn Secrets>>,
    ) -> wasmtime::Result<Arc<Self>> {
        let engine = Engine::new(&config()?)?;
        let mut linker = Linker::new(&engine);
        link(&mut linker)?;
        let clock = Clock::start(&engine);
        let cache = Cache::open(cache, &engine)?;
        Ok(Arc::new(Self {
            engine,
            clock,
            linker,
            budget: Arc::default(),
            permits: Arc::new(Semaphore::new(PERMITS)),
            cache,
            program: program.into(),
            secrets,
        }))
    }

    /// Removes compiled code from the cache that none of these plugins uses, if there is much of it.
    pub(crate) fn prune(&self, digests: &[&str]) {
        if let Err(error) = self.cache.prune(digests) {
            tracing::warn!(%error, "old code of plugins stays in the cache");
        }
    }

    /// Loads a plugin from its file, or from the cache.
    pub(crate) async fn load(
        &self,
        source: &Source,
        policy: &SitePolicy,
    ) -> Result<Plugin, HostError> {
        let path = &source.path;
        let fail = |message: String| HostError { path: path.display().to_string(), message };
        let metadata = fs::metadata(path).map_err(|error| fail(error.to_string()))?;
        if metadata.len() > LARGEST {
            return Err(fail(format!("it has {} bytes; {LARGEST} are allowed", metadata.len())));
        }
        let bytes = fs::read(path).map_err(|error| fail(error.to_string()))?;
        let manifest = Manifest::of(&bytes).map_err(fail)?;
        let digest = format!("sha256:{}", hex::encode(Sha256::digest(&bytes)));
        if let Some(wanted) = source.digest.as_ref().filter(|wanted| **wanted != digest) {
            return Err(fail(format!(
                "its digest is {digest}, and the configuration says {wanted}: it is another component than the one that was granted; look at what it asks for, then change `digest`"
            )));
        }
        let granted = Granted::new(&manifest.asks, &source.grant, policy).map_err(fail)?;
        if source.digest.is_none() && !granted.is_empty() {
            return Err(fail(format!(
                "a grant holds for one component: add digest = \"{digest}\""
            )));
        }
        let schema = Schema::of(&manifest).map_err(fail)?;
        let settings = source.settings.clone().unwrap_or_else(|| serde_json::json!({}));
        let limits = source.limits.resolved(manifest.world, policy.ceiling.as_ref());
        let cached = || {
            let cached = self.cache.get(&digest, &self.engine);
            cached.map_err(|error| fail(format!("this daemon cannot hold it: {error:#}")))
        };
        let component = match cached()? {
            Some(component) => component,
            None => {
                let limit = Duration::from_millis(limits.compile_ms);
                let code = compile::in_child(&self.program, &bytes, limit).await.map_err(fail)?;
                self.cache
                    .put(&digest, &code)
                    .map_err(|error| fail(format!("the plugin cache: {error}")))?;
                cached()?.ok_or_else(|| fail("the compiled code cannot be read back".into()))?
            }
        };
        let pre = self.ready(&component).map_err(fail)?;
        kinds::check(manifest.world, &pre).map_err(fail)?;
        let execute = match source.isolation {
            Isolation::Sandbox => Sandbox::executor(&self.engine, &self.clock, pre, &self.permits),
            Isolation::Process => {
                let code = self.cache.code(&digest);
                let code =
                    code.ok_or_else(|| fail("the compiled code cannot be read back".into()))?;
                Processes::executor(self.program.clone(), code, &limits)
            }
        };
        let markers = markers::compiled(&manifest.markers).map_err(fail)?;
        Ok(Plugin {
            manifest,
            digest,
            execute,
            budget: self.budget.clone(),
            isolation: source.isolation,
            markers,
            limits,
            granted: Arc::new(granted),
            schema,
            settings,
            path: path.clone(),
            breaker: CircuitBreaker::default(),
        })
    }

    fn ready(&self, component: &Component) -> Result<InstancePre<State>, String> {
        let of_component = component.component_type();
        let imports = of_component.imports(&self.engine).map(|(name, _)| name.to_owned());
        let exports = of_component.exports(&self.engine).map(|(name, _)| name.to_owned());
        for name in imports.chain(exports) {
            let ours = name.strip_prefix("windlass:plugin/");
            let Some((interface, version)) = ours.and_then(|rest| rest.split_once('@')) else {
                continue;
            };
            if !TRACKS.iter().any(|track| version.starts_with(track)) {
                let ours = TRACKS.map(|track| format!("{track}x")).join(" and ");
                return Err(format!(
                    "it was built for `{interface}` of windlass:plugin {version}, and this daemon runs {ours}: build it with the SDK of one of them, or run a daemon of its track"
                ));
            }
        }
        let ready = self.linker.instantiate_pre(component);
        ready.map_err(|error| format!("it imports what this daemon does not give: {error:#}"))
    }
}

/// Starts of the WIT's versions that this daemon runs. Versions of one track fit each other, in both
/// directions.
const TRACKS: [&str; 2] = ["0.1.", "0.2."];
