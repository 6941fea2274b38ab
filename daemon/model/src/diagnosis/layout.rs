//! The one layout of a diagnosis: the daemon's own text and the client's screen share it.

use std::fmt;

/// Parts of a diagnosis, borrowed from wherever it is kept. An empty part has no line.
pub struct Layout<'a> {
    /// Name of the stage that failed.
    pub stage: &'a dyn fmt::Display,
    /// Stable code: `app-crashes`.
    pub code: &'a str,
    /// Page that explains it: `WL-K8S-020`.
    pub reference: &'a str,
    /// Object that failed: `pod web-5d9…`.
    pub subject: &'a str,
    /// One sentence: what happened.
    pub what: &'a str,
    /// The cause.
    pub why: &'a str,
    /// Remedies, the likeliest first.
    pub fixes: &'a [String],
    /// Command that shows more.
    pub command: &'a str,
    /// Log lines and events.
    pub evidence: &'a [String],
}

impl fmt::Display for Layout<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stage, code, reference, subject, what, why, fixes, command, evidence } = self;
        match *reference {
            "" => writeln!(f, "failed at: {stage} ({code})")?,
            page => writeln!(f, "failed at: {stage} ({code}, {page})")?,
        }
        if !subject.is_empty() {
            writeln!(f, "where:     {subject}")?;
        }
        writeln!(f, "what:      {what}")?;
        if !why.is_empty() {
            writeln!(f, "why:       {}", why.replace('\n', "\n           "))?;
        }
        for line in *evidence {
            writeln!(f, "  | {}", line.replace('\n', "\n  | "))?;
        }
        for (index, fix) in fixes.iter().enumerate() {
            writeln!(f, "fix {}:     {fix}", index + 1)?;
        }
        if !command.is_empty() {
            writeln!(f, "look:      {command}")?;
        }
        Ok(())
    }
}
