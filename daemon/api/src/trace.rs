//! Context of the caller's trace in the metadata of a call.

use std::collections::BTreeMap;
use tonic::metadata::MetadataMap;
use windlass_model::traceparent::{TRACEPARENT, TraceParent};

/// Returns the context of the caller's trace. `None` means that there is none, or one that is not of W3C's form, which
/// their recommendation has a server pass over.
pub(crate) fn parent(metadata: &MetadataMap) -> Option<String> {
    let text = metadata.get(TRACEPARENT)?.to_str().ok()?;
    if TraceParent::parse(text).is_none() {
        tracing::debug!(
            "a call's `traceparent` is not of W3C's form: its job gets a trace of its own"
        );
        return None;
    }
    Some(text.to_owned())
}

/// Keeps the context as a label of the job. A label that the request has stays.
pub(crate) fn keep(labels: &mut BTreeMap<String, String>, parent: Option<String>) {
    if let Some(parent) = parent {
        labels.entry(TRACEPARENT.to_owned()).or_insert(parent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTEXT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_of_w3cs_form_becomes_a_label_and_another_does_not() {
        for (header, kept) in [(CONTEXT, Some(CONTEXT)), ("00-abc", None), ("", None)] {
            let mut metadata = MetadataMap::new();
            metadata.insert(TRACEPARENT, header.parse().unwrap());
            let mut labels = BTreeMap::new();
            keep(&mut labels, parent(&metadata));
            assert_eq!(labels.get(TRACEPARENT).map(|label| &**label), kept, "{header}");
        }
        assert_eq!(parent(&MetadataMap::new()), None);
    }

    #[test]
    fn a_label_of_the_request_stays() {
        let mut labels = BTreeMap::from([(TRACEPARENT.to_owned(), "own".to_owned())]);
        keep(&mut labels, Some(CONTEXT.into()));
        assert_eq!(labels[TRACEPARENT], "own");
    }
}
