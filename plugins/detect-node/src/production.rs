//! Starts for production, beside a `start` that is missing or for development.

use crate::{
    command::{Start, file_of},
    said::said,
    scripts,
};
use windlass_plugin_sdk::{
    App,
    js::{Framework, Package},
    score,
};

/// Scripts that start what a build leaves.
const NAMES: [&str; 4] = ["start:prod", "start:production", "start-prod", "prod"];

/// Returns the start that a script for production says, where it runs a file of Node.
pub(crate) fn start(
    app: &App<'_>,
    package: &Package,
    framework: Option<&Framework>,
) -> Option<Start> {
    NAMES.into_iter().filter(|name| package.script(name).is_some()).find_map(|name| {
        let script = scripts::follow(package, &format!("npm run {name}"));
        let source = package.source(&["scripts", name]);
        let start = said(app, package, framework, script, &source).ok()?;
        file_of(&start.argv)?;
        Some(Start { score: score::INFERRED, ..start })
    })
}
