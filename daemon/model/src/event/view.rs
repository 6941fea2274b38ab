//! The one view of an event: its kind, its stage, and the sentence that a person reads.
//!
//! Every door shows this one. The fields of an event are those of its message in the API.

use super::{Event, Measurement, PluginCall, PluginEffect};
use crate::{
    clock::utc as time,
    cluster,
    job::{CommitInfo, Stage},
    outcome::Outcome,
    plan::{Cursor, Plan},
    runtime::MigrationPhase,
};
use std::fmt::Display;

/// The number of characters of a commit's id that are shown.
const SHORT: usize = 10;

/// An event as each door shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Stable name, as in the API's `oneof` and in JSON: `build_step`.
    pub kind: &'static str,
    /// Stage that the event belongs to. `None` means that it belongs to the whole job.
    pub stage: Option<Stage>,
    /// Text for people, in one or several lines. It is not stable.
    pub sentence: String,
}

/// Returns the view of an event.
#[must_use]
pub fn view(event: &Event) -> View {
    let (kind, stage, sentence) = match event {
        Event::Claimed { daemon } => ("claimed", None, format!("taken up by {daemon}")),
        Event::Started(stage) => ("started", Some(*stage), "started".to_owned()),
        Event::Finished(stage) => ("finished", Some(*stage), "done".to_owned()),
        Event::Skipped(stage, why) => ("skipped", Some(*stage), format!("skipped: {why}")),
        Event::Cloned(commit) => ("cloned", Some(Stage::Clone), cloned(commit)),
        Event::Log { stage, source: _, line } => ("log", Some(*stage), format!("| {line}")),
        Event::Built { step, cached, ms, error } => {
            let how = match error {
                Some(error) => format!("FAILED: {error}"),
                None if *cached => "cached".to_owned(),
                None => format!("{ms} ms"),
            };
            ("build_step", Some(Stage::Build), format!("{step} ({how})"))
        }
        Event::Decided { stage, subject, value, evidence } => {
            let first = format!("{subject}: {value}");
            ("decided", Some(*stage), with_lines(first, "  because ", evidence))
        }
        Event::Warning { stage, message, fix } => {
            let fix = if fix.is_empty() { String::new() } else { format!("; fix: {fix}") };
            ("warning", Some(*stage), format!("warning: {message}{fix}"))
        }
        Event::Retrying { attempt, after_ms, because } => {
            ("retrying", None, format!("try {attempt} in {} s: {because}", after_ms / 1000))
        }
        Event::PluginCalled(call) => ("plugin_called", Some(call.stage), plugin_call(call)),
        Event::PluginEffect(effect) => ("plugin_effect", Some(effect.stage), plugin_effect(effect)),
        Event::HookRequested { hook, batch } => {
            let actions = count(batch.actions.len(), "action");
            ("hook_requested", Some(Stage::Hooks), format!("{hook} requests {actions}"))
        }
        Event::HookActionStarted { hook, action } => {
            ("hook_action_started", Some(Stage::Hooks), format!("{hook}: {action} …"))
        }
        Event::HookActionFinished { hook, result } => {
            let output = result.output();
            let sentence = with_lines(format!("{hook}: {result}"), "| ", output.lines());
            ("hook_action_finished", Some(Stage::Hooks), sentence)
        }
        Event::Tested(summary) => {
            ("tested", Some(Stage::Test), format!("{summary} (read by `{}`)", summary.runner))
        }
        Event::Pushed(release) => {
            let image = &release.image;
            ("pushed", Some(Stage::Push), format!("{} is {}", image.reference, image.digest))
        }
        Event::Held { gate, digest, until_ms } => {
            let sentence =
                format!("waits for approval of the {gate} of {digest}, until {}", time(*until_ms));
            ("held", Some(gate.stage()), sentence)
        }
        Event::Approved { gate, digest, by, note } => {
            let first = format!("{by} approved the {gate} of {digest}");
            ("approved", Some(gate.stage()), with_lines(first, "| ", note.lines()))
        }
        Event::TrafficShifted { cluster, weight, pods } => {
            let by = pods
                .map_or_else(String::new, |(new, old)| format!(", by {new} of {} pods", new + old));
            let sentence =
                format!("{weight} % of requests go to the new version{by}{}", place(cluster));
            ("traffic_shifted", Some(Stage::Release), sentence)
        }
        Event::Holding { until_ms } => {
            ("holding", Some(Stage::Release), format!("holds until {}", time(*until_ms)))
        }
        Event::Measured { cluster, metric, value, result, detail } => {
            let value = value.map_or_else(|| "no value".to_owned(), |value| value.to_string());
            let result = match result {
                Measurement::Well => "well",
                Measurement::Failed => "FAILED",
                Measurement::Inconclusive => "inconclusive",
            };
            let sentence = format!("{metric}: {value}, {result} ({detail}){}", place(cluster));
            ("measured", Some(Stage::Release), sentence)
        }
        Event::Paused { by, note } => {
            let first = format!("{by} paused the release");
            ("paused", Some(Stage::Release), with_lines(first, "| ", note.lines()))
        }
        Event::Resumed { by, note } => {
            let first = format!("{by} resumed the release");
            ("resumed", Some(Stage::Release), with_lines(first, "| ", note.lines()))
        }
        Event::Kept { release, until_ms } => {
            let (place, until) = (release.place(), time(*until_ms));
            let sentence = format!("what served before is kept until {until}{place}");
            ("kept", Some(Stage::Release), sentence)
        }
        Event::Migrated { cluster, release, phase, at_ms, .. } => {
            let (place, at) = (place(cluster), time(*at_ms));
            let sentence = match phase {
                MigrationPhase::Plan => format!("the migration was shown{place} at {at}"),
                MigrationPhase::Backup => format!("the backup of the data{place} is of {at}"),
                MigrationPhase::Expand => format!("the data was migrated{place} at {at}"),
                MigrationPhase::Contract => format!(
                    "what only versions before {release} work with was taken out of the data{place} at {at}"
                ),
            };
            ("migrated", Some(Stage::Release), sentence)
        }
        Event::Planned(plan) => ("planned", Some(Stage::Release), planned(plan)),
        Event::StepStarted(cursor, what) => {
            ("step", Some(Stage::Release), format!("{}: {what}", step(*cursor)))
        }
        Event::StepFinished(cursor) => {
            ("step", Some(Stage::Release), format!("{} done", step(*cursor)))
        }
        Event::PullSecret { release: _, host, at_ms } => {
            let sentence =
                format!("the pull secret for {host} will be renewed at {}", time(*at_ms));
            ("pull_secret", Some(Stage::Release), sentence)
        }
        Event::Rollout { cluster, ready, wanted } => {
            let sentence = format!("{ready} of {wanted} pods ready{}", place(cluster));
            ("rollout", Some(Stage::Release), sentence)
        }
        Event::Serving { cluster, endpoints } => {
            let urls: Vec<_> = endpoints.iter().map(|one| &*one.url).collect();
            let sentence = format!("answers at {}{}", urls.join(", "), place(cluster));
            ("serving", Some(Stage::Release), sentence)
        }
        Event::RollingBack(outcome) => {
            ("rolling_back", Some(Stage::Release), format!("rolling back: {}", ended(outcome)))
        }
        Event::OutcomeDecided { outcome, hooks } => {
            let hooks = count(hooks.len(), "hook");
            let sentence = format!("the job will end as {}; {hooks} to notify", word(outcome));
            ("outcome_decided", Some(Stage::Hooks), sentence)
        }
        Event::Ended(outcome) => ("ended", Some(outcome.stage()), over(outcome)),
    };
    View { kind, stage, sentence }
}

