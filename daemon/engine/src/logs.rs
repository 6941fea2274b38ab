//! Bounds of a job's log lines: the beginning and the end of each stage are kept.
//!
//! A stage stores its lines until its budget or the job's is spent. From then on the last lines are held in a ring,
//! and are stored when the run records its next event: at the latest when the stage ends, also by a failure or
//! a time limit.

use std::collections::{BTreeMap, VecDeque};
use windlass_model::{event::Event, job::Stage};

/// Name of the tool that prints our own lines among those of others.
const OWN: &str = "windlass";

/// Most bytes of one line. The rest of a longer line is cut.
const LONGEST: usize = 16 << 10;

/// Limits of a job's log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLimits {
    /// Lines and bytes of one stage, without those of its end.
    pub stage: Logged,
    /// Lines and bytes of all stages, without those of their ends.
    pub job: Logged,
    /// Last lines and bytes of a stage that are kept beyond its limit.
    pub end: Logged,
}

impl Default for LogLimits {
    fn default() -> Self {
        Self {
            stage: Logged { lines: 100_000, bytes: 16 << 20 },
            job: Logged { lines: 250_000, bytes: 40 << 20 },
            end: Logged { lines: 1000, bytes: 256 << 10 },
        }
    }
}

/// An amount of log lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Logged {
    pub lines: u64,
    /// Bytes of the lines and of the names of their sources.
    pub bytes: u64,
}

impl Logged {
    /// Returns the amount that one line is.
    #[must_use]
    pub fn of(source: &str, line: &str) -> Self {
        let bytes = u64::try_from(source.len() + line.len()).unwrap_or(u64::MAX);
        Self { lines: 1, bytes }
    }

    /// Returns the sum of two amounts.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            lines: self.lines.saturating_add(more.lines),
            bytes: self.bytes.saturating_add(more.bytes),
        }
    }

    fn without(self, less: Self) -> Self {
        Self {
            lines: self.lines.saturating_sub(less.lines),
            bytes: self.bytes.saturating_sub(less.bytes),
        }
    }

    fn fits(self, limit: Self) -> bool {
        self.lines <= limit.lines && self.bytes <= limit.bytes
    }
}

/// Lines and bytes that a job may still store.
#[derive(Debug, Default)]
pub(crate) struct LogBudget {
    limits: LogLimits,
    job: Logged,
    stages: BTreeMap<Stage, StageLog>,
}

#[derive(Debug, Default)]
struct StageLog {
    stored: Logged,
    /// End of a stage whose budget is spent. `None` means that lines are stored as they come.
    end: Option<End>,
}

/// Last lines of a stage, which are not stored yet.
#[derive(Debug, Default)]
struct End {
    /// Sources and lines.
    lines: VecDeque<(String, String)>,
    held: Logged,
    /// Lines between the last stored one and the first held one.
    left_out: Logged,
}

impl LogBudget {
    /// Makes the budget of a job whose earlier runs have stored `logged`.
    pub(crate) fn new(limits: LogLimits, logged: &BTreeMap<Stage, Logged>) -> Self {
        let job = logged.values().fold(Logged::default(), |sum, one| sum.and(*one));
        let stage =
            |(stage, stored): (&Stage, &Logged)| (*stage, StageLog { stored: *stored, end: None });
        Self { limits, job, stages: logged.iter().map(stage).collect() }
    }

    /// Takes a line. Returns the event to store now; `None` means that the line is held or left out.
    pub(crate) fn take(&mut self, stage: Stage, source: String, mut line: String) -> Option<Event> {
        shorten(&mut line);
        let amount = Logged::of(&source, &line);
        let log = self.stages.entry(stage).or_default();
        if let Some(end) = &mut log.end {
            end.hold(source, line, self.limits.end);
            return None;
        }
        let (of_stage, of_job) = (log.stored.and(amount), self.job.and(amount));
        if of_stage.fits(self.limits.stage) && of_job.fits(self.limits.job) {
            log.stored = of_stage;
            self.job = of_job;
            return Some(Event::Log { stage, source, line });
        }
        let (whose, limit) = match of_stage.fits(self.limits.stage) {
            true => ("the job", self.limits.job),
            false => ("this stage", self.limits.stage),
        };
        let mut end = End::default();
        end.hold(source, line, self.limits.end);
        log.end = Some(end);
        let line = format!(
            "the log of {whose} has reached its limit of {} lines or {} bytes: further lines are left \
             out, and the last {} follow when the stage ends",
            limit.lines, limit.bytes, self.limits.end.lines
        );
        Some(Event::Log { stage, source: OWN.into(), line })
    }

