//! Traces of journals.

use super::*;
use crate::{
    otlp::{OF_CALLER, Value},
    samples::{CREATED, JOB, failed, release, replay, succeeded},
};
use windlass_model::plan::Plan;

fn trace(events: Vec<(u64, Event)>) -> Vec<Span> {
    spans(&replay(events)).unwrap()
}

fn claimed() -> Event {
    Event::Claimed { daemon: "one".into() }
}

fn planned() -> Event {
    let (forward, rollback) = (Vec::new(), Vec::new());
    Event::Planned(Box::new(Plan { forward, rollback, release: *release() }))
}

fn started(step: usize) -> Event {
    Event::StepStarted(Cursor::Forward(step), format!("step {step}"))
}

/// Returns name, beginning and end (after the job's acceptance) and result of all spans.
fn shown(spans: &[Span]) -> Vec<(&str, u64, u64, &str)> {
    let result = |span: &'_ Span| -> String {
        let keys = ["cicd.pipeline.result", "cicd.pipeline.task.run.result"];
        keys.iter().find_map(|key| value(span, key)).unwrap_or_default()
    };
    let known = ["success", "failure", "error", "skip", "cancellation", "timeout"];
    let word = |span: &Span| known.into_iter().find(|word| *word == result(span)).unwrap_or("?");
    spans
        .iter()
        .map(|span| (&*span.name, span.start_ms - CREATED, span.end_ms - CREATED, word(span)))
        .collect()
}

fn value(span: &Span, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|attribute| attribute.key == key)?;
    match &found.value {
        Value::Text(text) | Value::Number(text) => Some(text.clone()),
        Value::Flag(flag) => Some(flag.to_string()),
        Value::List { .. } => None,
    }
}

fn named<'a>(spans: &'a [Span], name: &str) -> &'a Span {
    spans.iter().find(|span| span.name == name).unwrap()
}

#[test]
fn a_job_is_a_run_of_stages_with_steps_below_them() {
    let built = Event::Built { step: "RUN make".into(), cached: false, ms: 30, error: None };
    let spans = trace(vec![
        (10, claimed()),
        (10, Event::Started(Stage::Clone)),
        (20, Event::Finished(Stage::Clone)),
        (20, Event::Started(Stage::Build)),
        (60, built),
        (70, Event::Finished(Stage::Build)),
        (70, Event::Started(Stage::Test)),
        (71, Event::Skipped(Stage::Test, "no tests".into())),
        (72, Event::Finished(Stage::Test)),
        (80, Event::Started(Stage::Release)),
        (81, planned()),
        (82, started(0)),
        (90, Event::StepFinished(Cursor::Forward(0))),
        (95, Event::Finished(Stage::Release)),
        (96, Event::OutcomeDecided { outcome: succeeded(), hooks: Vec::new() }),
        (96, Event::StepStarted(Cursor::Notify(0), "tell them".into())),
        (98, Event::StepFinished(Cursor::Notify(0))),
        (99, Event::Ended(succeeded())),
    ]);
    let expected = [
        ("RUN shop/web", 0, 99, "success"),
        ("wait", 0, 10, "success"),
        ("clone", 10, 20, "success"),
        ("build", 20, 70, "success"),
        ("RUN make", 30, 60, "success"),
        ("test", 70, 72, "skip"),
        ("release", 80, 95, "success"),
        ("step 0", 82, 90, "success"),
        ("tell them", 96, 98, "success"),
    ];
    assert_eq!(shown(&spans), expected);
    let (run, build, release) = (&spans[0], named(&spans, "build"), named(&spans, "release"));
    assert_eq!((&*run.trace_id, &*run.parent_span_id), (&*JOB.replace('-', ""), ""));
    for (child, parent) in [
        ("wait", run),
        ("build", run),
        ("RUN make", build),
        ("step 0", release),
        ("tell them", run),
    ] {
        assert_eq!(named(&spans, child).parent_span_id, parent.span_id, "{child}");
    }
    for (key, expected) in [
        ("cicd.pipeline.name", "shop/web"),
        ("cicd.pipeline.run.id", JOB),
        ("deployment.environment.name", "production"),
        ("vcs.repository.url.full", "https://git.example/web"),
        ("vcs.ref.head.revision", "abc"),
        ("vcs.ref.head.name", "main"),
        ("oci.manifest.digest", "sha256:1"),
    ] {
        assert_eq!(value(run, key).as_deref(), Some(expected), "{key}");
    }
    let kind = value(build, "cicd.pipeline.task.type");
    assert_eq!(kind.as_deref(), Some("build"));
}

#[test]
fn no_two_spans_have_one_id_and_a_trace_is_made_alike_each_time() {
    let events = vec![
        (1, claimed()),
        (2, Event::Started(Stage::Clone)),
        (3, claimed()),
        (4, Event::Started(Stage::Clone)),
        (5, Event::Ended(failed("clone-failed", Stage::Clone))),
    ];
    let (one, again) = (trace(events.clone()), trace(events));
    let ids = |spans: &[Span]| spans.iter().map(|span| span.span_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&one), ids(&again));
    let distinct: std::collections::BTreeSet<_> = ids(&one).into_iter().collect();
    assert_eq!(distinct.len(), one.len());
}

