//! The course of a release that goes step by step: its share of the requests, metrics, pauses, and what it waits for.

use super::{
    ending::labelled,
    line::{Line, Look},
    time::{Clock, millis, took},
};
use crate::show::place;
use std::collections::BTreeMap;
use windlass_proto::v1::{self, event::What};

/// Gate of a release that is under way. At others nothing is released yet.
pub(crate) const TRAFFIC: &str = "traffic";

/// Causes in one line: so many fit into a terminal of 80 columns.
const CAUSES: usize = 3;

/// The last facts about a release that is under way.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// Share of the requests, by cluster.
    shares: BTreeMap<String, v1::TrafficShifted>,
    /// End of the hold, in milliseconds since 1970. `None` means that nothing is held.
    holds_until_ms: Option<u64>,
    /// Last measurement of each metric, by name and cluster.
    metrics: BTreeMap<(String, String), v1::Measured>,
    paused: Option<v1::Paused>,
    /// Wait for an approval of a share.
    held: Option<v1::Held>,
    ends: Ends,
}

/// Steps of a plan until which the release can end for a reason, and the step that it is at.
#[derive(Debug, Default)]
struct Ends {
    /// Step that switches all requests. `None` means that no newer job ends the release.
    switch: Option<u32>,
    /// Last step that asks the new version for a page. `None` means that none does.
    check: Option<u32>,
    /// Last step during which metrics are measured. `None` means that none are.
    measured: Option<u32>,
    /// Last step that has begun. `None` means that none has.
    begun: Option<u32>,
    /// Step that is under way, or the next one.
    at: u32,
}

impl Ends {
    fn of(plan: &v1::Planned) -> Self {
        Self {
            switch: plan.switch_step,
            check: plan.last_check_step,
            measured: plan.last_measured_step,
            ..Self::default()
        }
    }

    fn take(&mut self, step: &v1::Step) {
        if !step.rollback && !step.notify {
            self.begun = Some(step.index);
            self.at = step.index.saturating_add(step.done.into());
        }
    }

    /// Returns whether a newer job of the app ends the release now.
    fn gives_way(&self) -> bool {
        self.switch.is_some_and(|switch| self.begun.is_none_or(|begun| begun < switch))
    }

    /// Returns whether a step is under way or to come.
    fn is_left(&self, step: Option<u32>) -> bool {
        step.is_some_and(|step| self.at <= step)
    }
}

impl Course {
    /// Takes the facts that an event has.
    pub(crate) fn take(&mut self, what: &What) {
        match what {
            What::TrafficShifted(it) => {
                self.shares.insert(it.cluster.clone(), it.clone());
            }
            What::Holding(it) => self.holds_until_ms = millis(it.until.as_ref()),
            What::Measured(it) => {
                self.metrics.insert((it.metric.clone(), it.cluster.clone()), it.clone());
            }
            What::Paused(it) => self.paused = Some(it.clone()),
            What::Resumed(_) => self.paused = None,
            What::Held(it) => self.held = Some(it.clone()).filter(|held| held.gate == TRAFFIC),
            What::Approved(_) => self.held = None,
            What::Planned(it) => self.ends = Ends::of(it),
            What::Step(it) => {
                self.holds_until_ms = None;
                self.held = None;
                self.ends.take(it);
            }
            What::Serving(it) => {
                self.shares.remove(&it.cluster);
                self.metrics.retain(|(_, cluster), _| *cluster != it.cluster);
            }
            // From here on the release before is put back, or the new one serves alone.
            What::RollingBack(_) | What::OutcomeDecided(_) | What::Ended(_) => {
                *self = Self::default();
            }
            _ => {}
        }
    }

    /// Returns the lines that show where the release of a job is. Empty for a release that has no such steps, or that
    /// has begun none of them.
    pub(crate) fn lines(&self, job: &str, now_ms: u64, clock: &Clock) -> Vec<Line> {
        let mut lines = Vec::new();
        lines.extend(labelled("traffic:", self.shares.values().map(share)));
        let left_ms = self.holds_until_ms.map(|until| until.saturating_sub(now_ms));
        lines.extend(labelled("hold:", left_ms.map(left)));
        lines.extend(labelled("metrics:", self.metrics.values().map(measured)));
        lines.extend(labelled("paused:", self.paused.as_ref().map(paused)));
        let waits = self.held.as_ref().map(|held| {
            let until = millis(held.until.as_ref()).map(|ms| clock.date(ms));
            format!("for an approval until {}", until.unwrap_or_default())
        });
        lines.extend(labelled("waits:", waits));
        lines.extend(labelled("go on:", self.commands(job)));
        lines.extend(labelled("ends it:", self.ends(job)));
        lines
    }

