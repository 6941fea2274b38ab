//! Ids of a job's trace and its spans, which are the same each time that they are made.

use sha2::{Digest, Sha256};
use uuid::Uuid;
use windlass_model::traceparent::TraceParent;

/// Ids of one job's trace, in hex digits.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    job: String,
    pub(crate) trace: String,
    /// Span of the caller. Empty means that the caller has no trace.
    pub(crate) caller: String,
}

impl Ids {
    /// Returns the ids of a job. The trace is the caller's, or has the job's own id.
    pub(crate) fn new(job: &str, parent: Option<TraceParent>) -> Self {
        let own = || Uuid::parse_str(job).map_or_else(|_| hash(job), Uuid::into_bytes);
        Self {
            job: job.to_owned(),
            trace: hex::encode(parent.map_or_else(own, |parent| parent.trace_id)),
            caller: parent.map(|parent| hex::encode(parent.span_id)).unwrap_or_default(),
        }
    }

    /// Returns the id of a span by what it is of: the number of an event, or a word of its own.
    pub(crate) fn span(&self, of: &str) -> String {
        let id: [u8; 8] = hash(&format!("{}/{of}", self.job));
        // Of zeros alone it would be none.
        hex::encode(if id == [0; 8] { [1; 8] } else { id })
    }
}

/// Returns the first bytes of a hash, at most 32.
fn hash<const N: usize>(text: &str) -> [u8; N] {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    hash.first_chunk().copied().unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "01980f2a-7d3e-7c41-9b1d-2f6a3c5e7a90";

    #[test]
    fn a_trace_has_the_jobs_own_id_unless_the_caller_has_one() {
        let own = Ids::new(JOB, None);
        assert_eq!((&*own.trace, &*own.caller), (&*JOB.replace('-', ""), ""));
        let parent = TraceParent { trace_id: [0xab; 16], span_id: [0xcd; 8] };
        let given = Ids::new(JOB, Some(parent));
        assert_eq!((given.trace, given.caller), ("ab".repeat(16), "cd".repeat(8)));
        assert_eq!(Ids::new("no uuid", None).trace.len(), 32);
    }

    #[test]
    fn a_span_has_one_id_for_ever_and_another_in_each_job() {
        let (one, other) = (Ids::new(JOB, None), Ids::new("other", None));
        assert_eq!(one.span("7"), Ids::new(JOB, None).span("7"));
        assert_eq!(one.span("7").len(), 16);
        assert_ne!(one.span("7"), one.span("8"));
        assert_ne!(one.span("7"), other.span("7"));
    }
}
