//! The engine, its clock, and one plugin made ready to be called.

use crate::{
    cache::Cache,
    compile,
    limits::{Budget, TICK},
    manifest::Manifest,
    state::State,
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use thiserror::Error;
use wasmtime::{
    Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig,
    component::{Component, InstancePre, Linker},
};

/// A larger component is refused before anything reads it.
const LARGEST: u64 = 32 << 20;

/// Memory that one instance may have at most, whatever its own limit says.
const SLOT: usize = 256 << 20;

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
    cache: Cache,
    /// The daemon's own program: compiles in a child.
    program: PathBuf,
}

/// A plugin that is ready.
pub(crate) struct Loaded {
    pub(crate) manifest: Manifest,
    /// Of the component: what grants and records name.
    pub(crate) digest: String,
    pub(crate) pre: InstancePre<State>,
}

impl Host {
    /// `cache`: a folder of the daemon's own. `program`: this daemon.
    ///
    /// # Errors
    /// When the engine or the cache cannot be made.
    pub fn new(cache: &Path, program: &Path) -> wasmtime::Result<Arc<Self>> {
        let engine = Engine::new(&config()?)?;
        let mut linker = Linker::new(&engine);
        crate::state::link(&mut linker)?;
        start_clock(&engine);
        let cache = Cache::open(cache, &engine)?;
        Ok(Arc::new(Self {
            engine,
            linker,
            budget: Arc::default(),
            cache,
            program: program.into(),
        }))
    }

    pub(crate) async fn load(&self, path: &Path) -> Result<Loaded, HostError> {
        let fail = |message: String| HostError { path: path.display().to_string(), message };
        let metadata = fs::metadata(path).map_err(|error| fail(error.to_string()))?;
        if metadata.len() > LARGEST {
            return Err(fail(format!("it has {} bytes; {LARGEST} are allowed", metadata.len())));
        }
        let bytes = fs::read(path).map_err(|error| fail(error.to_string()))?;
        let manifest = Manifest::of(&bytes).map_err(fail)?;
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let component = match self.cache.get(&digest, &self.engine) {
            Some(component) => component,
            None => {
                let code = compile::in_child(&self.program, &bytes).await.map_err(fail)?;
                self.cache
                    .put(&digest, &code)
                    .map_err(|error| fail(format!("the plugin cache: {error}")))?;
                let cached = self.cache.get(&digest, &self.engine);
                cached.ok_or_else(|| fail("the compiled code cannot be read back".into()))?
            }
        };
        let pre = self.ready(&component).map_err(|error| fail(format!("{error:#}")))?;
        Ok(Loaded { manifest, digest, pre })
    }

    fn ready(&self, component: &Component) -> wasmtime::Result<InstancePre<State>> {
        self.linker.instantiate_pre(component).map_err(|error| {
            wasmtime::format_err!("it imports what this host does not give, or was built for another track of the WIT: {error:#}")
        })
    }
}

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
    pool.total_component_instances(256)
        .total_memories(256)
        .total_tables(512)
        .total_core_instances(1024)
        .total_stacks(256)
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

/// Epochs end calls; the thread ends with the engine.
fn start_clock(engine: &Engine) {
    let weak = engine.weak();
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(TICK);
            match weak.upgrade() {
                Some(engine) => engine.increment_epoch(),
                None => return,
            }
        }
    });
}
