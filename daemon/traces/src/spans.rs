//! From the journal of a job that ended to the spans of its trace.

mod draft;
mod run;
#[cfg(test)]
mod tests;

use crate::{
    ids::Ids,
    otlp::{Attribute, Note, Span},
};
use draft::{Draft, End, cut, note};
use std::collections::BTreeMap;
use windlass_engine::ports::store::{Recorded, Replay};
use windlass_model::{
    event::{Event, PluginCall},
    hook::ActionResult,
    job::Stage,
    outcome::Outcome,
    plan::Cursor,
    traceparent::{TRACEPARENT, TraceParent},
};

/// Number of spans from which on a trace gets no more steps of the build, calls and actions. The span of the run has the
/// number of those that are left out.
const MOST_SPANS: usize = 1000;

/// Returns the spans of a job, that of the run first, the others by their beginning. `None` means that the job has not
/// ended.
pub(crate) fn spans(replay: &Replay) -> Option<Vec<Span>> {
    let outcome = replay.record.outcome.as_ref()?;
    let mut walk = Walk::new(replay);
    for recorded in &replay.events {
        walk.event(recorded);
    }
    Some(walk.end(replay, outcome))
}

/// Trace of a job, as far as the job's events were read.
struct Walk<'a> {
    job: &'a str,
    ids: Ids,
    /// Id of the span of the run.
    run: String,
    created_ms: u64,
    finished: Vec<Span>,
    left_out: u64,
    stages: BTreeMap<Stage, Draft>,
    /// The step of the plan that is being taken. Steps are taken one after the other.
    step: Option<(Cursor, Draft)>,
    /// The action of a hook that is being done.
    action: Option<Draft>,
    /// Notes of the run.
    notes: Vec<Note>,
    was_claimed: bool,
    has_plan: bool,
    /// Time of the last event.
    last_ms: u64,
}

impl<'a> Walk<'a> {
    fn new(replay: &'a Replay) -> Self {
        let job = &replay.record.job;
        let parent = job.labels.get(TRACEPARENT).and_then(|text| TraceParent::parse(text));
        let ids = Ids::new(&job.id, parent);
        Self {
            job: &job.id,
            run: ids.span(run::RUN),
            ids,
            created_ms: job.created_ms,
            finished: Vec::new(),
            left_out: 0,
            stages: BTreeMap::new(),
            step: None,
            action: None,
            notes: Vec::new(),
            was_claimed: false,
            has_plan: false,
            last_ms: job.created_ms,
        }
    }