fn cloned(commit: &CommitInfo) -> String {
    let id: String = commit.id.chars().take(SHORT).collect();
    format!("{id} by {}: {}", commit.author, commit.summary)
}

fn plugin_call(call: &PluginCall) -> String {
    let how = match &call.error {
        None => "answered".to_owned(),
        Some(error) => format!("FAILED: {error}"),
    };
    format!(
        "plugin `{}` {}: {how} ({} ms, {} ms computing, {} KiB, {} host calls)",
        call.plugin,
        call.call,
        call.ms,
        call.cpu_ms,
        call.memory >> 10,
        call.host_calls
    )
}

fn plugin_effect(effect: &PluginEffect) -> String {
    let PluginEffect { plugin, what, ms, denied, .. } = effect;
    match denied {
        None => format!("plugin `{plugin}`: {what} ({ms} ms)"),
        Some(why) => format!("plugin `{plugin}`: DENIED: {what}: {why}"),
    }
}

fn planned(plan: &Plan) -> String {
    let forward = joined(&plan.forward);
    match &*plan.rollback {
        [] => format!("plan: {forward}; no rollback"),
        rollback => format!("plan: {forward}; rollback: {}", joined(rollback)),
    }
}

fn step(cursor: Cursor) -> String {
    let number = cursor.index() + 1;
    match cursor {
        Cursor::Forward(_) => format!("step {number}"),
        Cursor::Rollback(_) => format!("rollback step {number}"),
        Cursor::Notify(_) => format!("notification {number}"),
    }
}

fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Succeeded(_) | Outcome::Removed(_) | Outcome::Contracted(_) => "SUCCEEDED",
        Outcome::Stopped { .. } => "STOPPED",
        Outcome::Failed(_) => "FAILED",
    }
}

/// Returns the sentence of a job's end. What serves after a stopped release, its rollback says: there may be nothing.
fn over(outcome: &Outcome) -> String {
    let is_before_release = matches!(outcome, Outcome::Stopped { at, .. } if *at < Stage::Release);
    let unchanged = if is_before_release { "; no cluster was changed" } else { "" };
    format!("{}{unchanged}", ended(outcome))
}

fn ended(outcome: &Outcome) -> String {
    let word = word(outcome);
    match outcome {
        Outcome::Succeeded(release) => format!("{word}: {} serves", release.image.reference),
        Outcome::Removed(removed) => format!("{word}: {removed}"),
        Outcome::Contracted(contracted) => format!("{word}: {contracted}"),
        Outcome::Stopped { why, .. } => format!("{word}: {why}"),
        Outcome::Failed(diagnosis) => {
            with_lines(word.to_owned(), "  ", diagnosis.to_string().lines())
        }
    }
}

fn with_lines(
    first: String,
    before: &str,
    lines: impl IntoIterator<Item = impl Display>,
) -> String {
    lines.into_iter().fold(first, |text, line| format!("{text}\n{before}{line}"))
}

fn joined(steps: &[impl Display]) -> String {
    steps.iter().map(ToString::to_string).collect::<Vec<_>>().join(", then ")
}

fn count(many: usize, what: &str) -> String {
    format!("{many} {what}{}", if many == 1 { "" } else { "s" })
}

/// Returns ` in NAME`. Empty means that the event of an older journal names no cluster.
fn place(cluster: &str) -> String {
    if cluster.is_empty() { String::new() } else { cluster::place(cluster) }
}
