//! The model of the screen: events in, lines out. Pure: the time is an argument.

use super::{
    Detail,
    course::{Course, TRAFFIC, kept},
    ending::{Ending, ending},
    line::{Line, Look},
    section::{Part, Section, State},
    serves::Serves,
    time::{Clock, millis, took},
};
use crate::{json::word, show};
use windlass_proto::v1::{self, event::What};

/// Lines of a log that scroll under the running part.
const SCROLLED: usize = 5;

/// Frames of the spinner.
const SPINNER: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/// The terminal's size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    /// Columns.
    pub(crate) width: usize,
    /// Lines.
    pub(crate) height: usize,
}

/// One job, as its events show it.
pub(crate) struct Board {
    job: v1::Job,
    detail: Detail,
    clock: Clock,
    sections: Vec<Section>,
    course: Course,
    serves: Serves,
    /// Time of the first event. `None` means that the beginning of the job was not watched.
    began_ms: Option<u64>,
    last_ms: u64,
    claims: u32,
    has_failed: bool,
    has_ended: bool,
}

impl Board {
    pub(crate) fn new(job: v1::Job, detail: Detail, clock: Clock) -> Self {
        Self {
            job,
            detail,
            clock,
            sections: Vec::new(),
            course: Course::default(),
            serves: Serves::default(),
            began_ms: None,
            last_ms: 0,
            claims: 0,
            has_failed: false,
            has_ended: false,
        }
    }

    /// Returns the time of the last event.
    pub(crate) fn last_ms(&self) -> u64 {
        self.last_ms
    }

    /// Takes an event, and returns the lines that it adds for good.
    pub(crate) fn take(&mut self, event: &v1::Event) -> Vec<Line> {
        let at_ms = millis(event.at.as_ref()).unwrap_or(self.last_ms);
        self.last_ms = at_ms;
        if event.seq == 1 {
            self.began_ms = Some(at_ms);
        }
        let mut lines = Vec::new();
        if self.wants(event.what.as_ref()) {
            lines.extend(show::event(event).lines().map(|line| Line::of(Look::Faint, line)));
        }
        let Some(what) = &event.what else { return lines };
        self.course.take(what);
        self.serves.take(what);
        // With `--verbose` each measurement is shown as it comes.
        if !(self.detail.verbose && matches!(what, What::Measured(_))) {
            lines.extend(kept(what, &show::sentence(event), &self.job.id));
        }
        match what {
            What::Claimed(it) => {
                self.claims += 1;
                if self.claims > 1 {
                    let text = format!("! the job was taken up again by {}", it.daemon);
                    lines.push(Line::of(Look::Odd, &text));
                }
            }
            What::Started(_) => {
                // After a restart, the stages after this one come again.
                let part = Part::Stage(event.stage());
                self.sections.retain(|section| section.part.place() < part.place());
                self.sections.push(Section::new(part, at_ms));
            }
            // The event of the pushed image comes a moment later.
            What::Finished(_) if event.stage() == v1::Stage::Push => {}
            What::Finished(_) => {
                lines.extend(self.end(Part::Stage(event.stage()), at_ms, State::Done));
            }
            What::Skipped(it) => {
                let state = State::Skipped(it.reason.clone());
                lines.extend(self.end(Part::Stage(event.stage()), at_ms, state));
            }
            What::Pushed(_) => {
                if let Some(section) = self.section(event.stage(), what, at_ms) {
                    section.take(what, at_ms);
                }
                lines.extend(self.end(Part::Stage(v1::Stage::Push), at_ms, State::Done));
            }
            What::Warning(it) => lines.extend(warning(&word(event.stage().as_str_name()), it)),
            What::Approved(_) => {
                let sentence = show::sentence(event);
                lines.extend(sentence.lines().map(|line| Line::of(Look::Good, line)));
            }
            What::Held(it) if it.gate == TRAFFIC => {}
            What::Retrying(_) | What::Held(_) => {
                lines.push(Line::of(Look::Odd, &format!("! {}", show::sentence(event))));
            }
            What::RollingBack(it) => {
                lines.extend(self.fail(it, event.stage(), at_ms));
                self.sections.push(Section::new(Part::Rollback, at_ms));
            }
            What::Ended(it) => lines.extend(self.finish(it, event.stage(), at_ms)),
            what => {
                if let Some(section) = self.section(event.stage(), what, at_ms) {
                    section.take(what, at_ms);
                }
            }
        }
        lines
    }

    /// Returns the lines that are redrawn as long as the job runs.
    pub(crate) fn live(&self, now_ms: u64, frame: usize, room: Room) -> Vec<Line> {
        if self.has_ended {
            return Vec::new();
        }
        let mark = SPINNER.get(frame % SPINNER.len()).copied().unwrap_or_default();
        let mut lines = self.heads(now_ms, mark);
        let mut sections = self.sections.iter().rev();
        let prints =
            |section: &&Section| section.is_running() && section.has_log() && !section.is_idle();
        if let Some(section) = sections.find(prints) {
            lines.extend(section.log_end(SCROLLED));
        }
        lines.truncate(room.height.saturating_sub(1));
        // The last column is left free: some terminals go on in the next line there.
        let width = room.width.saturating_sub(1);
        lines.iter().map(|line| line.cut(width)).collect()
    }

    /// Returns a line for each running part, and those of a release that goes step by step.
    pub(crate) fn heads(&self, now_ms: u64, mark: &str) -> Vec<Line> {
        let running: Vec<_> = self.sections.iter().filter(|one| one.is_running()).collect();
        let shown = running.iter().filter(|one| running.len() == 1 || !one.is_idle());
        let mut lines: Vec<_> = shown.map(|section| section.line(now_ms, mark)).collect();
        if self.job.last_seq == 0 && self.last_ms == 0 {
            return vec![Line::of(Look::Plain, mark).add(Look::Faint, " waits for its turn")];
        }
        lines.extend(self.course.lines(&self.job.id, now_ms, &self.clock));
        lines
    }

