//! The third answer of a detector: recognised, but not planned.

use crate::bindings::{
    detector::exports::windlass::plugin::detector::{Assets, Candidate, Refusal as Wire},
    imports::windlass::plugin::types::{Error, ErrorKind},
};

/// A tree that a detector recognises, and cannot plan.
///
/// The reason names file and line. The hint says what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Empty means the detector's own.
    pub language: String,
    /// Score of the plan that it would have been: a [band](crate::score). 0 means the band of an inferred start.
    pub score: u8,
    /// Begins with file and line, where one is to blame.
    pub reason: String,
    /// The next thing to do.
    pub hint: String,
    /// File and rule of what was recognised.
    pub evidence: Vec<String>,
    /// Folders below that are apps of their own.
    pub candidates: Vec<Candidate>,
    /// Files that an app of another language may use.
    pub assets: Option<Assets>,
}

impl Refusal {
    /// Makes a refusal of the detector's own language.
    #[must_use]
    pub fn new(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            language: String::new(),
            score: 0,
            reason: reason.into(),
            hint: hint.into(),
            evidence: Vec::new(),
            candidates: Vec::new(),
            assets: None,
        }
    }

    /// Sets language and score.
    #[must_use]
    pub fn of(mut self, language: &str, score: u8) -> Self {
        language.clone_into(&mut self.language);
        self.score = score;
        self
    }

    /// Sets the apps below.
    #[must_use]
    pub fn with_candidates(mut self, candidates: Vec<Candidate>) -> Self {
        self.candidates = candidates;
        self
    }

    /// Sets the files for an app of another language.
    #[must_use]
    pub fn with_assets(mut self, assets: Option<Assets>) -> Self {
        self.assets = assets;
        self
    }

    /// Adds a line of evidence.
    #[must_use]
    pub fn because(mut self, evidence: impl Into<String>) -> Self {
        self.evidence.push(evidence.into());
        self
    }

    /// Fills what is empty from the detector's own.
    pub(crate) fn or(mut self, language: &str, score: u8) -> Self {
        if self.language.is_empty() {
            language.clone_into(&mut self.language);
        }
        if self.score == 0 {
            self.score = score;
        }
        self
    }

    /// Returns the answer as it crosses to the host.
    pub(crate) fn wire(self) -> Wire {
        Wire {
            language: self.language,
            score: self.score,
            reason: self.reason,
            hint: self.hint,
            evidence: self.evidence,
            candidates: self.candidates,
            assets: self.assets,
            attrs: Vec::new(),
        }
    }
}

/// Hint of an error that brings none.
const HINT: &str = "correct the file and commit again";

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::new(error.message, error.hint.unwrap_or_else(|| HINT.to_owned()))
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self { kind: ErrorKind::InvalidInput, message: refusal.reason, hint: Some(refusal.hint) }
    }
}
