//! Parts of a detector's answer beside the image: decisions, processes, candidates, assets, refusals.

use super::BuildStage;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A value that a detector chose, with its origin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// `node`, `pnpm`, `start` …
    pub subject: String,
    pub value: String,
    /// File, line and rule, such as `.nvmrc:1`, or `default`.
    pub source: String,
}

/// A warning of a detector whose plan holds all the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    pub message: String,
    /// Advice what to do about it.
    pub fix: String,
}

/// A folder of files, which the host's own server serves. The image has no `start` of its own then.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StaticSite {
    /// Stage that has the folder. `None` means the build's context.
    pub stage: Option<String>,
    pub folder: String,
    /// File that answers paths without a file of their own. `None` means that they are answered 404.
    pub fallback: Option<String>,
    /// Page of a missing file. `None` means the server's own.
    pub not_found: Option<String>,
    /// Folders whose files have their content's hash in their names.
    pub immutable: Vec<String>,
}

/// A process that the repository declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundProcess {
    pub name: String,
    pub command: Vec<String>,
    pub kind: ProcessKind,
    /// Cron line. `None` means that the process is not scheduled.
    pub schedule: Option<String>,
    /// File and line, such as `Procfile:2`.
    pub source: String,
}

/// Kind of a process that the repository declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessKind {
    /// Serves the app's port.
    Web,
    /// Runs beside `web`, and does not listen.
    Worker,
    /// Runs once before a release gets traffic.
    Release,
    /// Runs at the times of its schedule.
    Schedule,
}

impl fmt::Display for ProcessKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Web => "web",
            Self::Worker => "worker",
            Self::Release => "release",
            Self::Schedule => "schedule",
        })
    }
}

/// A folder that is an app of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Folder within the repository.
    pub folder: String,
    pub language: String,
    /// Name by its manifest. Empty means that the manifest has none.
    pub name: String,
}

/// A variable that the install wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildSecret {
    /// Name of the variable, such as `NPM_TOKEN`.
    pub variable: String,
    /// File and line that name the variable.
    pub source: String,
    /// The install fails without it.
    pub required: bool,
}

/// Stages that build files for an app of another language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assets {
    pub stages: Vec<BuildStage>,
    /// Absolute folder in the last stage. Its content is copied.
    pub output: String,
    /// File and rule.
    pub source: String,
}

/// A detector's answer that it knows the source, and cannot plan a build of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Plugin that refuses.
    pub detector: String,
    pub language: String,
    /// Score of the plan that it would have been.
    pub score: u8,
    pub reason: String,
    /// Advice what to do. Empty means that the plugin suggests nothing.
    pub hint: String,
    /// File and rule for each conclusion.
    pub evidence: Vec<String>,
    /// Folders that are apps of their own.
    pub candidates: Vec<Candidate>,
    /// Files that another detector's plan may need. `None` means that there are none.
    pub assets: Option<Assets>,
}
