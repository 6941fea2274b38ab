//! The answer of a detector: a plan, with who took each decision.

use crate::{
    plan::{PORT, USER},
    refusal::Refusal,
    versions::Chosen,
};

pub use crate::bindings::detector::exports::windlass::plugin::detector::{
    Answer, Assets, BuildSecret, Candidate, CopyFiles, Decision, Detection, ImagePlan, Process,
    ProcessKind, RunCommand, Stage, StaticSite, Step, Toolchain, Warning,
};

/// A detector's answer. `None` means "not mine".
pub type Found = Result<Option<Detection>, Refusal>;

impl Detection {
    /// Makes a plan without stages: context the root, user 10001, port 8080.
    #[must_use]
    pub fn new(language: &str, score: u8) -> Self {
        Self {
            language: language.to_owned(),
            score,
            context: String::new(),
            toolchains: Vec::new(),
            evidence: Vec::new(),
            decisions: Vec::new(),
            warnings: Vec::new(),
            image: ImagePlan {
                stages: Vec::new(),
                test_in: None,
                start: Vec::new(),
                port: Some(PORT),
                health: None,
                env: Vec::new(),
                user: USER,
            },
            serves: None,
            processes: Vec::new(),
            candidates: Vec::new(),
            build_secrets: Vec::new(),
            assets: None,
            attrs: Vec::new(),
        }
    }

    /// Records a decision. `source` is file, line and rule, such as `.nvmrc:1`.
    pub fn decide(&mut self, subject: &str, value: impl Into<String>, source: impl Into<String>) {
        self.decisions.push(Decision {
            subject: subject.to_owned(),
            value: value.into(),
            source: source.into(),
        });
    }

    /// Records file and rule of a conclusion.
    pub fn because(&mut self, evidence: impl Into<String>) {
        self.evidence.push(evidence.into());
    }

    /// Records a warning. `fix` is what the user should do.
    pub fn warn(&mut self, message: impl Into<String>, fix: impl Into<String>) {
        self.warnings.push(Warning { message: message.into(), fix: fix.into() });
    }

    /// Records a tool with its version and who chose it. A release that has ended gets a warning.
    pub fn tool(&mut self, name: &str, version: &Chosen) {
        self.toolchains
            .push(Toolchain { name: name.to_owned(), version: Some(version.version.clone()) });
        self.decide(name, version.version.clone(), version.source.clone());
        if let Some(since) = &version.ended {
            let message =
                format!("{name} {} has had no security fixes since {since}", version.version);
            self.warn(message, format!("ask for a maintained release in {}", version.source));
        }
    }
}
