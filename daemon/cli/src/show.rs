//! Messages as lines for people.

use crate::{
    json::{millis, word},
    render::{self, Clock, Ending, Line, millis as millis_of},
};
use windlass_model::cluster::DEFAULT;
use windlass_proto::v1::{self, event::What};

/// One event, in one or several lines.
pub(crate) fn event(event: &v1::Event) -> String {
    let stage = word(event.stage().as_str_name());
    let line = |text: String| format!("{stage:8} {text}");
    match &event.what {
        None => String::new(),
        Some(What::Claimed(it)) => line(format!("taken up by {}", it.daemon)),
        Some(What::Started(_)) => line("…".into()),
        Some(What::Finished(_)) => line("done".into()),
        Some(What::Cloned(it)) => {
            let commit: String = it.commit.chars().take(10).collect();
            line(format!("{commit} by {}: {}", it.author, it.summary))
        }
        Some(What::Skipped(it)) => line(format!("skipped: {}", it.why)),
        Some(What::Log(it)) => line(format!("| {}", it.line)),
        Some(What::BuildStep(it)) => {
            let how = match (&*it.error, it.cached) {
                ("", true) => "cached".to_owned(),
                ("", false) => format!("{} ms", millis(it.took.as_ref())),
                (error, _) => format!("FAILED: {error}"),
            };
            line(format!("{} ({how})", it.name))
        }
        Some(What::Decided(it)) => {
            let mut text = line(format!("{}: {}", it.subject, it.value));
            for evidence in &it.evidence {
                text.push_str(&format!("\n{stage:8}   because {evidence}"));
            }
            text
        }
        Some(What::PluginCalled(it)) => {
            let how = match &*it.error {
                "" => "answered".to_owned(),
                error => format!("FAILED: {error}"),
            };
            line(format!(
                "plugin `{}` {}: {how} ({} ms, {} ms computing, {} KiB, {} host calls)",
                it.plugin,
                it.call,
                millis(it.took.as_ref()),
                millis(it.computed.as_ref()),
                it.memory >> 10,
                it.host_calls
            ))
        }
        Some(What::PluginEffect(it)) => line(match &*it.denied {
            "" => format!("plugin `{}`: {} ({} ms)", it.plugin, it.what, millis(it.took.as_ref())),
            why => format!("plugin `{}`: DENIED: {}: {why}", it.plugin, it.what),
        }),
        Some(What::HookRequested(it)) => {
            line(format!("{} wants {} done", it.hook, count(it.actions, "thing")))
        }
        Some(What::HookActionStarted(it)) => line(format!("{}: {} …", it.hook, it.action)),
        Some(What::HookActionFinished(it)) => {
            let mut text = line(format!("{}: {}", it.hook, it.result));
            for output in it.output.lines() {
                text.push_str(&format!("\n{stage:8} | {output}"));
            }
            text
        }
        Some(What::PullSecret(it)) => {
            line(format!("what nodes pull from {} with is renewed later", it.host))
        }
        Some(What::OutcomeDecided(it)) => {
            line(format!("telling hooks: {}", word(it.outcome().as_str_name())))
        }
        Some(What::Tested(it)) => line(format!(
            "{} passed, {} failed, {} skipped (read by `{}`)",
            it.passed, it.failed, it.skipped, it.runner
        )),
        Some(What::Warning(it)) => line(format!("warning: {}; fix: {}", it.message, it.fix)),
        Some(What::Retrying(it)) => line(format!(
            "try {} in {} s: {}",
            it.attempt,
            millis(it.after.as_ref()) / 1000,
            it.because
        )),
        Some(What::Pushed(it)) => line(format!("{} is {}", it.image, it.digest)),
        Some(What::Planned(it)) => line(format!(
            "plan: {}; way back: {}",
            it.forward.join(", then "),
            it.rollback.join(", then ")
        )),
        Some(What::Step(it)) if it.done => line(format!("{} done", direction(it))),
        Some(What::Step(it)) => line(format!("{}: {}", direction(it), it.what)),
        Some(What::Rollout(it)) => line(format!(
            "{} of {} pods ready{}",
            it.ready,
            it.wanted,
            place(std::slice::from_ref(&it.cluster))
        )),
        Some(What::Serving(it)) => {
            let urls: Vec<_> = it.endpoints.iter().map(|one| &*one.url).collect();
            let place = place(std::slice::from_ref(&it.cluster));
            line(format!("answers at {}{place}", urls.join(", ")))
        }
        Some(What::RollingBack(it)) => line(format!("turning back\n{}", indented(&ended(it)))),
        Some(What::Ended(it)) => ended(it),
    }
}

