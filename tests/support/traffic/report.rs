//! Answers and failures of a traffic, counted.

use super::line::Answer;
use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

/// Failures that are kept with their reasons. Further ones are counted.
const KEPT: usize = 50;

/// The kind of a failed request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The connection was not accepted.
    Connect,
    /// The connection ended before an answer.
    Reset,
    /// The answer has another status than 200.
    Status,
    /// The answer ended before its body did.
    Truncated,
    /// No answer came in time.
    Late,
}

/// A failure, with its reason.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Time since the traffic began.
    pub at: Duration,
    /// `kept`, `idle`, `fresh`, `slow` or `socket`: the client.
    pub client: String,
    pub kind: Kind,
    pub what: String,
}

/// All that was answered, and all that was not.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Number of answers, slow ones included, without those of the WebSocket.
    pub answers: usize,
    /// Number of answers by version. Slow ones are not among them.
    pub versions: BTreeMap<String, usize>,
    /// Number of answers by client, as in [`Failure::client`].
    pub clients: BTreeMap<String, usize>,
    /// Number of texts that came back over the WebSocket.
    pub echoes: usize,
    /// Number of times that the app closed the WebSocket with a frame, which is no failure.
    pub closes: usize,
    /// Number of failures.
    pub failed: usize,
    /// The first failures, at most 50.
    pub failures: Vec<Failure>,
    /// Longest time from one answer to the next.
    pub longest_gap: Duration,
}

/// The reason of a failed request.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) kind: Kind,
    pub(super) what: String,
}

/// A report that grows.
pub(super) struct Tally {
    began: Instant,
    last: Instant,
    report: Report,
    pub(super) echoes: usize,
    pub(super) closes: usize,
}

impl Tally {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { began: now, last: now, report: Report::default(), echoes: 0, closes: 0 }
    }

    /// Counts an answer.
    pub(super) fn answered(&mut self, client: &str, answer: Answer) {
        self.report.longest_gap = self.gap();
        self.last = Instant::now();
        self.slow(client);
        *self.report.versions.entry(answer.body).or_default() += 1;
    }

    /// Counts an answer that took a second: other answers show better when the app did not answer.
    pub(super) fn slow(&mut self, client: &str) {
        self.report.answers += 1;
        *self.report.clients.entry(client.to_owned()).or_default() += 1;
    }

    pub(super) fn failed(&mut self, client: &str, fault: Fault) {
        self.report.failed += 1;
        if self.report.failures.len() < KEPT {
            let at = self.began.elapsed();
            let client = client.to_owned();
            self.report.failures.push(Failure { at, client, kind: fault.kind, what: fault.what });
        }
    }

    /// Returns the report of now: the time without an answer that goes on counts, too.
    pub(super) fn report(&self) -> Report {
        let mut report = self.report.clone();
        report.longest_gap = self.gap();
        report.echoes = self.echoes;
        report.closes = self.closes;
        report
    }

    fn gap(&self) -> Duration {
        self.report.longest_gap.max(self.last.elapsed())
    }
}

impl Report {
    /// Asserts that there was traffic of each kind, and that no request failed.
    #[track_caller]
    pub fn nothing_failed(&self) {
        for client in ["kept", "idle", "fresh", "slow"] {
            assert!(self.clients.contains_key(client), "there was no {client} client: {self}");
        }
        assert!(self.echoes > 0, "there was no WebSocket: {self}");
        assert_eq!(self.failed, 0, "{self}");
    }

    /// Returns the number of failures of a kind among the first ones.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.failures.iter().filter(|failure| failure.kind == kind).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let versions: Vec<_> =
            self.versions.iter().map(|(version, count)| format!("{count} of {version}")).collect();
        write!(
            f,
            "{} answers ({}), {} echoes, {} closed sockets, {} failed; longest gap {:.2} s",
            self.answers,
            versions.join(", "),
            self.echoes,
            self.closes,
            self.failed,
            self.longest_gap.as_secs_f64()
        )?;
        for failure in &self.failures {
            let (at, kind) = (failure.at.as_secs_f64(), failure.kind);
            write!(f, "\n  after {at:.2} s, {}: {kind:?}: {}", failure.client, failure.what)?;
        }
        Ok(())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.kind, self.what)
    }
}
