//! A failure, explained so that a person can act on it.

use crate::job::Stage;
use serde::{Deserialize, Serialize};
use std::fmt;

mod layout;

pub use layout::Layout;

/// An explained failure: object, cause, evidence, fixes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Stable code: `app-crashes`, `image-not-found` …
    pub code: String,
    /// Name of the page that `windlass explain` prints: `WL-K8S-020`. Empty means that the code has no
    /// page.
    #[serde(default)]
    pub reference: String,
    pub stage: Stage,
    /// Object that failed: `pod web-5d9…`, `Dockerfile:12`.
    pub subject: String,
    /// One sentence: what happened.
    pub what: String,
    /// The cause, as the part that knows it reports it.
    pub why: String,
    /// Remedies, the likeliest first.
    pub fixes: Vec<String>,
    /// A command that shows more. `None` means that no command does.
    pub command: Option<String>,
    /// Log lines and events, as they were at the time of the failure.
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
