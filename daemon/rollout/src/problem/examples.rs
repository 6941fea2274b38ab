//! Test of each problem from what a real cluster showed of it to the text that a user reads:
//! `examples/NNN.json` to `examples/NNN.txt`. The engine's `explain` makes the page with that text.
//!
//! `WINDLASS_BLESS=1` writes the texts, for review.

use super::{Finding, KNOWN};
use crate::{
    judge::{Judge, Verdict},
    report::{of_error, report},
    snapshot::Snapshot,
};
use serde::Deserialize;
use std::{fs, path::Path, time::Duration};
use windlass_model::{
    error::{ClusterError, NotYet},
    job::{Release, Stage},
    samples::release,
};

/// Example of a problem: a snapshot, or an answer of the API server.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    /// Origin of the example: the test that causes the problem, or the line of source that has the message.
    #[serde(rename = "source")]
    _source: String,
    #[serde(default)]
    snapshot: Option<Snapshot>,
    #[serde(default)]
    answer: Option<Answer>,
    /// Spec of the release, if it needs more than the sample.
    #[serde(default)]
    spec: windlass_model::spec::Spec,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Forbidden(String, String),
    Rejected(String, String),
    Conflict(String, String),
    NoKind(String, String),
    Terminating(String),
}

fn answer(answer: Answer) -> ClusterError {
    match answer {
        Answer::Forbidden(object, message) => ClusterError::Forbidden { object, message },
        Answer::Rejected(object, message) => ClusterError::Rejected { object, message },
        Answer::Conflict(object, message) => ClusterError::Conflict { object, message },
        Answer::NoKind(object, message) => ClusterError::NoKind { object, message },
        Answer::Terminating(message) => ClusterError::NotYet { why: NotYet::Terminating, message },
    }
}

fn finding_of(number: u16, mut snapshot: Snapshot, release: &Release) -> Finding {
    if snapshot.workloads.is_empty() {
        snapshot.workloads.push(crate::snapshot::Workload::default());
    }
    for workload in &mut snapshot.workloads {
        (workload.revision, workload.observed) = (release.id.clone(), true);
        if workload.kind.is_empty() {
            (workload.kind, workload.name) = ("Deployment".into(), "web".into());
        }
    }
    let mut judge = Judge::default();
    let mut at = Duration::ZERO;
    loop {
        match judge.judge(&snapshot, release, at) {
            Verdict::Failed(finding) => {
                return finding;
            }
            Verdict::Healthy(mut warned) => {
                let finding = warned.pop().unwrap_or_else(|| panic!("{number} is healthy"));
                return finding;
            }
            Verdict::Progressing => match judge.look_again() {
                Some(next) => at = next,
                None => {
                    // Such a problem never fails a release by itself: the rollout's own time ends, and this
                    // was the symptom.
                    let problem = KNOWN.iter().find(|problem| problem.number == number).unwrap();
                    let symptom = (problem.symptoms)(&snapshot).pop();
                    let symptom = symptom.unwrap_or_else(|| panic!("{number} shows nothing"));
                    return Finding::new(problem, symptom);
                }
            },
        }
    }
}

#[test]
fn from_what_the_cluster_shows_to_what_a_user_reads() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/problem/examples");
    let mut wrong = Vec::new();
    for problem in KNOWN {
        let number = problem.number;
        let file = folder.join(format!("{number:03}.json"));
        let text = fs::read_to_string(&file).unwrap_or_else(|error| panic!("{number}: {error}"));
        let example: Example =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{number}: {error}"));
        let mut release = release();
        if example.spec != windlass_model::spec::Spec::default() {
            example.spec.check().unwrap_or_else(|error| panic!("{number}: {error}"));
            let found = windlass_model::spec::Detected { user: Some(10001), ..Default::default() };
            release.runtime = example.spec.resolve(&found, vec![]);
        }
        let finding = match (example.snapshot, example.answer) {
            (Some(snapshot), None) => finding_of(number, snapshot, &release),
            (None, Some(answered)) => {
                let error = answer(answered);
                let finding = of_error(&error).unwrap_or_else(|| panic!("{error}"));
                assert_eq!(finding.problem.number, number, "{error}");
                finding
            }
            _ => panic!("{number}: `snapshot` or `answer`"),
        };
        let mut diagnosis = report(&finding, &release, Vec::new());
        // As the engine completes it.
        diagnosis.stage = Stage::Release;
        diagnosis.subject.push_str(&release.place());
        let text = diagnosis.to_string();
        if diagnosis.reference != problem.reference() {
            wrong.push(format!("{number} is taken for:\n{text}"));
            continue;
        }
        let expected = file.with_extension("txt");
        if !windlass_blessed::holds(&expected, &text) {
            wrong.push(format!("{number} reads now:\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn numbers_and_codes_of_problems_are_used_once() {
    let numbers: std::collections::BTreeSet<_> = KNOWN.iter().map(|one| one.number).collect();
    let codes: std::collections::BTreeSet<_> = KNOWN.iter().map(|one| one.code).collect();
    assert_eq!((numbers.len(), codes.len()), (KNOWN.len(), KNOWN.len()));
    // Without gaps.
    let all = u16::try_from(KNOWN.len()).unwrap();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), (1..=all).collect::<Vec<_>>());
}
