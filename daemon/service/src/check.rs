//! Rules of fields that several requests have.

use crate::error::ServiceError;
use std::{collections::BTreeMap, time::Duration};
use windlass_model::{
    app::App,
    approval::LONGEST_NOTE,
    cluster::{Clusters, NoCluster, ProjectTargets, RolloutOrder},
    redact::Redactor,
    traceparent::{TRACEPARENT, TraceParent},
};

const DAY: u64 = 24 * 3600;
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(3600);

/// Number of labels of a job, and of bytes of a label's key or value, at most.
const LABELS: (usize, usize) = (64, 256);

pub(crate) fn request_id(id: &str) -> Result<(), ServiceError> {
    let expected = match id.len() {
        1..=64 if id.chars().all(|c| c.is_ascii_graphic()) => return Ok(()),
        0 => "is empty; choose a UUID, so that a repeat is one job",
        _ => "must be 1 to 64 printable ASCII characters without spaces",
    };
    Err(ServiceError::invalid("request_id", id, expected))
}

/// Returns a note as the journal keeps it: not every way there masks it.
pub(crate) fn note(note: &str) -> Result<String, ServiceError> {
    let count = note.chars().count();
    if count > LONGEST_NOTE {
        let expected = format!("is too long: a note has at most {LONGEST_NOTE} characters");
        return Err(ServiceError::invalid("note", format!("{count} characters"), expected));
    }
    Ok(Redactor::default().shown(note))
}

/// Checks labels. The one that holds the context of the caller's trace comes beside the others.
pub(crate) fn labels(labels: &BTreeMap<String, String>) -> Result<(), ServiceError> {
    let count = labels.keys().filter(|key| *key != TRACEPARENT).count();
    if count > LABELS.0 {
        return Err(ServiceError::invalid("labels", count.to_string(), "are too many: at most 64"));
    }
    let mut keys = labels.iter().filter(|(key, value)| key.len().max(value.len()) > LABELS.1);
    if let Some((key, _)) = keys.next() {
        let key: String = key.chars().take(80).collect();
        let expected = "is longer than 256 bytes, or its value is";
        return Err(ServiceError::invalid("labels", key, expected));
    }
    if let Some(value) = labels.get(TRACEPARENT)
        && TraceParent::parse(value).is_none()
    {
        let expected = "must be `00-`, 32 hex digits of a trace, 16 of a span and 2 of flags, with `-` between, in lower case, as W3C Trace Context has it; or leave the label out";
        return Err(ServiceError::invalid("labels.traceparent", value, expected));
    }
    Ok(())
}

/// Checks a timeout in whole seconds. `None` means the default.
pub(crate) fn timeout(seconds: Option<i64>) -> Result<Duration, ServiceError> {
    let Some(seconds) = seconds else { return Ok(DEFAULT_TIMEOUT) };
    match u64::try_from(seconds) {
        Ok(seconds @ 1..=DAY) => Ok(Duration::from_secs(seconds)),
        _ => Err(ServiceError::invalid("timeout", format!("{seconds} s"), "must be 1 s to 24 h")),
    }
}

/// Returns the clusters that a job goes to. An empty `wanted` means all of the project's own that are for the app, or else
/// all of the operator's.
pub(crate) fn clusters(
    targets: &ProjectTargets,
    app: &App,
    wanted: &[String],
    order: Option<RolloutOrder>,
) -> Result<Clusters, ServiceError> {
    targets.choose(app, wanted, order).map_err(no_cluster)
}

/// Returns the error for a job that has no cluster to go to.
pub(crate) fn no_cluster(error: NoCluster) -> ServiceError {
    let reason = match error {
        NoCluster::Name(error) => return error.into(),
        NoCluster::None(_) | NoCluster::Twice { .. } => "no-cluster",
        NoCluster::Gone { .. } => "cluster-unknown",
    };
    ServiceError::Conflict { reason, message: error.to_string(), fix: error.fix() }
}

/// Checks the size of a page, of at most `most` entries. 0 means the default.
pub(crate) fn page(size: u32, default: u32, most: u32) -> Result<u32, ServiceError> {
    match size {
        0 => Ok(default),
        size if size <= most => Ok(size),
        size => {
            let expected = format!("must be 1 to {most}");
            Err(ServiceError::invalid("page_size", size.to_string(), expected))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fakes::{app, targets};

    fn text_of<T>(result: Result<T, ServiceError>) -> String {
        result.err().unwrap().to_string()
    }

    #[test]
    fn a_field_out_of_bounds_is_named_with_its_value() {
        request_id("one").unwrap();
        request_id(&"a".repeat(64)).unwrap();
        assert!(text_of(request_id("")).starts_with("request_id: `` is empty"));
        for bad in ["a b", "é", &"a".repeat(65)] {
            assert!(
                text_of(request_id(bad))
                    .ends_with("must be 1 to 64 printable ASCII characters without spaces")
            );
        }
        assert_eq!(timeout(None).unwrap(), Duration::from_secs(3600));
        assert_eq!(timeout(Some(86_400)).unwrap(), Duration::from_secs(86_400));
        for bad in [-5, 0, 86_401] {
            let expected = format!("timeout: `{bad} s` must be 1 s to 24 h");
            assert_eq!(text_of(timeout(Some(bad))), expected);
        }
        assert_eq!(page(0, 50, 500).unwrap(), 50);
        assert_eq!(page(500, 50, 500).unwrap(), 500);
        assert_eq!(text_of(page(501, 50, 500)), "page_size: `501` must be 1 to 500");
    }

    #[test]
    fn labels_are_few_and_short() {
        let of = |key: &str, value: &str| BTreeMap::from([(key.to_owned(), value.to_owned())]);
        let long = "a".repeat(257);
        labels(&of(&"a".repeat(256), "")).unwrap();
        for bad in [of(&long, ""), of("a", &long)] {
            assert!(text_of(labels(&bad)).ends_with("is longer than 256 bytes, or its value is"));
        }
        let many = (0..65).map(|number| (number.to_string(), String::new())).collect();
        assert_eq!(text_of(labels(&many)), "labels: `65` are too many: at most 64");
    }

    #[test]
    fn the_context_of_a_trace_is_checked_and_takes_no_place() {
        let mut all: BTreeMap<_, _> =
            (0..64).map(|number| (number.to_string(), String::new())).collect();
        let context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        all.insert(TRACEPARENT.into(), context.into());
        labels(&all).unwrap();
        all.insert(TRACEPARENT.into(), "00-1-2-3".into());
        let text = text_of(labels(&all));
        assert!(text.starts_with("labels.traceparent: `00-1-2-3` must be `00-`"), "{text}");
    }

    #[test]
    fn a_cluster_of_others_is_a_wrong_field_and_none_at_all_is_a_conflict() {
        let wanted = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let targets = ProjectTargets::from(targets());
        let chosen = clusters(&targets, &app("shop"), &wanted(&["us"]), None).unwrap();
        assert_eq!(chosen.names, ["us"]);
        let error = clusters(&targets, &app("shop"), &wanted(&["mars"]), None).unwrap_err();
        assert_eq!(error.reason(), "field-invalid");
        let staging = App::new("shop", "web", "staging").unwrap();
        let error = clusters(&targets, &staging, &[], None).unwrap_err();
        assert_eq!(error.reason(), "no-cluster");
        assert!(error.to_string().starts_with("no cluster is for shop/web/staging"), "{error}");
    }
}