    fn event(&mut self, recorded: &Recorded) {
        let Recorded { seq, at_ms, event } = recorded;
        let (seq, at_ms) = (*seq, *at_ms);
        match event {
            Event::Claimed { daemon } => self.claimed(seq, at_ms, daemon),
            Event::Started(stage) => {
                self.close_stage(*stage, self.last_ms, End::interrupted());
                let mut draft = self.draft(seq, at_ms, stage.to_string(), self.run.clone());
                let kind =
                    kind(*stage).map(|kind| Attribute::text("cicd.pipeline.task.type", kind));
                draft.attributes.extend(kind);
                self.stages.insert(*stage, draft);
            }
            Event::Skipped(stage, why) => self.skipped(seq, at_ms, *stage, why),
            Event::Finished(stage) => self.close_stage(*stage, at_ms, End::succeeded()),
            Event::Built { step, cached, ms, error } => {
                let parent = self.parent(Stage::Build);
                let mut draft = self.draft(seq, at_ms.saturating_sub(*ms), cut(step), parent);
                draft.attributes.push(Attribute::flag("windlass.build.cached", *cached));
                let end = error.as_deref().map(|error| End::failed("build-step-failed", error));
                self.close_one_of_many(draft, at_ms, end.unwrap_or_else(End::succeeded));
            }
            Event::PluginCalled(call) => self.called(seq, at_ms, call),
            Event::HookActionStarted { hook, action } => {
                self.close_action(self.last_ms, End::interrupted());
                let parent = self.parent(Stage::Hooks);
                let mut draft = self.draft(seq, at_ms, cut(action), parent);
                draft.attributes.push(Attribute::text("windlass.hook.name", hook.clone()));
                self.action = Some(draft);
            }
            Event::HookActionFinished { result, .. } => self.close_action(at_ms, acted(result)),
            Event::Planned(_) => self.has_plan = true,
            Event::StepStarted(cursor, text) => {
                self.close_step(self.last_ms, End::interrupted());
                let parent = match cursor {
                    Cursor::Forward(_) | Cursor::Rollback(_) => self.parent(Stage::Release),
                    Cursor::Notify(_) => self.run.clone(),
                };
                let mut draft = self.draft(seq, at_ms, cut(text), parent);
                draft
                    .attributes
                    .push(Attribute::text("windlass.plan.direction", direction(*cursor)));
                self.step = Some((*cursor, draft));
            }
            Event::StepFinished(cursor)
                if self.step.as_ref().is_some_and(|(begun, _)| begun == cursor) =>
            {
                self.close_step(at_ms, End::succeeded());
            }
            Event::RollingBack(outcome) => {
                self.close_step(at_ms, End::of(outcome));
                let name = "rolling back";
                note(&mut self.notes, Note { at_ms, name, attributes: Vec::new() });
            }
            Event::OutcomeDecided { outcome, .. } | Event::Ended(outcome) => {
                self.close_all(at_ms, outcome);
            }
            Event::Retrying { attempt, because, .. } => {
                let attributes = vec![
                    Attribute::number("windlass.attempt", u64::from(*attempt)),
                    Attribute::text("windlass.reason", cut(because)),
                ];
                self.note(None, Note { at_ms, name: "retrying", attributes });
            }
            Event::TrafficShifted { cluster, weight, .. } => {
                let attributes = vec![
                    Attribute::text("windlass.cluster", cluster.clone()),
                    Attribute::number("windlass.traffic.weight", u64::from(*weight)),
                ];
                self.note(
                    Some(Stage::Release),
                    Note { at_ms, name: "traffic shifted", attributes },
                );
            }
            Event::Paused { by, .. } => self.person(at_ms, "paused", by),
            Event::Resumed { by, .. } => self.person(at_ms, "resumed", by),
            Event::Warning { stage, message, .. } => {
                let attributes = vec![Attribute::text("windlass.warning", cut(message))];
                self.note(Some(*stage), Note { at_ms, name: "warning", attributes });
            }
            _ => {}
        }
        self.last_ms = at_ms;
    }

    fn draft(&self, seq: u64, start_ms: u64, name: String, parent: String) -> Draft {
        let (attributes, notes) = (Vec::new(), Vec::new());
        // An event that tells a duration may come from another clock than the job's acceptance.
        let start_ms = start_ms.max(self.created_ms);
        Draft { seq, start_ms, name, parent, attributes, notes, is_skipped: false }
    }

    /// Ends the wait at the first claim. A later claim is that of a daemon which begins again, up to the plan; from the
    /// plan on it continues.
    fn claimed(&mut self, seq: u64, at_ms: u64, daemon: &str) {
        let attributes = vec![Attribute::text("windlass.daemon", cut(daemon))];
        if !self.was_claimed {
            self.was_claimed = true;
            let wait = self.draft(seq, self.created_ms, "wait".into(), self.run.clone());
            self.close(Draft { attributes, ..wait }, at_ms, End::succeeded());
            return;
        }
        note(&mut self.notes, Note { at_ms, name: "claimed again", attributes });
        if !self.has_plan {
            let stages: Vec<_> = self.stages.keys().copied().collect();
            for stage in stages {
                self.close_stage(stage, self.last_ms, End::interrupted());
            }
        }
    }

    fn skipped(&mut self, seq: u64, at_ms: u64, stage: Stage, why: &str) {
        let reason = Attribute::text("windlass.reason", cut(why));
        if let Some(draft) = self.stages.get_mut(&stage) {
            draft.is_skipped = true;
            draft.attributes.push(reason);
            return;
        }
        let mut draft = self.draft(seq, at_ms, stage.to_string(), self.run.clone());
        draft.attributes.push(reason);
        self.close(draft, at_ms, End::skipped());
    }

    fn called(&mut self, seq: u64, at_ms: u64, call: &PluginCall) {
        let parent = self.parent(call.stage);
        let name = format!("{} {}", call.plugin, call.call);
        let mut draft = self.draft(seq, at_ms.saturating_sub(call.ms), cut(&name), parent);
        draft.attributes.extend([
            Attribute::text("windlass.plugin.name", call.plugin.clone()),
            Attribute::text("windlass.plugin.digest", call.digest.clone()),
            Attribute::number("windlass.plugin.cpu_ms", call.cpu_ms),
        ]);
        let end = call.error.as_deref().map(|error| End::broken("plugin-failed", error));
        self.close_one_of_many(draft, at_ms, end.unwrap_or_else(End::succeeded));
    }

