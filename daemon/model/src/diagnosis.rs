//! A failure in words that a person can act on.

use crate::{job::Stage, redact::Redactor};
use serde::{Deserialize, Serialize};
use std::fmt;

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

impl Diagnosis {
    /// Returns the same with each secret as `***`.
    #[must_use]
    pub fn masked(self, redactor: &Redactor) -> Self {
        let all = |list: Vec<String>| list.iter().map(|text| redactor.mask(text)).collect();
        Self {
            subject: redactor.mask(&self.subject),
            what: redactor.mask(&self.what),
            why: redactor.mask(&self.why),
            fixes: all(self.fixes),
            command: self.command.map(|command| redactor.mask(&command)),
            evidence: all(self.evidence),
            ..self
        }
    }
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.reference {
            "" => writeln!(f, "failed at: {} ({})", self.stage, self.code)?,
            page => writeln!(f, "failed at: {} ({}, {page})", self.stage, self.code)?,
        }
        if !self.subject.is_empty() {
            writeln!(f, "where:     {}", self.subject)?;
        }
        writeln!(f, "what:      {}", self.what)?;
        if !self.why.is_empty() {
            writeln!(f, "why:       {}", self.why.replace('\n', "\n           "))?;
        }
        for line in &self.evidence {
            writeln!(f, "  | {line}")?;
        }
        for (index, fix) in self.fixes.iter().enumerate() {
            writeln!(f, "fix {}:     {fix}", index + 1)?;
        }
        if let Some(command) = &self.command {
            writeln!(f, "look:      {command}")?;
        }
        Ok(())
    }
}
