//! The engine, its clock, and one plugin made ready to be called.

use crate::{
    cache::Cache,
    compile,
    execute::{Execute, Isolation, Sandbox},
    grant::{Granted, SitePolicy},
    kinds,
    limits::{Budget, Limits, TICK},
    manifest::Manifest,
    markers,
    process::Processes,
    record::CircuitBreaker,
    set::Source,
    settings::Schema,
    state::State,
};
use globset::GlobSet;
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
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{Component, InstancePre, Linker},
};
use windlass_engine::ports::Secrets;
use windlass_model::error::PluginError;

/// A larger component is refused before anything reads it.
const LARGEST: u64 = 32 << 20;

/// Memory that one instance may have at most, whatever its own limit says.
const SLOT: usize = 256 << 20;

/// Calls in this process at once: the others wait for their turn, since a full pool would fail them.
/// Far more than there are cores, since calls wait for hosts too.
const SEATS: usize = 64;
/// Of one plugin, so that one whose calls all wait leaves room for the others.
pub(crate) const SEATS_OF_ONE: usize = 48;
/// Memories, tables and core instances of one component; one made of Python has 38 instances.
const MEMORIES: u32 = 4;
const TABLES: u32 = 8;
const INSTANCES: u32 = 128;

/// Why a plugin cannot be loaded.
#[derive(Debug, Error)]
#[error("plugin {path}: {message}")]
pub struct HostError {
    /// The file.
    pub path: String,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Compiles, caches and runs.
pub struct Host {
    pub(crate) engine: Engine,
    pub(crate) linker: Linker<State>,
    pub(crate) budget: Arc<Budget>,
    pub(crate) seats: Arc<Semaphore>,
    cache: Cache,
    /// The daemon's own program: compiles in a child.
    program: PathBuf,
    /// The projects' own.
    pub(crate) secrets: Option<Arc<dyn Secrets>>,
}

/// A plugin that is ready, as the operator configured it.
pub(crate) struct Plugin {
    pub(crate) manifest: Manifest,
    /// Of the component, `sha256:…`: what grants and records name.
    pub(crate) digest: String,
    pub(crate) execute: Arc<dyn Execute>,
    pub(crate) isolation: Isolation,
    pub(crate) markers: GlobSet,
    pub(crate) limits: Limits,
    pub(crate) granted: Arc<Granted>,
    pub(crate) schema: Schema,
    /// As the operator said, without those of a registry or a hook.
    pub(crate) settings: serde_json::Value,
    pub(crate) path: PathBuf,
    pub(crate) record: CircuitBreaker,
}

impl Plugin {
    /// Why one of its calls gave no answer.
    pub(crate) fn error(&self, call: &str, message: String, hint: Option<String>) -> PluginError {
        PluginError { plugin: self.manifest.name.clone(), call: call.into(), message, hint }
    }

    /// Whether it is for tests of this language.
    pub(crate) fn speaks(&self, language: &str) -> bool {
        self.manifest.languages.iter().any(|own| own == language)
    }
}

impl Host {
    /// `cache`: a folder of the daemon's own. `program`: this daemon. `secrets`: the projects' own,
    /// for hooks that are told to use them.
    ///
    /// # Errors
    /// When the engine or the cache cannot be made.
    pub fn new(
        cache: &Path,
        program: &Path,
        secrets: Option<Arc<dyn Secrets>>,
    ) -> wasmtime::Result<Arc<Self>> {
        let engine = Engine::new(&config()?)?;
        let mut linker = Linker::new(&engine);
        crate::state::link(&mut linker)?;
        start_clock(&engine);
        let cache = Cache::open(cache, &engine)?;
        Ok(Arc::new(Self {
            engine,
            linker,
            budget: Arc::default(),
            seats: Arc::new(Semaphore::new(SEATS)),
            cache,
            program: program.into(),
            secrets,
        }))
    }

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
        let limits = source.limits.settled(manifest.world, policy.ceiling.as_ref());
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
            Isolation::Sandbox => Sandbox::executor(self, pre),
            Isolation::Process => {
                let code = self.cache.code(&digest);
                let code =
                    code.ok_or_else(|| fail("the compiled code cannot be read back".into()))?;
                Processes::executor(self.program.clone(), code)
            }
        };
        let markers = markers::compiled(&manifest.markers).map_err(fail)?;
        Ok(Plugin {
            manifest,
            digest,
            execute,
            isolation: source.isolation,
            markers,
            limits,
            granted: Arc::new(granted),
            schema,
            settings,
            path: path.clone(),
            record: CircuitBreaker::default(),
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
            if !version.starts_with(TRACK) {
                return Err(format!(
                    "it was built for `{interface}` of windlass:plugin {version}, and this daemon runs {TRACK}x: build it with the SDK of {TRACK}x, or run a daemon of its track"
                ));
            }
        }
        let ready = self.linker.instantiate_pre(component);
        ready.map_err(|error| format!("it imports what this daemon does not give: {error:#}"))
    }
}

/// Versions of the WIT within one track fit each other, in both directions.
const TRACK: &str = "0.1.";

/// What the compiling child and the running daemon must agree on.
pub(crate) fn config() -> wasmtime::Result<Config> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    config.concurrency_support(false);
    config.wasm_memory64(false);
    config.wasm_relaxed_simd(false);
    config.max_wasm_stack(512 << 10);
    config.memory_reservation(SLOT as u64);
    // The file says only the major version by itself: a fix of the code generator must not find
    // code that was made before it.
    config.module_version(wasmtime::ModuleVersionStrategy::Custom(VERSION.into()))?;
    let mut pool = PoolingAllocationConfig::default();
    #[expect(clippy::cast_possible_truncation, reason = "a small constant")]
    let seats = SEATS as u32;
    pool.total_component_instances(seats)
        .total_memories(seats * MEMORIES)
        .total_tables(seats * TABLES)
        .total_core_instances(seats * INSTANCES)
        .total_stacks(seats)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_core_instances_per_component(INSTANCES)
        .max_memory_size(SLOT)
        .max_component_instance_size(4 << 20)
        .table_elements(20_000)
        .linear_memory_keep_resident(64 << 10)
        .table_keep_resident(64 << 10)
        .pagemap_scan(Enabled::Auto);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Ok(config)
}

/// The exact wasmtime, as pinned in the workspace.
pub(crate) const VERSION: &str = concat!("48.0.8+", env!("CARGO_PKG_VERSION"));

/// Epochs end calls; the thread ends with the engine. Returns once it runs: what a worker takes from
/// itself afterwards, a thread needs at its start.
pub(crate) fn start_clock(engine: &Engine) {
    let weak = engine.weak();
    let (runs, running) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let _ = runs.send(());
        loop {
            std::thread::sleep(TICK);
            match weak.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    });
    let _ = running.recv();
}