    /// Returns the id of the span that something of a stage is in: the stage, else the step that is being taken, else
    /// the run.
    fn parent(&self, stage: Stage) -> String {
        let step = self.step.as_ref().map(|(_, draft)| draft);
        let around = self.stages.get(&stage).or(step);
        around.map_or_else(|| self.run.clone(), |draft| self.ids.span(&draft.seq.to_string()))
    }

    /// Adds a note that a person intervened in the release.
    fn person(&mut self, at_ms: u64, name: &'static str, by: &str) {
        let attributes = vec![Attribute::text("windlass.principal", by)];
        self.note(Some(Stage::Release), Note { at_ms, name, attributes });
    }

    /// Adds a note to the step that is being taken, else to a stage, else to the run. Without a stage, it is the one
    /// that began last.
    fn note(&mut self, stage: Option<Stage>, about: Note) {
        let Self { stages, step, notes, .. } = self;
        let in_stage = match stage {
            Some(stage) => stages.get_mut(&stage),
            None => stages.values_mut().max_by_key(|draft| draft.seq),
        };
        let in_step = step.as_mut().map(|(_, draft)| draft);
        let around = in_step.or(in_stage).map(|draft| &mut draft.notes);
        note(around.unwrap_or(notes), about);
    }

    fn close(&mut self, draft: Draft, end_ms: u64, end: End) {
        self.finished.push(draft.finish(&self.ids, self.job, end_ms, end));
    }

    /// Closes a span of which there may be any number, unless there are too many.
    fn close_one_of_many(&mut self, draft: Draft, end_ms: u64, end: End) {
        if self.finished.len() < MOST_SPANS {
            self.close(draft, end_ms, end);
        } else {
            self.left_out += 1;
        }
    }

    fn close_stage(&mut self, stage: Stage, end_ms: u64, end: End) {
        if let Some(draft) = self.stages.remove(&stage) {
            self.close(draft, end_ms, end);
        }
    }

    fn close_step(&mut self, end_ms: u64, end: End) {
        self.close_action(end_ms, end.clone());
        if let Some((_, draft)) = self.step.take() {
            self.close(draft, end_ms, end);
        }
    }

    fn close_action(&mut self, end_ms: u64, end: End) {
        if let Some(draft) = self.action.take() {
            self.close_one_of_many(draft, end_ms, end);
        }
    }

    /// Ends all that is open, as the job ended.
    fn close_all(&mut self, end_ms: u64, outcome: &Outcome) {
        self.close_step(end_ms, End::of(outcome));
        for (_, draft) in std::mem::take(&mut self.stages) {
            self.close(draft, end_ms, End::of(outcome));
        }
    }

    fn end(mut self, replay: &Replay, outcome: &Outcome) -> Vec<Span> {
        let end_ms = replay.record.ended_ms.unwrap_or(self.last_ms).max(self.last_ms);
        self.close_all(end_ms, outcome);
        // Stable: of those that began together, the one that ended first.
        self.finished.sort_by_key(|span| span.start_ms);
        let job = &replay.record.job;
        let mut spans = vec![run::span(job, outcome, &self.ids, end_ms, self.notes, self.left_out)];
        spans.append(&mut self.finished);
        spans
    }
}

/// Returns the conventions' word for the kind of a stage. `None` means that they have none.
fn kind(stage: Stage) -> Option<&'static str> {
    match stage {
        Stage::Build => Some("build"),
        Stage::Test => Some("test"),
        Stage::Release => Some("deploy"),
        Stage::Clone | Stage::Detect | Stage::Push | Stage::Hooks => None,
    }
}

fn direction(cursor: Cursor) -> &'static str {
    match cursor {
        Cursor::Forward(_) => "forward",
        Cursor::Rollback(_) => "rollback",
        Cursor::Notify(_) => "notification",
    }
}

fn acted(result: &ActionResult) -> End {
    match result {
        ActionResult::Exited { code: 0, .. } | ActionResult::Waited => End::succeeded(),
        failed => End::failed("hook-action-failed", &failed.to_string()),
    }
}
