//! An app that is released again and again, what serves, and all that was not as it should be.

use super::way::{Abort, Course, Strategy, Way};
use serde_json::Value;
use std::{
    thread::sleep,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use windlass_tests::{
    Ended,
    traffic::{Report, Shop, Target, Traffic, exposed},
};

/// Program that ends at once.
const CRASH: &str = "command = [\"python3\", \"-c\", \"raise SystemExit(3)\"]\n";

/// Host of the app behind the gateway.
const HOST: &str = "soak-gateway.bed.test";

/// Number of steps of the longest plan, and more.
const MOST_STEPS: u64 = 60;

/// The app, what serves, and all that was not as it should be.
pub(super) struct Proof {
    /// `Service` or `gateway`: what requests go through.
    pub(super) place: &'static str,
    pub(super) findings: Vec<String>,
    shop: Shop,
    target: Target,
    /// Keys of each release, before those of its strategy.
    keys: String,
    serving: String,
    /// Strategy of what serves.
    by: &'static str,
    number: u32,
}

/// A run of one way.
pub(super) struct Run {
    /// Time from the plan, or from the abort, to the end.
    pub(super) takes: Duration,
    /// Says that the kill met the job before its end.
    pub(super) was_met: bool,
}

impl Proof {
    /// Begins with an app that is asked by its `Service`.
    pub(super) fn at_the_service() -> Self {
        let shop = Shop::new("soak-service");
        let keys = "replicas = 2\n".to_owned();
        shop.serves_first("v0", &keys);
        let target = shop.target();
        Self::of("Service", shop, target, keys)
    }

    /// Begins with an app that is asked through the bed's gateway.
    pub(super) fn at_the_gateway() -> Self {
        windlass_tests::gateway();
        let shop = Shop::new("soak-gateway");
        let keys = format!("replicas = 2\n{}", exposed(HOST));
        shop.serves_first("v0", &keys);
        Self::of("gateway", shop, Target::gateway(HOST), keys)
    }

    fn of(place: &'static str, shop: Shop, target: Target, keys: String) -> Self {
        let serving = "v0".to_owned();
        Self { place, findings: Vec::new(), shop, target, keys, serving, by: "rolling", number: 0 }
    }

    /// Returns the end of the daemon's log.
    pub(super) fn log(&self) -> String {
        self.shop.env.daemon.log()
    }

    /// Goes one way under traffic, and kills the daemon at this time behind the plan, or behind the abort.
    pub(super) fn run(&mut self, way: Way, kill: Option<Duration>) -> Run {
        // What is put back has this strategy as well.
        if self.by != way.strategy.name || way.course == Course::Rollback {
            self.serve_by(way.strategy);
        }
        let before = self.serving.clone();
        if way.course == Course::Rollback {
            self.serve_by(way.strategy);
        }
        let traffic = Traffic::start(&self.target);
        let (id, version) = self.begin(way);
        let began_ms = now();
        if let Some(kill) = kill {
            sleep(kill);
            self.shop.env.daemon.kill();
        }
        let killed = now();
        if kill.is_some()
            && let Err(error) = self.shop.env.daemon.restart()
        {
            self.finds(way, &id, &format!("the daemon does not start again: {error}"));
        }
        let ended = self.shop.env.watch(&id);
        match way.course {
            Course::Forward => self.serving = version,
            Course::Rollback => self.serving = before,
            Course::Crashes | Course::Aborted => {}
        }
        let events = self.shop.env.events(&id);
        let end = time_of(&events, "ended").unwrap_or_default();
        // An abort that comes when all is done is none. It is taken before the kill, which hence met it.
        self.look(way, &id, &ended, traffic);
        for fault in faults(&events) {
            self.finds(way, &id, &fault);
        }
        let takes = Duration::from_secs_f64((end - began_ms).clamp(0.1, 600.0));
        Run { takes, was_met: killed < end }
    }

    /// Releases a version again and again, and aborts it in its first step, in the second, and so on, until there is
    /// none that is left.
    pub(super) fn abort_in_each_step(&mut self, strategy: &'static Strategy) {
        if self.by != strategy.name {
            self.serve_by(strategy);
        }
        let way = Way { strategy, course: Course::Aborted };
        for step in 0..MOST_STEPS {
            let traffic = Traffic::start(&self.target);
            let version = self.next();
            let id = self.shop.begin(&version, &format!("{}{}", self.keys, strategy.keys));
            let reached = self.shop.env.await_event(&id, |event| is_begin_of(event, step));
            if reached.is_none() {
                let ended = self.shop.env.watch(&id);
                self.serving = version;
                self.look(Way { strategy, course: Course::Forward }, &id, &ended, traffic);
                println!("{}, {}: aborted in each of {step} steps", self.place, strategy.name);
                return;
            }
            let answer = self.shop.say("abort", &id, "in a step");
            let ended = self.shop.env.watch(&id);
            let events = self.shop.env.events(&id);
            // In the last step it is refused. One that was taken in the moment in which that step began has a warning.
            let is_warned = events.iter().any(|event| {
                let message = event.pointer("/warning/message").and_then(Value::as_str);
                message.is_some_and(|text| text.starts_with("the last step is seen through"))
            });
            let is_refused = ["takes its last step", "has its outcome", "has ended"]
                .iter()
                .any(|reason| answer.code != 0 && answer.text.contains(reason));
            let is_late = is_refused || is_warned;
            if is_late && ended.outcome == "succeeded" {
                self.serving = version;
                self.look(Way { strategy, course: Course::Forward }, &id, &ended, traffic);
            } else {
                self.look(way, &id, &ended, traffic);
            }
        }
        self.findings.push(format!("{way}: more than {MOST_STEPS} steps"));
    }

    /// Releases a version that serves, without traffic.
    fn serve_by(&mut self, strategy: &'static Strategy) {
        let version = self.next();
        let ended = self.shop.release(&version, &format!("{}{}", self.keys, strategy.keys));
        if ended.outcome != "succeeded" {
            let way = Way { strategy, course: Course::Forward };
            self.finds(way, &ended.id, &format!("{}: {}", ended.outcome, ended.text));
            return;
        }
        (self.serving, self.by) = (version, strategy.name);
    }

    /// Begins a way, and returns its job and its version once the time of a kill runs.
    fn begin(&mut self, way: Way) -> (String, String) {
        let Way { strategy, course } = way;
        let version = self.next();
        let program = if course == Course::Crashes { CRASH } else { "" };
        let id = if course == Course::Rollback {
            self.shop.begin_rollback()
        } else {
            self.shop.begin(&version, &format!("{}{program}{}", self.keys, strategy.keys))
        };
        let reached = match (course, strategy.abort) {
            (Course::Aborted, Abort::Holds) => {
                self.shop.env.await_event(&id, |event| event["holding"].is_object())
            }
            (Course::Aborted, Abort::Shifted(weight)) => self.shop.env.await_event(&id, |event| {
                windlass_tests::traffic::shifted_to(event) == Some(weight)
            }),
            _ => self.shop.env.await_event(&id, |event| event["planned"].is_object()),
        };
        if reached.is_none() {
            self.finds(way, &id, "it ended before what is waited for");
        }
        if course == Course::Aborted {
            let answer = self.shop.say("abort", &id, "under a kill");
            if answer.code != 0 {
                self.finds(way, &id, &format!("it is not aborted: {}", answer.text));
            }
        }
        (id, version)
    }

    /// Looks at the outcome, at what serves, and at the requests.
    fn look(&mut self, way: Way, id: &str, ended: &Ended, traffic: Traffic) {
        let expected = way.course.outcome();
        if ended.outcome != expected {
            // The last event, or the end of a message, says why.
            let last = ended.text.lines().last().unwrap_or_default();
            let text = format!("{}, not {expected}: {last}", ended.outcome);
            self.finds(way, id, &text);
        }
        if let Err(page) = self.shop.env.await_page("app", &self.serving) {
            let text = format!("{} serves, not {}", page.trim(), self.serving);
            self.finds(way, id, &text);
        }
        if let Some(lost) = lost(&traffic.end(), way.strategy.may_lose) {
            self.finds(way, id, &lost);
        }
    }

    fn next(&mut self) -> String {
        self.number += 1;
        format!("v{}", self.number)
    }

    fn finds(&mut self, way: Way, id: &str, text: &str) {
        println!("{}, {way}: a finding", self.place);
        self.findings.push(format!("{}, {way}, job {id}: {text}", self.place));
    }
}

/// Returns the seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Returns the time of the first event that has a key, in seconds since 1970.
fn time_of(events: &[Value], key: &str) -> Option<f64> {
    events.iter().find(|event| event[key].is_object())?["at"].as_f64()
}

/// Returns whether a step of the plan begins with an event.
fn is_begin_of(event: &Value, index: u64) -> bool {
    let step = &event["step"];
    let is = |key: &str| step[key] == true;
    step.is_object()
        && step["index"].as_u64().unwrap_or_default() == index
        && !is("rollback")
        && !is("notify")
        && !is("done")
}

/// Returns the failed requests as a finding. `may_lose` is for a strategy under which nothing serves for a while.
fn lost(report: &Report, may_lose: bool) -> Option<String> {
    (!may_lose && report.failed > 0).then(|| format!("requests failed: {report}"))
}

/// Returns what is wrong with the events of a job: numbers with a gap, and steps that may be taken once.
fn faults(events: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    for (event, expected) in events.iter().zip(1_u64..) {
        if event["seq"].as_u64() != Some(expected) {
            faults.push(format!("the event after {} is missing: {event}", expected - 1));
            break;
        }
    }
    for (once, least) in [("pushed", 0), ("planned", 1), ("ended", 1)] {
        let count = events.iter().filter(|event| event[once].is_object()).count();
        // A rollback pushes nothing.
        if count < least || count > 1 {
            faults.push(format!("{count} times {once}, not once"));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_gap_and_a_second_plan_are_faults() {
        let event = |seq: u64, key: &str| {
            let mut event = json!({ "seq": seq });
            event[key] = json!({});
            event
        };
        let mut events = vec![event(1, "pushed"), event(2, "planned"), event(3, "ended")];
        assert!(faults(&events).is_empty());
        assert!(faults(&events[1..]).iter().all(|fault| fault.contains("missing")));
        events.push(event(5, "planned"));
        let found = faults(&events);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[1].contains("2 times planned"), "{found:?}");
    }

    #[test]
    fn recreate_alone_may_lose_requests() {
        let report = Report { failed: 1, ..Report::default() };
        assert!(lost(&report, false).is_some());
        assert!(lost(&report, true).is_none() && lost(&Report::default(), false).is_none());
    }

    #[test]
    fn the_begin_of_a_step_is_neither_its_end_nor_a_step_of_the_rollback() {
        assert!(is_begin_of(&json!({ "step": { "description": "apply web" } }), 0));
        assert!(is_begin_of(&json!({ "step": { "index": 2 } }), 2));
        for other in ["done", "rollback", "notify"] {
            assert!(!is_begin_of(&json!({ "step": { "index": 2, other: true } }), 2), "{other}");
        }
        assert!(!is_begin_of(&json!({ "ended": {} }), 0));
    }
}