    /// Returns the commands that let the release go on. Empty where it goes on by itself.
    fn commands(&self, job: &str) -> Vec<String> {
        let paused = self.paused.as_ref().map(|_| format!("windlass resume {job}"));
        let held = self.held.as_ref().map(|_| format!("windlass approve {job}"));
        paused.into_iter().chain(held).collect()
    }

    /// Returns what ends the release before it serves alone, with each command in a line of its own: a terminal that cuts
    /// lines leaves them whole. Empty for a release that neither waits nor comes up beside another one.
    fn ends(&self, job: &str) -> Vec<String> {
        let mut causes = Vec::new();
        let mut commands = Vec::new();
        if self.held.is_some() {
            causes.push("no approval in time");
            commands.push(format!("windlass reject {job}"));
        }
        let holds = self.holds_until_ms.is_some();
        if holds || self.held.is_some() || self.ends.switch.is_some() {
            causes.push("pods that fail");
        }
        if self.ends.is_left(self.ends.check) {
            causes.push("a check that fails");
        }
        if self.ends.is_left(self.ends.measured) || holds && !self.metrics.is_empty() {
            causes.push("a metric that is not well");
        }
        if self.ends.gives_way() {
            causes.push("a newer job of the app");
        }
        if self.paused.is_none() && causes.is_empty() {
            return Vec::new();
        }
        commands.push(format!("windlass abort {job}"));
        causes.chunks(CAUSES).map(|some| some.join(", ")).chain(commands).collect()
    }
}

/// Returns the lines that stay of an event: a share, a hold, a pause. Empty for events without such lines.
pub(crate) fn kept(what: &What, sentence: &str, job: &str) -> Vec<Line> {
    let (look, mark) = match what {
        What::TrafficShifted(_) | What::Kept(_) | What::Migrated(_) => (Look::Plain, ""),
        What::Holding(_) => (Look::Faint, ""),
        What::Resumed(_) => (Look::Good, ""),
        What::Paused(_) => (Look::Odd, "! "),
        What::Measured(it) if it.result == "failed" => (Look::Odd, "! "),
        What::Measured(it) if it.result == "inconclusive" => (Look::Faint, ""),
        What::Held(it) if it.gate == TRAFFIC => (Look::Odd, "! "),
        _ => return Vec::new(),
    };
    let mut lines: Vec<_> = sentence
        .lines()
        .zip(std::iter::once(mark).chain(std::iter::repeat("")))
        .map(|(line, mark)| Line::of(look, &format!("{mark}{line}")))
        .collect();
    let commands = match what {
        What::Paused(_) => Some(("resume", "abort")),
        What::Held(_) => Some(("approve", "reject")),
        _ => None,
    };
    lines.extend(commands.map(|(on, end)| {
        let text = format!("    go on: windlass {on} {job}; end it: windlass {end} {job}");
        Line::of(Look::Faint, &text)
    }));
    lines
}

fn share(shift: &v1::TrafficShifted) -> String {
    let v1::TrafficShifted { cluster, weight, new_pods, old_pods } = shift;
    let pods = new_pods.zip(*old_pods);
    let pods = pods.map(|(new, old)| format!(", by {new} of {} pods", new.saturating_add(old)));
    let place = place(std::slice::from_ref(cluster));
    format!("{weight} % to the new version{}{place}", pods.unwrap_or_default())
}

fn left(ms: u64) -> String {
    if ms == 0 { "over".to_owned() } else { format!("{} left", took(ms)) }
}

fn measured(measured: &v1::Measured) -> String {
    let v1::Measured { cluster, metric, value, result, detail } = measured;
    let value = value.map_or_else(|| "no value".to_owned(), number);
    let detail = if detail.is_empty() { String::new() } else { format!(" ({detail})") };
    format!("{metric}: {value}, {result}{detail}{}", place(std::slice::from_ref(cluster)))
}

fn paused(pause: &v1::Paused) -> String {
    let note = pause.note.lines().next().unwrap_or_default();
    if note.is_empty() { format!("by {}", pause.by) } else { format!("by {}: {note}", pause.by) }
}

