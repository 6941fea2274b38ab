//! A failure in words that a person can act on.

use crate::job::Stage;
use serde::{Deserialize, Serialize};
use std::fmt;

mod layout;

pub use layout::Layout;

/// What failed, why, what shows it, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Stable: `app-crashes`, `image-not-found` …
    pub code: String,
    /// Of its page, where it has one: `WL-K8S-020`; `windlass explain` prints it.
    #[serde(default)]
    pub reference: String,
    /// In which stage.
    pub stage: Stage,
    /// What it is about: `pod web-5d9…`, `Dockerfile:12`.
    pub subject: String,
    /// One sentence: what happened.
    pub what: String,
    /// The cause, in the words of the part that knows it.
    pub why: String,
    /// What to do, the likeliest first.
    pub fixes: Vec<String>,
    /// A command that shows more.
    pub command: Option<String>,
    /// Log lines and events, as they were when it failed.
    pub evidence: Vec<String>,
}

impl Default for Diagnosis {
    fn default() -> Self {
        Self {
            code: "unrecognised".into(),
            reference: String::new(),
            stage: Stage::Clone,
            subject: String::new(),
            what: String::new(),
            why: String::new(),
            fixes: Vec::new(),
            command: None,
            evidence: Vec::new(),
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = Layout {
            stage: &self.stage,
            code: &self.code,
            reference: &self.reference,
            subject: &self.subject,
            what: &self.what,
            why: &self.why,
            fixes: &self.fixes,
            command: self.command.as_deref().unwrap_or_default(),
            evidence: &self.evidence,
        };
        write!(f, "{layout}")
    }
}
