//! Tools for plugins of Windlass: the bindings of each world, builders for plans, and macros that export functions
//! as a plugin.
//!
//! ```
//! use windlass_plugin_sdk::{Detection, Error, Tree, detector, invalid};
//!
//! fn detect(repo: &Tree, _matched: Vec<String>) -> Result<Option<Detection>, Error> {
//!     let Some(text) = repo.read_text("go.mod", 65536)? else { return Ok(None) };
//!     if !text.contains("module ") {
//!         return Err(invalid("go.mod names no module".into(), "run `go mod init`"));
//!     }
//!     Ok(None) // … and a `Detection` where it knows how to build this.
//! }
//!
//! detector!(detect);
//! # fn main() {}
//! ```

/// Generated bindings, a module for each world.
#[allow(missing_docs, unreachable_pub, reason = "generated; the WIT has the documentation")]
pub mod bindings {
    /// Interfaces that plugins import.
    pub mod imports {
        wit_bindgen::generate!({
            path: "../wit",
            inline: "
                package windlass:sdk;
                world imports {
                    import windlass:plugin/log@0.1.0;
                    import windlass:plugin/config@0.1.0;
                    import windlass:plugin/clock@0.1.0;
                    import windlass:plugin/workspace@0.1.0;
                    import windlass:plugin/secrets@0.1.0;
                    import windlass:plugin/http@0.1.0;
                }
            ",
            world: "windlass:sdk/imports",
            generate_all,
        });
    }

    macro_rules! world {
        ($module:ident, $world:literal, $macro:literal, $own:literal, $($import:literal => $with:ident),*) => {
            #[doc = concat!("The world `", $world, "`.")]
            pub mod $module {
                wit_bindgen::generate!({
                    path: "../wit",
                    world: $world,
                    pub_export_macro: true,
                    export_macro_name: $macro,
                    default_bindings_module: $own,
                    with: {
                        "windlass:plugin/types@0.1.0": crate::bindings::imports::windlass::plugin::types,
                        "windlass:plugin/log@0.1.0": crate::bindings::imports::windlass::plugin::log,
                        "windlass:plugin/config@0.1.0": crate::bindings::imports::windlass::plugin::config,
                        "windlass:plugin/clock@0.1.0": crate::bindings::imports::windlass::plugin::clock,
                        $($import: crate::bindings::imports::windlass::plugin::$with,)*
                    },
                });
            }
        };
    }

    world!(detector, "detector-plugin", "export_detector", "windlass_plugin_sdk::bindings::detector",
        "windlass:plugin/workspace@0.1.0" => workspace);
    world!(test_runner, "test-runner-plugin", "export_test_runner", "windlass_plugin_sdk::bindings::test_runner",
        "windlass:plugin/workspace@0.1.0" => workspace);
    world!(registry_auth, "registry-auth-plugin", "export_registry_auth", "windlass_plugin_sdk::bindings::registry_auth",
        "windlass:plugin/secrets@0.1.0" => secrets, "windlass:plugin/http@0.1.0" => http);
    world!(deploy_hook, "deploy-hook-plugin", "export_deploy_hook", "windlass_plugin_sdk::bindings::deploy_hook",
        "windlass:plugin/secrets@0.1.0" => secrets, "windlass:plugin/http@0.1.0" => http);
}

pub mod gomod;
pub mod hook;
mod paths;
mod plan;
pub mod reports;

pub use bindings::{
    deploy_hook::exports::windlass::plugin::deploy_hook::{
        Action, ActionResult, Batch, Context, Done, Exited, Failure, Moment, PodExec, RunJob,
        Step as HookStep,
    },
    detector::exports::windlass::plugin::detector::{Detection, ImagePlan, Stage, Step, Toolchain},
    imports::windlass::plugin::{
        clock, http,
        log::Level,
        secrets::{self, Secret},
        types::{Error, ErrorKind},
        workspace::Tree,
    },
    registry_auth::exports::windlass::plugin::registry_auth::{
        Credential, Login, Request as LoginRequest,
    },
    test_runner::exports::windlass::plugin::test_runner::{Ran, Summary, TestCase, TestPlan},
};
pub use paths::{exists, leads_out};
pub use plan::{copy, copy_from, run, run_cached, stage};