/// Up to the plan a restart begins again; a step of the plan is taken again, and its stage goes on.
#[test]
fn what_a_restart_interrupts_is_a_span_of_its_own() {
    let spans = trace(vec![
        (10, claimed()),
        (10, Event::Started(Stage::Build)),
        (15, Event::Retrying { attempt: 2, after_ms: 1, because: "busy".into() }),
        (50, claimed()),
        (50, Event::Started(Stage::Build)),
        (60, Event::Finished(Stage::Build)),
        (61, Event::Started(Stage::Release)),
        (62, planned()),
        (63, started(0)),
        (90, claimed()),
        (91, started(0)),
        (95, Event::StepFinished(Cursor::Forward(0))),
        (96, Event::Finished(Stage::Release)),
        (97, Event::Ended(succeeded())),
    ]);
    let expected = [
        ("RUN shop/web", 0, 97, "success"),
        ("wait", 0, 10, "success"),
        ("build", 10, 15, "error"),
        ("build", 50, 60, "success"),
        ("release", 61, 96, "success"),
        ("step 0", 63, 90, "error"),
        ("step 0", 91, 95, "success"),
    ];
    assert_eq!(shown(&spans), expected);
    assert_eq!(value(&spans[2], "error.type").as_deref(), Some("interrupted"));
    assert_eq!(spans[2].notes[0].name, "retrying");
    let again = spans[0].notes.iter().filter(|note| note.name == "claimed again").count();
    assert_eq!(again, 2);
}

#[test]
fn shares_of_requests_and_pauses_are_notes_of_their_steps() {
    let shifted = Event::TrafficShifted { cluster: "eu".into(), weight: 25, pods: None };
    let (by, note) = ("ann".to_owned(), String::new());
    let spans = trace(vec![
        (10, claimed()),
        (20, Event::Started(Stage::Release)),
        (21, planned()),
        (22, started(0)),
        (30, shifted),
        (31, Event::Paused { by: by.clone(), note: note.clone() }),
        (40, Event::Resumed { by, note }),
        (50, Event::StepFinished(Cursor::Forward(0))),
        (60, Event::Finished(Stage::Release)),
        (61, Event::Ended(succeeded())),
    ]);
    let step = spans.iter().find(|span| span.name == "step 0").unwrap();
    let names: Vec<_> = step.notes.iter().map(|note| note.name).collect();
    assert_eq!(names, ["traffic shifted", "paused", "resumed"]);
    let weight = Attribute::number("windlass.traffic.weight", 25);
    assert!(step.notes[0].attributes.contains(&weight), "{:?}", step.notes[0]);
    assert_eq!(step.notes[1].attributes, [Attribute::text("windlass.principal", "ann")]);
}

#[test]
fn a_failure_is_of_the_step_the_stage_and_the_run() {
    let failed = failed("app-crashes", Stage::Release);
    let spans = trace(vec![
        (10, claimed()),
        (20, Event::Started(Stage::Release)),
        (21, planned()),
        (22, started(0)),
        (30, Event::RollingBack(failed.clone())),
        (31, Event::StepStarted(Cursor::Rollback(0), "back".into())),
        (40, Event::StepFinished(Cursor::Rollback(0))),
        (41, Event::Ended(failed)),
    ]);
    let expected = [
        ("RUN shop/web", 0, 41, "failure"),
        ("wait", 0, 10, "success"),
        ("release", 20, 41, "failure"),
        ("step 0", 22, 30, "failure"),
        ("back", 31, 40, "success"),
    ];
    assert_eq!(shown(&spans), expected);
    for index in [0, 2, 3] {
        assert_eq!(value(&spans[index], "error.type").as_deref(), Some("app-crashes"), "{index}");
        let status = serde_json::to_value(&spans[index].status).unwrap();
        assert_eq!(status, serde_json::json!({ "code": 2, "message": "it does not work" }));
    }
}

#[test]
fn a_callers_trace_is_continued() {
    let mut replay = replay(vec![(1, claimed()), (2, Event::Ended(succeeded()))]);
    let context = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    replay.record.job.labels.insert(TRACEPARENT.into(), context.into());
    let spans = spans(&replay).unwrap();
    assert_eq!(spans[0].parent_span_id, "00f067aa0ba902b7");
    assert_eq!(spans[0].flags, OF_CALLER);
    assert!(spans.iter().all(|span| span.trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"));
}

#[test]
fn a_job_that_has_not_ended_has_no_trace() {
    assert!(spans(&replay(vec![(1, claimed())])).is_none());
}

#[test]
fn a_trace_has_a_bound_and_says_what_is_missing() {
    let mut events = vec![(1, claimed()), (2, Event::Started(Stage::Build))];
    for number in 0..1100 {
        let step = format!("RUN {number}");
        events.push((10, Event::Built { step, cached: true, ms: 0, error: None }));
    }
    events.push((20, Event::Finished(Stage::Build)));
    events.push((21, Event::Ended(succeeded())));
    let spans = trace(events);
    // The wait and 999 of 1100 steps, then the stage and the run.
    assert_eq!(spans.len(), MOST_SPANS + 2);
    assert_eq!(value(&spans[0], "windlass.spans.left_out").as_deref(), Some("101"));
    assert_eq!(shown(&[named(&spans, "build").clone()]), [("build", 2, 20, "success")]);
}
