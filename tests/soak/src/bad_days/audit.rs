//! The look at what is left: each job's end and events, and what serves.

use super::{
    client::Client,
    faults::Faults,
    jobs::{Job, app_name},
    parts::Parts,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{Result, daemon::get};

/// Time within which a page must be the journal's.
const SERVED: Duration = Duration::from_secs(60);

/// Returns all that is not as it must be, and prints how the jobs have ended.
pub(crate) fn audit(
    client: &Client,
    parts: &Parts,
    jobs: &[Job],
    faults: &Faults,
) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    let mut ends = BTreeMap::<String, usize>::new();
    let mut serving = BTreeMap::<usize, &Job>::new();
    for (number, job) in jobs.iter().enumerate() {
        let name = format!("{} ({}, {:?} {})", job.id, app_name(job.app), job.input, job.page);
        let events = client.events(&job.id)?;
        findings.extend(history(&events).into_iter().map(|what| format!("{name}: {what}")));
        let Some(end) = events.iter().find_map(|event| event.get("ended")) else {
            findings.push(format!("{name}: it has not ended"));
            continue;
        };
        let newer = jobs.iter().skip(number + 1).any(|other| other.app == job.app);
        let end = End::read(end);
        *ends.entry(end.to_string()).or_default() += 1;
        if let Some(what) = end.differs(job, newer, &events, faults) {
            findings.push(format!("{name}: {what}"));
        }
        // Jobs of one app end in the order in which they were submitted, since one runs at a time.
        if end.outcome == "succeeded" {
            serving.insert(job.app, job);
        }
    }
    for (end, count) in &ends {
        println!("{count:5} {end}");
    }
    for (app, job) in serving {
        if let Err(what) = serves(parts, app, &job.page) {
            findings.push(format!(
                "{} serves {what}, and the journal says {}",
                app_name(app),
                job.page
            ));
        }
    }
    Ok(findings)
}

/// End of a job.
struct End {
    outcome: String,
    /// Code of the diagnosis. An empty text means that the job did not fail.
    code: String,
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.outcome, self.code)
    }
}

impl End {
    fn read(end: &Value) -> Self {
        let text = |pointer: &str| {
            end.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
        };
        Self { outcome: text("/outcome"), code: text("/diagnosis/code") }
    }

    /// Returns what this end is and should not be. `newer` means that a later job of the same app was submitted.
    fn differs(&self, job: &Job, newer: bool, events: &[Value], faults: &Faults) -> Option<String> {
        let (outcome, code) = job.input.expected();
        let is_expected = self.outcome == outcome && self.code == code;
        let is_stopped =
            self.outcome == "stopped" && (newer || job.input == super::inputs::Input::Cancelled);
        if is_expected || is_stopped {
            return None;
        }
        let first = events.first().map_or(job.since_ms, at_ms).min(job.since_ms);
        let last = events.last().map_or(u64::MAX, at_ms);
        let is_excused = faults.past.iter().any(|(fault, from, to)| {
            fault.excuses().contains(&&*self.code) && *from <= last && *to >= first
        });
        (!is_excused).then(|| format!("it ended {self}, and {outcome} {code} was expected"))
    }
}

/// Returns an event's time in milliseconds of the Unix epoch.
fn at_ms(event: &Value) -> u64 {
    let seconds = event.get("at").and_then(Value::as_f64).unwrap_or_default();
    Duration::try_from_secs_f64(seconds)
        .map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Returns the faults of a journal: gaps, and what was done twice.
fn history(events: &[Value]) -> Vec<String> {
    let mut faults = Vec::new();
    for (expected, event) in (1..).zip(events) {
        let seq = event.get("seq").and_then(Value::as_u64).unwrap_or_default();
        if seq != expected {
            faults.push(format!("event {expected} is missing: {seq} follows"));
            break;
        }
    }
    for once in ["planned", "ended"] {
        let count = events.iter().filter(|event| event.get(once).is_some()).count();
        if count > 1 {
            faults.push(format!("`{once}` {count} times"));
        }
    }
    match events.last() {
        Some(last)
            if last.get("ended").is_none()
                && events.iter().any(|event| event.get("ended").is_some()) =>
        {
            faults.push("events follow its end".into());
        }
        _ => {}
    }
    faults
}

/// Waits until an app serves its page. The error is what it serves.
fn serves(parts: &Parts, app: usize, page: &str) -> std::result::Result<(), String> {
    let name = app_name(app);
    let (project, app) = name.split_once('/').unwrap_or_default();
    let began = Instant::now();
    loop {
        let namespace = format!("{project}--production");
        let service = format!("service/{app}");
        let fields = [
            "get",
            "-n",
            &namespace,
            &service,
            "-o",
            "jsonpath={.spec.clusterIP} {.spec.ports[0].port}",
        ];
        let found = parts.bed.kubectl(&fields).map_err(|error| error.to_string())?;
        let (host, port) = found.trim().split_once(' ').unwrap_or_default();
        let text = get(host, port.parse().unwrap_or(80), "/index.html");
        let text = text.map_or_else(|error| error.to_string(), |text| text.trim().to_owned());
        if text == page {
            return Ok(());
        }
        if began.elapsed() > SERVED {
            return Err(text);
        }
        sleep(Duration::from_millis(500));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_gap_and_a_second_end_are_found() {
        let event = |seq: u64, key: &str| json!({ "seq": seq, key: {} });
        assert!(history(&[event(1, "claimed"), event(2, "planned"), event(3, "ended")]).is_empty());
        let gap = history(&[event(1, "claimed"), event(3, "ended")]);
        assert!(gap.iter().any(|fault| fault.contains("event 2 is missing")), "{gap:?}");
        let twice = history(&[event(1, "ended"), event(2, "ended")]);
        assert_eq!(twice, ["`ended` 2 times"]);
    }
}
