//! What a Windlass plugin is written with: the bindings of each world, builders for plans, and a
//! macro that exports a function as a plugin.
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

/// The generated bindings: the imports, and the detector's world.
#[allow(missing_docs, unreachable_pub, reason = "generated; the WIT has the documentation")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "detector-plugin",
        pub_export_macro: true,
        export_macro_name: "export_detector",
        default_bindings_module: "windlass_plugin_sdk::bindings",
    });
}

/// The generated bindings of the test runner's world.
#[allow(missing_docs, unreachable_pub, reason = "generated; the WIT has the documentation")]
pub mod test_runner_bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "test-runner-plugin",
        pub_export_macro: true,
        export_macro_name: "export_test_runner",
        default_bindings_module: "windlass_plugin_sdk::test_runner_bindings",
        with: {
            "windlass:plugin/types@0.1.0": crate::bindings::windlass::plugin::types,
            "windlass:plugin/log@0.1.0": crate::bindings::windlass::plugin::log,
            "windlass:plugin/config@0.1.0": crate::bindings::windlass::plugin::config,
            "windlass:plugin/clock@0.1.0": crate::bindings::windlass::plugin::clock,
            "windlass:plugin/workspace@0.1.0": crate::bindings::windlass::plugin::workspace,
        },
    });
}

mod plan;
pub mod reports;

pub use bindings::{
    exports::windlass::plugin::detector::{Detection, ImagePlan, Stage, Step, Toolchain},
    windlass::plugin::{
        log::Level,
        types::{Error, ErrorKind},
        workspace::Tree,
    },
};
pub use plan::{copy, copy_from, run, run_cached, stage};
pub use test_runner_bindings::exports::windlass::plugin::test_runner::{
    Ran, Summary, TestCase, TestPlan,
};

/// A line in the job's log.
pub fn log(level: Level, message: &str) {
    bindings::windlass::plugin::log::emit(level, message);
}

/// The operator's settings: a JSON document.
#[must_use]
pub fn config() -> String {
    bindings::windlass::plugin::config::get()
}

/// An error that the user can do something about.
#[must_use]
pub fn invalid(message: String, hint: &str) -> Error {
    Error { kind: ErrorKind::InvalidInput, message, hint: Some(hint.into()) }
}

/// Exports `fn(&Tree, Vec<String>) -> Result<Option<Detection>, Error>` as a detector plugin; the
/// paths are those that hit the manifest's markers.
#[macro_export]
macro_rules! detector {
    ($function:path) => {
        struct Plugin;
        impl $crate::bindings::exports::windlass::plugin::detector::Guest for Plugin {
            fn detect(
                repo: &$crate::Tree,
                matched: Vec<String>,
            ) -> Result<Option<$crate::Detection>, $crate::Error> {
                $function(repo, matched)
            }
        }
        $crate::bindings::export_detector!(Plugin with_types_in $crate::bindings);
    };
}

/// Exports a test runner:
/// `plan: fn(&Tree, language: String, matched: Vec<String>) -> Result<Option<TestPlan>, Error>` and
/// `parse: fn(Ran, reports: &Tree) -> Result<Option<Summary>, Error>`.
#[macro_export]
macro_rules! test_runner {
    (plan: $plan:path, parse: $parse:path) => {
        struct Plugin;
        impl $crate::test_runner_bindings::exports::windlass::plugin::test_runner::Guest
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
        $crate::test_runner_bindings::export_test_runner!(
            Plugin with_types_in $crate::test_runner_bindings
        );
    };
}
