//! Tests: the plan of a test runner, the run, its output, and the summary that the runner reads from it.

use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// The way in which a test runner wants tests run, in the stage that has the tools.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TestPlan {
    /// The plugin that made the plan, and that reads the output.
    pub runner: String,
    pub command: Vec<String>,
    /// Variables beside the stage's own.
    pub env: Vec<(String, String)>,
    /// Folders that outlive the run, beside those of the stage's own steps.
    pub caches: Vec<String>,
    /// Globs of files that the command writes, relative to the stage's working directory.
    pub reports: Vec<String>,
    /// Output or reports name each test. It is an error then if they name no test, or if no test ran.
    pub tells: bool,
    /// File and rule for each conclusion.
    pub evidence: Vec<String>,
}

/// A test command and its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestRun {
    /// The stage to run in. `None` means the deployed one.
    pub stage: Option<String>,
    /// argv. Empty means the command of the stage's image.
    pub command: Vec<String>,
    /// Variables beside the stage's own.
    pub env: Vec<(String, String)>,
    /// Absolute folders that outlive the run, shared with the builds of the project.
    pub caches: Vec<String>,
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

/// The output of a test command.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TestOutput {
    /// argv that ran: of the request, or of the image.
    pub command: Vec<String>,
    /// Exit code of the command. More than 128 means that a signal ended it.
    pub exit: u32,
    /// Last lines of the command, both streams in the order of arrival.
    pub tail: Vec<String>,
    /// Text that the command printed, masked. Of more than 1 MiB, the end.
    pub output: String,
    /// Files that the globs matched, by path, masked.
    pub reports: BTreeMap<String, String>,
}

/// The summary that a runner read from output and reports.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestSummary {
    /// The plugin that read the output.
    pub runner: String,
    pub passed: u32,
    /// Tests that failed, or could not be run.
    pub failed: u32,
    pub skipped: u32,
    /// The tool's own words that there is no test yet. `None` means that the tool does not say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub none_yet: Option<String>,
    /// Tests that failed. Of many, the first.
    pub failures: Vec<TestCase>,
}

/// One test that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCase {
    /// File, class or package that the test belongs to.
    pub suite: String,
    pub name: String,
    pub message: String,
    /// File that holds the test. `None` means that the report names none.
    pub file: Option<String>,
    /// Line of the file, from 1.
    pub line: Option<u32>,
}

impl TestSummary {
    /// Returns whether no test was run or skipped.
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
