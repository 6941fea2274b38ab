//! Spans that are not finished yet.

use crate::{
    ids::Ids,
    otlp::{Attribute, INTERNAL, Note, OF_OWN_PARENT, Span, Status},
};
use windlass_engine::blame;
use windlass_model::outcome::Outcome;

/// Most notes of one span. More are left out.
const MOST_NOTES: usize = 64;

/// Most bytes of a text in a span.
const LONGEST_TEXT: usize = 1024;

/// Result of a part of a run in the conventions' words, as are the following.
const SUCCESS: &str = "success";
const FAILURE: &str = "failure";
const SKIP: &str = "skip";
/// Result of a failure of the system that runs the job.
const ERROR: &str = "error";

/// A part of a run that has begun.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// Number of the event that began it.
    pub(super) seq: u64,
    pub(super) start_ms: u64,
    pub(super) name: String,
    /// Id of the span around it.
    pub(super) parent: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) notes: Vec<Note>,
    /// It had nothing to do.
    pub(super) is_skipped: bool,
}

/// End of a part of a run.
#[derive(Clone, Debug)]
pub(super) struct End {
    /// The conventions' word.
    result: &'static str,
    /// Kind of the failure, and a sentence. `None` means that it did not fail.
    error: Option<(String, String)>,
}

impl End {
    pub(super) fn succeeded() -> Self {
        Self { result: SUCCESS, error: None }
    }

    pub(super) fn skipped() -> Self {
        Self { result: SKIP, error: None }
    }

    /// Returns the end of what failed by itself.
    pub(super) fn failed(kind: &str, message: &str) -> Self {
        Self { result: FAILURE, error: Some((kind.to_owned(), cut(message))) }
    }

    /// Returns the end of what failed by a fault of the daemon or its parts.
    pub(super) fn broken(kind: &str, message: &str) -> Self {
        Self { result: ERROR, ..Self::failed(kind, message) }
    }

    /// Returns the end of what a daemon began and did not finish, and the next one begins again.
    pub(super) fn interrupted() -> Self {
        Self::broken("interrupted", "the daemon ended before this was finished, and began it again")
    }

    /// Returns the end of a job, and of all that has not ended before it.
    pub(super) fn of(outcome: &Outcome) -> Self {
        let error = match outcome {
            Outcome::Failed(diagnosis) => Some((diagnosis.code.clone(), cut(&diagnosis.what))),
            Outcome::Succeeded(_)
            | Outcome::Removed(_)
            | Outcome::Contracted(_)
            | Outcome::Stopped { .. } => None,
        };
        Self { result: blame::result(outcome), error }
    }

    pub(super) fn result(&self) -> &'static str {
        self.result
    }

    /// Adds the kind of the failure to the attributes, and returns the status of the span.
    pub(super) fn close(self, attributes: &mut Vec<Attribute>) -> Status {
        let Some((kind, message)) = self.error else { return Status::default() };
        attributes.push(Attribute::text("error.type", kind));
        Status::error(message)
    }
}

impl Draft {
    /// Finishes a span of a task.
    pub(super) fn finish(self, ids: &Ids, job: &str, end_ms: u64, end: End) -> Span {
        let Self { seq, start_ms, name, parent, attributes: more, notes, is_skipped } = self;
        let end = if is_skipped && end.result == SUCCESS { End::skipped() } else { end };
        let mut attributes = vec![
            Attribute::text("cicd.pipeline.task.name", name.clone()),
            Attribute::text("cicd.pipeline.task.run.id", format!("{job}/{seq}")),
            Attribute::text("cicd.pipeline.task.run.result", end.result),
        ];
        attributes.extend(more);
        let status = end.close(&mut attributes);
        Span {
            trace_id: ids.trace.clone(),
            span_id: ids.span(&seq.to_string()),
            parent_span_id: parent,
            flags: OF_OWN_PARENT,
            name,
            kind: INTERNAL,
            start_ms,
            // A clock that was put back makes no span that ends before it begins.
            end_ms: end_ms.max(start_ms),
            attributes,
            notes,
            status,
        }
    }
}

/// Adds a note, unless there are too many.
pub(super) fn note(notes: &mut Vec<Note>, note: Note) {
    if notes.len() < MOST_NOTES {
        notes.push(note);
    }
}

/// Returns the beginning of a text.
pub(super) fn cut(text: &str) -> String {
    if text.len() <= LONGEST_TEXT {
        return text.to_owned();
    }
    let mut end = LONGEST_TEXT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = format!("a{}", "é".repeat(600));
        let kept = cut(&long);
        assert!(kept.ends_with("é…") && kept.len() <= LONGEST_TEXT + '…'.len_utf8(), "{kept}");
    }
}
