//! A harness for tests of plugins: no daemon, no component, no files.
//!
//! ```
//! use windlass_plugin_sdk::{App, Detection, Found, score, testing::detect, tree};
//!
//! fn mine(app: &App<'_>) -> Found {
//!     let Some(file) = app.read("app.lua")? else { return Ok(None) };
//!     let mut plan = Detection::new("lua", score::STARTED);
//!     plan.decide("start", "lua app.lua", format!("{}:1", file.path));
//!     Ok(Some(plan))
//! }
//!
//! let files = tree! { "app.lua" => "print('hello')\n" };
//! let plan = detect(mine, "name = 'lua'\nmarkers = ['app.lua']", &files).plan();
//! assert_eq!(plan.decided("start"), Some(("lua app.lua", "app.lua:1")));
//! ```

use crate::{
    answer::Detection,
    bindings::test_runner::exports::windlass::plugin::test_runner::{
        Ran, Request, Summary, TestPlan,
    },
    export::{Detect, Parse, Plan},
    file::File,
    read,
    refusal::Refusal,
    score,
};

mod files;
mod golden;
mod mutate;
mod plan;
mod render;

pub use files::Files;
pub use golden::{golden, golden_evidence};
pub use mutate::bad_input;
pub use render::render;

/// Makes a tree of paths and contents: `tree! { "go.mod" => "module x\n", "main.go" => "" }`.
#[macro_export]
macro_rules! tree {
    ($($path:expr => $text:expr),* $(,)?) => {
        $crate::testing::Files::default()$(.with($path, $text))*
    };
}

/// Answer of a detector.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Outcome {
    NotMine,
    Plan(Box<Detection>),
    Refused(Refusal),
}

impl Outcome {
    /// Returns the plan.
    ///
    /// # Panics
    /// The detector has none. The message is its refusal.
    #[must_use]
    #[track_caller]
    #[allow(clippy::panic, reason = "a test: what cannot go on should stop")]
    pub fn plan(self) -> Detection {
        match self {
            Self::Plan(detection) => *detection,
            Self::NotMine => panic!("not mine"),
            Self::Refused(refusal) => panic!("refused: {refusal:#?}"),
        }
    }

    /// Returns the refusal.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    #[track_caller]
    #[allow(clippy::panic, reason = "a test: what cannot go on should stop")]
    pub fn refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
            other => panic!("not refused: {other:#?}"),
        }
    }

    /// Returns whether the detector does not know the tree.
    #[must_use]
    pub fn is_not_mine(&self) -> bool {
        matches!(self, Self::NotMine)
    }
}

/// Asks a detector about a tree, as the host does. `manifest` is the text of its `plugin.toml`, for the markers:
/// without a file that matches one, the host does not ask.
///
/// # Panics
/// The manifest is no TOML.
#[must_use]
#[track_caller]
pub fn detect(function: Detect, manifest: &str, files: &Files) -> Outcome {
    let manifest = Manifest::read(manifest);
    golden::detector_is(&manifest.name);
    files.run(&manifest.markers, |app| {
        if app.matched.is_empty() && !app.named {
            return Outcome::NotMine;
        }
        match function(app) {
            Ok(None) => Outcome::NotMine,
            Ok(Some(detection)) => Outcome::Plan(Box::new(detection)),
            Err(refusal) => Outcome::Refused(refusal.or(&manifest.name, score::INFERRED)),
        }
    })
}

/// Asks a test runner for its plan, as the host does. `None` means that it has none, or that no marker matches.
///
/// # Panics
/// The runner refuses the tree.
#[must_use]
#[track_caller]
#[allow(clippy::panic, reason = "a test: what cannot go on should stop")]
pub fn runner_plan(
    function: Plan,
    manifest: &str,
    language: &str,
    files: &Files,
) -> Option<TestPlan> {
    let manifest = Manifest::read(manifest);
    files.run(&manifest.markers, |app| {
        if app.matched.is_empty() {
            return None;
        }
        let request = Request {
            language: language.to_owned(),
            app: app.folder.to_owned(),
            matched: app.matched.to_vec(),
            tools: files.tools(),
            stage_workdir: files.workdir(),
            attrs: Vec::new(),
        };
        function(app, &request).unwrap_or_else(|refusal| panic!("refused: {refusal:#?}"))
    })
}

/// Has a test runner read a run. `reports` are the files that the plan's globs match.
///
/// # Panics
/// The runner fails.
#[must_use]
#[track_caller]
#[allow(clippy::panic, reason = "a test: what cannot go on should stop")]
pub fn parse(function: Parse, output: &str, exit: u32, reports: &Files) -> Option<Summary> {
    let ran = Ran { command: Vec::new(), exit_code: exit, output: output.to_owned() };
    function(ran, &reports.tree()).unwrap_or_else(|error| panic!("failed: {error:#?}"))
}

/// Parts of a `plugin.toml` that the harness reads.
struct Manifest {
    name: String,
    markers: Vec<String>,
}

impl Manifest {
    #[track_caller]
    #[allow(clippy::panic, reason = "a test: what cannot go on should stop")]
    fn read(text: &str) -> Self {
        let file = File { path: "plugin.toml".to_owned(), text: text.to_owned() };
        let root = read::toml(&file).unwrap_or_else(|refusal| panic!("{}", refusal.reason));
        let markers = root.get("markers").map(read::Node::list).unwrap_or_default();
        Self {
            name: root.get("name").and_then(read::Node::scalar).unwrap_or_default(),
            markers: markers.iter().filter_map(read::Node::scalar).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
