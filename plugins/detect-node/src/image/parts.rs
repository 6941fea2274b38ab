//! All that the stages of the image depend on.

use crate::{command::Start, scripts::Build};
use windlass_plugin_sdk::{
    App, CopyFiles, Step,
    js::{Framework, Install, Manager, Package},
    workspace::Workspace,
};

/// All that the stages depend on.
pub(crate) struct Parts<'a> {
    pub(crate) app: &'a App<'a>,
    pub(crate) package: &'a Package,
    pub(crate) workspace: Option<&'a Workspace>,
    pub(crate) manager: &'a Manager,
    pub(crate) install: &'a Install,
    pub(crate) framework: Option<&'a Framework>,
    pub(crate) start: &'a Start,
    pub(crate) base: String,
    /// The app has processes beside the one that serves.
    pub(crate) processes: bool,
}

impl Parts<'_> {
    /// Returns whether the app is below the root of its workspace.
    pub(super) fn is_member(&self) -> bool {
        self.install.place != self.install.home
    }
}

/// Returns a step that copies files of the context below `/app`.
pub(super) fn to_app(sources: Vec<String>, dest: String) -> Step {
    Step::Copy(CopyFiles { from: None, sources, dest, owned: false, why: None })
}

/// Returns the argv of a part of the start that belongs to the build.
pub(super) fn built(parts: &Parts<'_>, build: &Build) -> Vec<String> {
    match build {
        Build::Script(name) => (parts.install.run)(name),
        Build::Tool(argv) => {
            let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
            parts.install.exec(parts.manager.kind, &argv)
        }
    }
}