fn count(many: u32, what: &str) -> String {
    format!("{many} {what}{}", if many == 1 { "" } else { "s" })
}

fn direction(step: &v1::Step) -> String {
    let way = match (step.rollback, step.notify) {
        (true, _) => " back",
        (_, true) => " after",
        _ => "",
    };
    format!("step {}{way}", step.index + 1)
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("           {line}")).collect::<Vec<_>>().join("\n")
}

/// How a job ended, as one of its events.
fn ended(ended: &v1::Ended) -> String {
    match ended.outcome() {
        v1::Outcome::Succeeded => match &ended.release {
            Some(release) => format!("SUCCEEDED: {} serves", release.image),
            None => "SUCCEEDED".into(),
        },
        v1::Outcome::Stopped => format!("STOPPED: {}; what ran before still serves", ended.stop),
        v1::Outcome::Failed | v1::Outcome::Unspecified => {
            let failed = ended.diagnosis.as_ref().map(diagnosis);
            format!("FAILED\n{}", failed.unwrap_or_default())
        }
    }
}

/// What failed, why, what shows it, and what to do.
pub(crate) fn diagnosis(diagnosis: &v1::Diagnosis) -> String {
    let mut lines = vec![format!(
        "  failed at: {} ({}{})",
        word(diagnosis.stage().as_str_name()),
        diagnosis.code,
        match &*diagnosis.reference {
            "" => String::new(),
            page => format!(", {page}"),
        }
    )];
    if !diagnosis.subject.is_empty() {
        lines.push(format!("  where:     {}", diagnosis.subject));
    }
    lines.push(format!("  what:      {}", diagnosis.what));
    if !diagnosis.why.is_empty() {
        lines.push(format!("  why:       {}", diagnosis.why.replace('\n', "\n             ")));
    }
    let evidence = diagnosis.evidence.iter();
    lines.extend(evidence.map(|line| format!("    | {}", line.replace('\n', "\n    | "))));
    for (index, fix) in diagnosis.fixes.iter().enumerate() {
        lines.push(format!("  fix {}:     {fix}", index + 1));
    }
    if !diagnosis.command.is_empty() {
        lines.push(format!("  look:      {}", diagnosis.command));
    }
    lines.join("\n")
}

/// How a job that is not watched ended.
pub(crate) fn ending(job: &v1::Job, ended: &v1::Ended, clock: &Clock) -> Vec<Line> {
    let began = millis_of(job.started.as_ref());
    let ended_ms = millis_of(job.finished.as_ref());
    let took_ms = began.zip(ended_ms).map(|(began, ended)| ended.saturating_sub(began));
    let told = Ending { took_ms, ended_ms, ..Ending::default() };
    render::ending(ended, job, &told, clock)
}

pub(crate) fn app(app: Option<&v1::App>) -> String {
    app.map(|app| format!("{}/{}/{}", app.project, app.name, app.environment)).unwrap_or_default()
}

/// ` in NAME, NAME`; nothing where the daemon's only cluster has no name of its own.
pub(crate) fn place(clusters: &[String]) -> String {
    match clusters {
        [] => String::new(),
        [only] if only.is_empty() || only == DEFAULT => String::new(),
        several => format!(" in {}", several.join(", ")),
    }
}

pub(crate) fn plan(plan: &v1::PlanResponse) -> String {
    let mut text = match &*plan.language {
        "" => String::new(),
        language => format!("language: {language}, by `{}`\n", plan.detector),
    };
    for evidence in &plan.evidence {
        text.push_str(&format!("  because {evidence}\n"));
    }
    text.push_str(&format!("\n{}\n", plan.dockerfile.trim_end()));
    for (path, who) in &plan.decided_by {
        text.push_str(&format!("\n{path}: said by {who}"));
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
        // Of what is made, all lines are new: they are in the JSON.
        if change.verb() == v1::ChangeVerb::Update {
            for line in &change.lines {
                text.push_str(&format!("      {line}\n"));
            }
        }
    }
    text.push_str("\nall of it: --output json");
    text
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
            dockerfile: "FROM golang:1-bookworm AS build\nRUN go build\n".into(),
            decided_by: [("port".to_owned(), "job".to_owned())].into(),
            changes: vec![
                change("default", "Namespace shop--production", v1::ChangeVerb::Keep, &[]),
                change("default", "Deployment web", v1::ChangeVerb::Update, &["- a: 1", "+ a: 2"]),
                change("default", "Service web", v1::ChangeVerb::Create, &["+ kind: Service"]),
                change("default", "CronJob web-old", v1::ChangeVerb::Delete, &[]),
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
