//! The step that compiles a program.

use windlass_plugin_sdk::{Step, StepExt, run};

/// Folder of the compiler's cache.
const CACHE: &str = "/root/.cache/go-build";

/// Returns the step that compiles a package into `/out`.
pub(crate) fn compile(name: &str, package: &str) -> Step {
    let out = format!("/out/{name}");
    run(&["go", "build", "-trimpath", "-ldflags=-s -w", "-o", &out, package]).cached(&[CACHE])
}
