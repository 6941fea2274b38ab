//! Messages as lines for people.

use crate::json::{value, word};
use std::borrow::Cow;
use windlass_model::{cluster::DEFAULT, diagnosis::Layout};
use windlass_proto::v1;

mod answer;

/// Returns an event's sentence. An older daemon sends none: then its fields are shown as JSON.
pub(crate) fn sentence(event: &v1::Event) -> Cow<'_, str> {
    match &event.what {
        Some(what) if event.sentence.is_empty() => value(what).to_string().into(),
        _ => (&*event.sentence).into(),
    }
}

/// Returns an event's sentence, each of its lines behind the stage.
pub(crate) fn event(event: &v1::Event) -> String {
    let stage = word(event.stage().as_str_name());
    let sentence = sentence(event);
    let lines = sentence.lines().map(|line| format!("{stage:8} {line}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Returns a diagnosis, indented.
pub(crate) fn diagnosis(diagnosis: &v1::Diagnosis) -> String {
    let stage = word(diagnosis.stage().as_str_name());
    let layout = Layout {
        stage: &stage,
        code: &diagnosis.code,
        reference: &diagnosis.reference,
        subject: &diagnosis.subject,
        what: &diagnosis.what,
        why: &diagnosis.why,
        fixes: &diagnosis.fixes,
        command: &diagnosis.command,
        evidence: &diagnosis.evidence,
    };
    let text = layout.to_string();
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

pub(crate) fn app(app: Option<&v1::App>) -> String {
    app.map(|app| format!("{}/{}/{}", app.project, app.name, app.environment)).unwrap_or_default()
}

/// Returns ` in NAME, NAME`. The daemon's only cluster, which has no name of its own, leads to an empty text.
pub(crate) fn place(clusters: &[String]) -> String {
    match clusters {
        [] => String::new(),
        [only] if only.is_empty() || only == DEFAULT => String::new(),
        several => format!(" in {}", several.join(", ")),
    }
}

pub(crate) fn plan(plan: &v1::PlanResponse) -> String {
    let mut text = answer::found(plan);
    text.push_str(&format!("\n{}\n", plan.dockerfile.trim_end()));
    for (path, who) in &plan.decided_by {
        text.push_str(&format!("\n{path}: decided by {who}"));
    }
    text.push('\n');
    let mut cluster = "";
    for change in &plan.changes {
        if cluster != change.cluster {
            cluster = &change.cluster;
            match cluster {
                DEFAULT => text.push_str("\nin the cluster:\n"),
                name => text.push_str(&format!("\nin the cluster {name}:\n")),
            }
        }
        let verb = match change.verb() {
            v1::ChangeVerb::Create => "+ create",
            v1::ChangeVerb::Update => "~ change",
            v1::ChangeVerb::Delete => "- delete, once the release is healthy:",
            v1::ChangeVerb::Keep | v1::ChangeVerb::Unspecified => "= keep",
        };
        text.push_str(&format!("{verb} {}\n", change.object));
        // All lines of a new object are new: they are in the JSON.
        if change.verb() == v1::ChangeVerb::Update {
            for line in &change.lines {
                text.push_str(&format!("      {line}\n"));
            }
        }
    }
    if !plan.strategies.is_empty() {
        text.push_str(&format!("\nthe strategy:\n  {}\n", plan.strategies.join("\n  ")));
    }
    numbered(&mut text, "the release, step by step", &plan.steps);
    numbered(&mut text, "the rollback, if it fails after all of these", &plan.rollback_steps);
    text.push_str("\nall of it: --output json");
    text
}

/// Adds the steps of a release in their order. Without any nothing is added.
fn numbered(text: &mut String, title: &str, steps: &[String]) {
    if !steps.is_empty() {
        text.push_str(&format!("\n{title}:\n"));
    }
    for (number, step) in (1..).zip(steps) {
        text.push_str(&format!("{number:3}. {step}\n"));
    }
}

/// Returns lines below a plan, after an empty one.
pub(crate) fn notes(notes: &[String]) -> String {
    if notes.is_empty() { String::new() } else { format!("\n\n{}", notes.join("\n")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshots::same;

    #[test]
    fn a_plan_reads_as_it_should() {
        let change =
            |cluster: &str, object: &str, verb: v1::ChangeVerb, lines: &[&str]| v1::ObjectChange {
                cluster: cluster.into(),
                object: object.into(),
                verb: verb.into(),
                lines: lines.iter().map(ToString::to_string).collect(),
            };
        let one = v1::PlanResponse {
            language: "go".into(),
            detector: "go".into(),
            evidence: vec!["go.mod: a Go module".into()],
            decisions: vec![v1::Choice {
                subject: "go".into(),
                value: "1.27".into(),
                source: "go.mod:3 go".into(),
            }],
            processes: vec![v1::FoundProcess {
                name: "worker".into(),
                command: vec!["./worker".into(), "--all".into()],
                kind: "worker".into(),
                schedule: String::new(),
                source: "Procfile:2".into(),
            }],
            warnings: vec![v1::Advice {
                message: "go 1.24 has had no security fixes since 2026-02-28".into(),
                fix: "ask for a maintained release in go.mod:3".into(),
            }],
            candidates: vec![v1::Candidate {
                folder: "apps/web".into(),
                language: "node".into(),
                name: "web".into(),
            }],
            answers: vec![
                v1::DetectorAnswer {
                    detector: "go".into(),
                    language: "go".into(),
                    score: 80,
                    chosen: true,
                    ..v1::DetectorAnswer::default()
                },
                v1::DetectorAnswer {
                    detector: "node".into(),
                    language: "node".into(),
                    score: 20,
                    refusal: "package.json has no `scripts.start`".into(),
                    hint: "add one".into(),
                    ..v1::DetectorAnswer::default()
                },
            ],
            dockerfile: "FROM golang:1-bookworm AS build\nRUN go build\n".into(),
            decided_by: [("port".to_owned(), "job".to_owned())].into(),
            changes: vec![
                change("default", "Namespace shop--production", v1::ChangeVerb::Keep, &[]),
                change("default", "Deployment web", v1::ChangeVerb::Update, &["- a: 1", "+ a: 2"]),
                change("default", "Service web", v1::ChangeVerb::Create, &["+ kind: Service"]),
                change("default", "CronJob web-old", v1::ChangeVerb::Delete, &[]),
            ],
            strategies: vec!["web: canary".into(), "worker: rolling, after the switch".into()],
            steps: vec![
                "start web at 067f1fe93c beside what serves, with 5 % of its pods".into(),
                "send 5 % of requests to web at 067f1fe93c".into(),
                "hold for 1 min, measuring success-rate".into(),
                "apply web at 067f1fe93c".into(),
            ],
            rollback_steps: vec![
                "send all requests to web at 0a1b2c3d4e, whose pods still run".into(),
            ],
            ..v1::PlanResponse::default()
        };
        let two = v1::PlanResponse {
            changes: ["eu", "us"]
                .map(|name| change(name, "Deployment web", v1::ChangeVerb::Create, &[]))
                .into(),
            ..v1::PlanResponse::default()
        };
        same("plan", &format!("{}\n---\n{}\n", plan(&one), plan(&two)));
    }
}
