//! Runs plugins: components that nobody reviewed, in the daemon, with what they were granted.
//!
//! A store per call, so that no call finds another's leavings; limits on memory, CPU, time, calls
//! and answers; compiled by a child process, since compiling is where wasmtime promises least.
//! Only this crate knows WIT.

#![expect(unsafe_code, reason = "wasmtime's deserialize is unsafe; see `cache.rs`")]

mod ask;
mod bindings;
mod cache;
mod call;
mod compile;
#[cfg(test)]
mod draft;
mod engine;
mod execute;
mod grant;
mod hosts;
mod http;
mod kinds;
mod limits;
mod live;
mod manifest;
mod markers;
mod outbound;
mod process;
mod question;
mod record;
mod secrets;
mod selftest;
mod set;
mod settings;
mod state;
mod workspace;

pub use ask::{ActionKind, Use};
pub use compile::main as compile_main;
pub use engine::{Host, HostError};
pub use execute::Isolation;
pub use grant::{Grant, HttpGrant, Scheme, SecretGrant, SitePolicy};
pub use hosts::HostPattern;
pub use limits::Limits;
pub use live::{PluginStatus, Plugins};
pub use manifest::{Kind, Manifest, SECTION};
pub use process::main as worker_main;
pub use selftest::{Expect, SelfTest};
pub use set::{HookSource, JobPlugins, PluginSet, RegistrySource, Setup, Source};
