//! Tests: how a plugin wants them run, what came of it, and what it read out of that.

use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// How a test runner wants tests run, in the stage that has the tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestPlan {
    /// The plugin that says so, and that reads what comes of it.
    pub runner: String,
    /// argv.
    pub command: Vec<String>,
    /// Variables beside the stage's own.
    pub env: Vec<(String, String)>,
    /// Globs of files that the command writes, relative to the stage's working directory.
    pub reports: Vec<String>,
    /// What is printed or written tells each test: nothing told, or none run, is an error.
    pub tells: bool,
    /// File and rule, for each thing that was concluded.
    pub evidence: Vec<String>,
}

/// A test command and its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestRun {
    /// The stage to run in; none is the deployed one.
    pub stage: Option<String>,
    /// argv; empty runs what the stage's image runs.
    pub command: Vec<String>,
    /// Variables beside the stage's own.
    pub env: Vec<(String, String)>,
    /// Globs of files to bring back, relative to the stage's working directory.
    pub reports: Vec<String>,
}

/// The last lines of a running command. Whoever gives up on the command can still read them.
#[derive(Clone, Debug, Default)]
pub struct LastWords(Arc<Mutex<VecDeque<String>>>);

impl LastWords {
    /// The number of lines that are kept.
    pub const MOST: usize = 30;

    /// Keeps a line, which must be masked.
    pub fn keep(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == Self::MOST {
            lines.pop_front();
        }
        lines.push_back(line);
    }

    /// Returns the lines, oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

/// What came of a test command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestOutput {
    /// What was run in the end.
    pub command: Vec<String>,
    /// Its exit code; over 128 by a signal.
    pub exit: u32,
    /// Its last lines, both streams as they came.
    pub tail: Vec<String>,
    /// All that it printed, masked; of more than 1 MiB, the end.
    pub output: String,
    /// The files that the globs matched, by path, masked.
    pub reports: BTreeMap<String, String>,
}

/// What a runner read out of output and reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSummary {
    /// The plugin that read it.
    pub runner: String,
    /// How many passed.
    pub passed: u32,
    /// How many failed, or could not be run.
    pub failed: u32,
    /// How many were left out.
    pub skipped: u32,
    /// Those that failed; of many, the first.
    pub failures: Vec<TestCase>,
}

/// One test that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCase {
    /// File, class or package that it belongs to.
    pub suite: String,
    /// Its name.
    pub name: String,
    /// What it said.
    pub message: String,
    /// Where it is written.
    pub file: Option<String>,
    /// From 1.
    pub line: Option<u32>,
}

impl TestSummary {
    /// Nothing was run, nor left out on purpose.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        (self.passed, self.failed, self.skipped) == (0, 0, 0)
    }
}

impl fmt::Display for TestSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl fmt::Display for TestCase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{file}:")?;
            if let Some(line) = self.line {
                write!(f, "{line}:")?;
            }
            write!(f, " ")?;
        }
        match &*self.suite {
            "" => write!(f, "{}", self.name)?,
            suite => write!(f, "{suite}: {}", self.name)?,
        }
        match self.message.trim() {
            "" => Ok(()),
            message => write!(f, ": {}", message.replace('\n', "\n    ")),
        }
    }
}