/// Formats a value with three decimals, or with one and an exponent where these show nothing of it.
fn number(value: f64) -> String {
    let is_small = value != 0.0 && value.abs() < 0.001;
    if is_small || value.abs() >= 1e9 {
        return format!("{value:.1e}");
    }
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(course: &Course, now_ms: u64) -> String {
        let lines = course.lines("0197-1", now_ms, &Clock::utc());
        lines.iter().map(|line| line.show(false) + "\n").collect()
    }

    fn time(ms: i64) -> Option<prost_types::Timestamp> {
        Some(prost_types::Timestamp { seconds: ms / 1000, nanos: 0 })
    }

    fn shift(cluster: &str, weight: u32, pods: Option<(u32, u32)>) -> What {
        let (new_pods, old_pods) = pods.unzip();
        What::TrafficShifted(v1::TrafficShifted {
            cluster: cluster.into(),
            weight,
            new_pods,
            old_pods,
        })
    }

    #[test]
    fn a_release_without_shares_shows_nothing() {
        assert_eq!(shown(&Course::default(), 0), "");
        let mut course = Course::default();
        course.take(&What::Held(v1::Held { gate: "release".into(), ..v1::Held::default() }));
        assert_eq!(shown(&course, 0), "", "nothing is released yet");
    }

    #[test]
    fn a_hold_shows_its_time_its_metrics_and_what_would_end_it() {
        let mut course = Course::default();
        course.take(&shift("eu", 5, None));
        course.take(&shift("us", 25, Some((1, 2))));
        course.take(&What::Holding(v1::Holding { until: time(60_000) }));
        for value in [None, Some(99.5)] {
            course.take(&What::Measured(v1::Measured {
                cluster: "eu".into(),
                metric: "success".into(),
                value,
                result: "well".into(),
                detail: "at least 99".into(),
            }));
        }
        let expected = "  traffic:   5 % to the new version in eu
             25 % to the new version, by 1 of 3 pods in us
  hold:      48 s left
  metrics:   success: 99.5, well (at least 99) in eu
  ends it:   pods that fail, a metric that is not well
             windlass abort 0197-1
";
        assert_eq!(shown(&course, 12_000), expected);
        assert!(shown(&course, 61_000).contains("  hold:      over\n"));
        course.take(&What::Step(v1::Step { done: true, ..v1::Step::default() }));
        let after = shown(&course, 61_000);
        assert!(!after.contains("hold:") && !after.contains("ends it:"), "{after}");
    }

    #[test]
    fn a_pause_and_a_gate_say_how_to_go_on() {
        let mut course = Course::default();
        let paused = v1::Paused { by: "ann".into(), note: "looking\nat logs".into() };
        course.take(&What::Paused(paused));
        let expected = "  paused:    by ann: looking
  go on:     windlass resume 0197-1
  ends it:   windlass abort 0197-1
";
        assert_eq!(shown(&course, 0), expected);
        course.take(&What::Resumed(v1::Resumed::default()));
        let held =
            v1::Held { gate: TRAFFIC.into(), digest: "d".into(), until: time(1_764_093_182_000) };
        course.take(&What::Held(held));
        let expected = "  waits:     for an approval until 2025-11-25 17:53
  go on:     windlass approve 0197-1
  ends it:   no approval in time, pods that fail
             windlass reject 0197-1
             windlass abort 0197-1
";
        assert_eq!(shown(&course, 0), expected);
        course.take(&What::Approved(v1::Approved::default()));
        assert_eq!(shown(&course, 0), "");
    }

    /// A hold or a gate is no condition: pods are watched and a newer job may come at each step.
    #[test]
    fn a_release_beside_another_shows_all_the_while_what_would_end_it() {
        let mut course = Course::default();
        let ends = |course: &Course| course.ends("1").join("; ");
        assert_eq!(ends(&course), "");
        course.take(&What::Planned(v1::Planned {
            switch_step: Some(4),
            last_check_step: Some(2),
            last_measured_step: Some(3),
            ..v1::Planned::default()
        }));
        let mut at = |index: u32, done: bool| {
            course.take(&What::Step(v1::Step { index, done, ..v1::Step::default() }));
            ends(&course)
        };
        let all = "pods that fail, a check that fails, a metric that is not well; a newer job of the app; windlass abort 1";
        assert_eq!(at(0, false), all);
        assert_eq!(at(2, false), all);
        let checked =
            "pods that fail, a metric that is not well, a newer job of the app; windlass abort 1";
        assert_eq!(at(2, true), checked);
        assert_eq!(at(3, false), checked);
        assert_eq!(at(3, true), "pods that fail, a newer job of the app; windlass abort 1");
        let switched = "pods that fail; windlass abort 1";
        assert_eq!(at(4, false), switched);
        assert_eq!(at(5, false), switched);
        course.take(&What::RollingBack(v1::Ended::default()));
        assert_eq!(ends(&course), "");
    }

    #[test]
    fn nothing_is_left_of_a_cluster_that_is_done_and_of_a_release_that_is_rolled_back() {
        let mut course = Course::default();
        course.take(&shift("eu", 5, None));
        course.take(&shift("us", 5, None));
        course.take(&What::Serving(v1::Serving { cluster: "eu".into(), endpoints: Vec::new() }));
        assert_eq!(shown(&course, 0), "  traffic:   5 % to the new version in us\n");
        course.take(&What::RollingBack(v1::Ended::default()));
        assert_eq!(shown(&course, 0), "");
    }

    #[test]
    fn values_are_as_long_as_they_have_to_be() {
        let cases = [0.0, 99.5, 0.1 + 0.2, 100.0, 0.000_04, 2.5e12];
        let expected = ["0", "99.5", "0.3", "100", "4.0e-5", "2.5e12"];
        assert_eq!(cases.map(number), expected);
    }
}
