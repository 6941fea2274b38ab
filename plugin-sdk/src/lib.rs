//! Tools for plugins of Windlass: the tree and the app that a plugin is asked about, readers for manifests that know
//! their lines, versions, builders for plans, a test harness, and macros that export functions as a plugin.
//!
//! ```
//! use windlass_plugin_sdk::{App, Detection, Found, StageExt, detector, score, stage};
//!
//! pub fn detect(app: &App<'_>) -> Found {
//!     let Some(manifest) = app.read("app.lua")? else { return Ok(None) };
//!     let mut plan = Detection::new("lua", score::STARTED);
//!     plan.because(format!("{}: an app", manifest.path));
//!     plan.image.stages = vec![stage("run", "nickblah/lua:5.4").copy(&["."], "./")];
//!     plan.image.start = vec!["lua".into(), "app.lua".into()];
//!     Ok(Some(plan))
//! }
//!
//! detector!(detect, language = "lua");
//! # fn main() {}
//! ```

pub mod bindings;

mod answer;
mod app;
pub mod commands;
pub mod dotnet;
pub mod elixir;
#[doc(hidden)]
pub mod export;
mod file;
pub mod gomod;
pub mod hook;
#[doc(hidden)]
pub mod host;
pub mod js;
pub mod jvm;
mod paths;
pub mod php;
mod plan;
pub mod procfile;
pub mod python;
pub mod read;
mod refusal;
pub mod reports;
pub mod ruby;
pub mod rust;
pub mod score;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod testplan;
mod tree;
pub mod versions;
pub mod workspace;

pub use answer::{
    Answer, Assets, BuildSecret, Candidate, CopyFiles, Decision, Detection, Found, ImagePlan,
    Process, ProcessKind, RunCommand, Stage, StaticSite, Step, Toolchain, Warning,
};
pub use app::App;
pub use bindings::{
    deploy_hook::exports::windlass::plugin::deploy_hook::{
        Action, ActionResult, Batch, Context, Done, Exited, Failure, Moment, PodExec, RunJob,
        Step as HookStep,
    },
    imports::windlass::plugin::{
        http,
        log::Level,
        secrets::{self, Secret},
        types::{Error, ErrorKind},
    },
    registry_auth::exports::windlass::plugin::registry_auth::{
        Credential, Login, Request as LoginRequest,
    },
    test_runner::exports::windlass::plugin::test_runner::{
        Ran, Request as RunnerRequest, Summary, TestCase, TestPlan,
    },
};
pub use file::File;
pub use host::{clock, config, log};
pub use paths::{exists, join, leads_out, within};
pub use plan::{PORT, StageExt, StepExt, USER, assets, copy, copy_from, run, shell, stage};
pub use refusal::Refusal;
pub use tree::{Entry, EntryKind, Tree};

/// Formats a time of [`clock::now`] as `2026-11-22T17:00:00Z` (RFC 3339).
#[must_use]
pub fn utc(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1000).unwrap_or_default();
    let time = time::OffsetDateTime::from_unix_timestamp(seconds);
    let time = time.unwrap_or(time::OffsetDateTime::UNIX_EPOCH);
    let date = time.date();
    let clock = time.time();
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        clock.hour(),
        clock.minute(),
        clock.second()
    )
}

/// Returns an error for input that the user can correct.
#[must_use]
pub fn invalid(message: String, hint: &str) -> Error {
    Error { kind: ErrorKind::InvalidInput, message, hint: Some(hint.into()) }
}

/// Returns an error for a tree that the plugin recognises and does not handle.
#[must_use]
pub fn unsupported(message: String, hint: &str) -> Error {
    Error { kind: ErrorKind::Unsupported, message, hint: Some(hint.into()) }
}
