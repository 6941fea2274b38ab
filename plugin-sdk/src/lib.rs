//! What a Windlass plugin is written with: the bindings of each world, builders for plans, and a
//! macro that exports a function as a plugin.
//!
//! ```ignore
//! use windlass_plugin_sdk::{Detection, Error, Tree, detector};
//!
//! fn detect(repo: &Tree) -> Result<Option<Detection>, Error> {
//!     let Some(manifest) = repo.read_text("go.mod", 65536)? else { return Ok(None) };
//!     // …
//! }
//! detector!(detect);
//! ```

/// The generated bindings of the detector's world.
#[allow(missing_docs, unreachable_pub, reason = "generated; the WIT has the documentation")]
pub mod bindings {
    wit_bindgen::generate!({
        path: "../wit",
        world: "detector-plugin",
        pub_export_macro: true,
        default_bindings_module: "windlass_plugin_sdk::bindings",
    });
}

mod plan;

pub use bindings::{
    exports::windlass::plugin::detector::{Detection, ImagePlan, Stage, Step, Toolchain},
    windlass::plugin::{
        log::Level,
        types::{Error, ErrorKind},
        workspace::Tree,
    },
};
pub use plan::{copy, copy_from, run, run_cached, stage};

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

/// Exports `fn(&Tree) -> Result<Option<Detection>, Error>` as a detector plugin.
#[macro_export]
macro_rules! detector {
    ($function:path) => {
        struct Plugin;
        impl $crate::bindings::exports::windlass::plugin::detector::Guest for Plugin {
            fn detect(
                repo: &$crate::Tree,
            ) -> Result<Option<$crate::Detection>, $crate::Error> {
                $function(repo)
            }
        }
        $crate::bindings::export!(Plugin with_types_in $crate::bindings);
    };
}