/// Writes a line into the job's log.
pub fn log(level: Level, message: &str) {
    bindings::imports::windlass::plugin::log::emit(level, message);
}

/// Returns the operator's settings, a JSON document.
#[must_use]
pub fn config() -> String {
    bindings::imports::windlass::plugin::config::get()
}

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

/// Exports `fn(&Tree, Vec<String>) -> Result<Option<Detection>, Error>` as a detector plugin. The paths are those
/// that match the manifest's markers.
#[macro_export]
macro_rules! detector {
    ($function:path) => {
        struct Plugin;
        impl $crate::bindings::detector::exports::windlass::plugin::detector::Guest for Plugin {
            fn detect(
                repo: &$crate::Tree,
                matched: Vec<String>,
            ) -> Result<Option<$crate::Detection>, $crate::Error> {
                $function(repo, matched)
            }
        }
        $crate::bindings::detector::export_detector!(
            Plugin with_types_in $crate::bindings::detector
        );
    };
}

/// Exports a test runner:
/// `plan: fn(&Tree, language: String, matched: Vec<String>) -> Result<Option<TestPlan>, Error>` and
/// `parse: fn(Ran, reports: &Tree) -> Result<Option<Summary>, Error>`.
#[macro_export]
macro_rules! test_runner {
    (plan: $plan:path, parse: $parse:path) => {
        struct Plugin;
        impl $crate::bindings::test_runner::exports::windlass::plugin::test_runner::Guest
            for Plugin
        {
            fn make_plan(
                repo: &$crate::Tree,
                language: String,
                matched: Vec<String>,
            ) -> Result<Option<$crate::TestPlan>, $crate::Error> {
                $plan(repo, language, matched)
            }

            fn parse(
                ran: $crate::Ran,
                reports: &$crate::Tree,
            ) -> Result<Option<$crate::Summary>, $crate::Error> {
                $parse(ran, reports)
            }
        }
        $crate::bindings::test_runner::export_test_runner!(
            Plugin with_types_in $crate::bindings::test_runner
        );
    };
}

/// Exports `fn(LoginRequest) -> Result<Login, Error>` as a registry-auth plugin.
#[macro_export]
macro_rules! registry_auth {
    ($function:path) => {
        struct Plugin;
        impl $crate::bindings::registry_auth::exports::windlass::plugin::registry_auth::Guest
            for Plugin
        {
            fn authenticate(
                request: $crate::LoginRequest,
            ) -> Result<$crate::Login, $crate::Error> {
                $function(request)
            }
        }
        $crate::bindings::registry_auth::export_registry_auth!(
            Plugin with_types_in $crate::bindings::registry_auth
        );
    };
}

/// Exports a deploy hook: `start: fn(Context) -> Result<HookStep, Error>` and
/// `resume: fn(Context, state: Vec<u8>, Vec<ActionResult>) -> Result<HookStep, Error>`.
#[macro_export]
macro_rules! deploy_hook {
    (start: $start:path, resume: $resume:path) => {
        struct Plugin;
        impl $crate::bindings::deploy_hook::exports::windlass::plugin::deploy_hook::Guest
            for Plugin
        {
            fn start(ctx: $crate::Context) -> Result<$crate::HookStep, $crate::Error> {
                $start(ctx)
            }

            fn resume(
                ctx: $crate::Context,
                state: Vec<u8>,
                results: Vec<$crate::ActionResult>,
            ) -> Result<$crate::HookStep, $crate::Error> {
                $resume(ctx, state, results)
            }
        }
        $crate::bindings::deploy_hook::export_deploy_hook!(
            Plugin with_types_in $crate::bindings::deploy_hook
        );
    };
}
