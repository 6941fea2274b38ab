//! Host of plugins: components that nobody reviewed run in the daemon, with the rights that they were granted.
//!
//! Each call has a store of its own, so that no call finds data of another. Memory, CPU, time, calls and
//! answers are limited. A child process compiles, since compiling is where wasmtime promises least. Only this
//! crate knows WIT.

#![expect(unsafe_code, reason = "wasmtime's deserialize is unsafe; see `load/cache.rs`")]

mod ask;
mod bindings;
mod breaker;
mod clock;
mod engine;
mod grant;
mod host;
mod host_pattern;
mod job;
mod kinds;
mod limits;
mod listing;
mod live;
mod load;
mod manifest;
mod markers;
mod plugin;
mod resources;
mod run;
mod selftest;
mod set;
mod settings;
mod setup;
mod text;
mod tree;

pub use ask::{ActionKind, Use};
pub use grant::{Grant, HttpGrant, Scheme, SecretGrant, SitePolicy};
pub use host_pattern::HostPattern;
pub use job::JobPlugins;
pub use limits::Limits;
pub use live::Plugins;
pub use load::{Host, HostError, compile::main as compile_main};
pub use manifest::{Built, Expect, Kind, Manifest, SECTION, SelfTest, TableRow};
pub use run::process::main as worker_main;
pub use set::PluginSet;
pub use setup::{HookSource, Isolation, RegistrySource, Setup, Source};