    /// Takes all lines that are held, as events to store.
    pub(crate) fn ends(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        for (stage, log) in &mut self.stages {
            let Some(end) = &mut log.end else { continue };
            let Logged { lines, bytes } = std::mem::take(&mut end.left_out);
            if lines > 0 {
                let line = format!("… {lines} lines ({bytes} bytes) left out …");
                events.push(Event::Log { stage: *stage, source: OWN.into(), line });
            }
            end.held = Logged::default();
            let event = |(source, line)| Event::Log { stage: *stage, source, line };
            events.extend(end.lines.drain(..).map(event));
        }
        events
    }
}

impl End {
    fn hold(&mut self, source: String, line: String, limit: Logged) {
        self.held = self.held.and(Logged::of(&source, &line));
        self.lines.push_back((source, line));
        while !self.held.fits(limit) {
            let Some((source, line)) = self.lines.pop_front() else { return };
            let amount = Logged::of(&source, &line);
            self.held = self.held.without(amount);
            self.left_out = self.left_out.and(amount);
        }
    }
}

/// Cuts a line that is too long, and says so in it.
fn shorten(line: &mut String) {
    if line.len() > LONGEST {
        let cut = line.len() - line.floor_char_boundary(LONGEST);
        line.truncate(line.len() - cut);
        line.push_str(&format!(" … {cut} bytes left out"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: LogLimits = LogLimits {
        stage: Logged { lines: 10, bytes: 1000 },
        job: Logged { lines: 15, bytes: 10_000 },
        end: Logged { lines: 3, bytes: 100 },
    };

    fn text(event: &Event) -> String {
        match event {
            Event::Log { line, .. } => line.clone(),
            other => panic!("{other:?}"),
        }
    }

    fn budget() -> LogBudget {
        LogBudget::new(LIMITS, &BTreeMap::new())
    }

    fn take(budget: &mut LogBudget, stage: Stage, lines: std::ops::Range<u32>) -> Vec<String> {
        let taken = lines.filter_map(|line| budget.take(stage, "s".into(), line.to_string()));
        taken.map(|event| text(&event)).collect()
    }

    fn ends(budget: &mut LogBudget) -> Vec<String> {
        budget.ends().iter().map(text).collect()
    }

    #[test]
    fn the_beginning_and_the_end_of_a_stage_are_kept_and_the_limit_is_named_once() {
        let mut budget = budget();
        let stored = take(&mut budget, Stage::Test, 0..1000);
        assert_eq!(stored.len(), 11);
        assert_eq!(stored[9], "9");
        assert!(stored[10].contains("this stage has reached its limit of 10 lines"), "{stored:?}");
        let end = ends(&mut budget);
        assert_eq!(end, ["… 987 lines (3858 bytes) left out …", "997", "998", "999"]);
        assert!(ends(&mut budget).is_empty(), "once");
        assert!(take(&mut budget, Stage::Test, 0..2).is_empty());
        assert_eq!(ends(&mut budget), ["0", "1"]);
    }

    #[test]
    fn all_stages_share_the_budget_of_their_job() {
        let mut budget = budget();
        assert_eq!(take(&mut budget, Stage::Build, 0..10).len(), 10);
        let stored = take(&mut budget, Stage::Test, 0..10);
        assert_eq!(stored.len(), 6);
        assert!(stored[5].contains("the job has reached its limit of 15 lines"), "{stored:?}");
    }

    #[test]
    fn a_resumed_job_has_what_is_left_of_its_budget() {
        let logged = BTreeMap::from([(Stage::Build, Logged { lines: 9, bytes: 10 })]);
        let mut budget = LogBudget::new(LIMITS, &logged);
        assert_eq!(take(&mut budget, Stage::Build, 0..10).len(), 2, "a line, and the limit");
    }

    #[test]
    fn bytes_are_bounded_in_the_log_in_memory_and_in_one_line() {
        let mut budget = budget();
        let long = "ü".repeat(1 << 20);
        let first = budget.take(Stage::Build, "s".into(), long.clone()).unwrap();
        assert!(text(&first).contains("limit"), "{first:?}");
        assert!(budget.ends().iter().all(|event| text(event).len() < 200), "larger than the ring");
        let mut line = long;
        shorten(&mut line);
        assert!(line.len() < LONGEST + 50 && line.ends_with("bytes left out"));
    }
}