    /// Returns true for an event that is shown as it comes. `None` is an event of a newer daemon.
    fn wants(&self, what: Option<&What>) -> bool {
        let Some(what) = what else { return self.detail.events || self.detail.verbose };
        let of_plugins = matches!(
            what,
            What::PluginCalled(_)
                | What::PluginEffect(_)
                | What::HookRequested(_)
                | What::HookActionStarted(_)
                | What::HookActionFinished(_)
                | What::Planned(_)
                | What::Step(_)
                | What::PullSecret(_)
                | What::OutcomeDecided(_)
        );
        // These events have lines of their own.
        let has_line = matches!(
            what,
            What::Started(_)
                | What::Finished(_)
                | What::Skipped(_)
                | What::Warning(_)
                | What::Retrying(_)
                | What::Held(_)
                | What::Approved(_)
                | What::TrafficShifted(_)
                | What::Holding(_)
                | What::Paused(_)
                | What::Resumed(_)
                | What::Kept(_)
                | What::Migrated(_)
                | What::RollingBack(_)
                | What::Ended(_)
        );
        if of_plugins { self.detail.events } else { self.detail.verbose && !has_line }
    }

    fn end(&mut self, part: Part, at_ms: u64, state: State) -> Option<Line> {
        let section = self.sections.iter_mut().rev().find(|section| section.part == part)?;
        if !section.is_running() {
            return None;
        }
        section.end(state, at_ms);
        Some(section.line(at_ms, ""))
    }

    /// Finds the part that an event belongs to.
    fn section(&mut self, stage: v1::Stage, what: &What, at_ms: u64) -> Option<&mut Section> {
        let is_of_hooks = matches!(what, What::Step(step) if step.notify);
        let stage = if is_of_hooks { v1::Stage::Hooks } else { stage };
        let part = match stage {
            v1::Stage::Release if self.is_running(Part::Rollback) => Part::Rollback,
            stage => Part::Stage(stage),
        };
        let begins = matches!(stage, v1::Stage::Hooks | v1::Stage::Release);
        if !self.is_running(part) && begins && !self.sections.iter().any(|one| one.part == part) {
            self.sections.push(Section::new(part, at_ms));
        }
        // A late event of an ended stage belongs to the running one: a test's own build.
        let found = self.sections.iter().rposition(|one| one.part == part && one.is_running());
        let running = || self.sections.iter().rposition(Section::is_running);
        let index = found.or_else(running)?;
        self.sections.get_mut(index)
    }

    fn is_running(&self, part: Part) -> bool {
        self.sections.iter().any(|section| section.part == part && section.is_running())
    }

    /// Returns the line of the failed part, and everything that it printed.
    fn fail(&mut self, ended: &v1::Ended, at: v1::Stage, at_ms: u64) -> Vec<Line> {
        let (stage, why) = match (ended.outcome(), &ended.diagnosis) {
            (v1::Outcome::Succeeded, _) => return Vec::new(),
            (_, Some(diagnosis)) => (diagnosis.stage(), diagnosis.what.clone()),
            (_, None) => (at, ended.stop.clone()),
        };
        let part = Part::Stage(stage);
        if !self.sections.iter().any(|section| section.part == part) {
            self.sections.push(Section::new(part, at_ms));
        }
        self.has_failed = true;
        let is_stopped = ended.outcome() == v1::Outcome::Stopped;
        let mut lines = Vec::new();
        for section in &mut self.sections {
            if section.part == part && !matches!(section.state, State::Failed(_)) {
                section.end(State::Failed(why.clone()), at_ms);
                lines.push(section.line(at_ms, ""));
                // With `--verbose` all of it was shown as it came.
                if !is_stopped && !self.detail.verbose {
                    lines.extend(section.log_whole());
                }
            } else if section.is_running() {
                section.end(State::Cut, at_ms);
                lines.push(section.line(at_ms, ""));
            }
        }
        lines
    }

    fn finish(&mut self, ended: &v1::Ended, at: v1::Stage, at_ms: u64) -> Vec<Line> {
        self.has_ended = true;
        let mut lines = Vec::new();
        if !self.has_failed {
            lines.extend(self.fail(ended, at, at_ms));
        }
        let is_stuck =
            ended.diagnosis.as_ref().is_some_and(|diagnosis| diagnosis.code == "way-back-failed");
        for section in &mut self.sections {
            if section.is_running() {
                let state = match section.part {
                    Part::Rollback if is_stuck => State::Failed("it failed too".into()),
                    _ => State::Done,
                };
                section.end(state, at_ms);
                lines.push(section.line(at_ms, ""));
            }
        }
        let stages = self.sections.iter().map(|one| (one.name(), one.took(at_ms)));
        let stages = stages.map(|(name, ms)| format!("{name} {}", took(ms)));
        let facts = Ending {
            took_ms: self.began_ms.map(|began| at_ms.saturating_sub(began)),
            ended_ms: Some(at_ms),
            stages: stages.collect(),
            endpoints: self.sections.iter().flat_map(Section::endpoints).cloned().collect(),
            stage: at,
            serves: self.serves.lines(ended),
        };
        lines.extend(ending(ended, &self.job, &facts, &self.clock));
        lines
    }
}

fn warning(stage: &str, warning: &v1::Warning) -> Vec<Line> {
    let mut lines = vec![Line::of(Look::Odd, &format!("! {stage:8} {}", warning.message))];
    if !warning.fix.is_empty() {
        lines.push(Line::of(Look::Faint, &format!("    fix: {}", warning.fix)));
    }
    lines
}
