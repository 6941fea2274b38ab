//! Start of an app, with all that the start needs of the image.

use windlass_plugin_sdk::{Step, shell};

/// Start of an app.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start {
    pub(crate) argv: Vec<String>,
    pub(crate) score: u8,
    /// File, line and rule.
    pub(crate) source: String,
    /// Environment of the image.
    pub(crate) env: Vec<(String, String)>,
    /// Steps of the build after the install.
    pub(crate) steps: Vec<Step>,
    /// Folder below the app's that the app runs in. `None` means the app's own.
    pub(crate) folder: Option<String>,
    /// It is an app of a framework, or a script that serves, not a script that may be anything.
    pub(crate) serves: bool,
    pub(crate) evidence: Vec<String>,
    pub(crate) warnings: Vec<(String, String)>,
}

impl Start {
    /// Returns a start without a shell.
    pub(crate) fn plain(score: u8, source: String, argv: &[&str]) -> Self {
        let argv = argv.iter().map(|&text| text.to_owned()).collect();
        Self { argv, score, source, ..Self::default() }
    }

    /// Returns a start whose line has `$PORT`, which a shell expands before it is replaced by the app.
    pub(crate) fn line(score: u8, source: String, line: &str) -> Self {
        Self { argv: shell(&format!("exec {line}")), score, source, ..Self::default() }
    }

    /// Adds the folder that modules are imported from.
    pub(crate) fn importing(mut self, root: &str, path: Option<String>) -> Self {
        if let Some(path) = path {
            self.env.push(("PYTHONPATH".into(), format!("{root}/{path}")));
        }
        self
    }
}
