//! History of figures: each run of a bench appends a line to `history.jsonl`, and prints its change against earlier
//! runs.

#![expect(clippy::print_stdout, reason = "figures are for people")]

use serde_json::{Map, Value, json};
use std::{
    fs::{self, OpenOptions},
    io::Write,
    process::Command,
    thread::available_parallelism,
};
use windlass_bed::{Result, build, process::run};

/// Path of the history in the checkout.
const FILE: &str = "tests/bench/history.jsonl";

/// Figures of one run of a bench.
pub struct Figures {
    bench: &'static str,
    all: Vec<Figure>,
}

struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
}

impl Figures {
    /// Begins a run of the bench with this name.
    #[must_use]
    pub fn of(bench: &'static str) -> Self {
        Self { bench, all: Vec::new() }
    }

    /// Adds a figure. Runs are compared by the figure's name. An empty `unit` means that the figure has none.
    pub fn add(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        self.all.push(Figure { name: name.into(), value, unit });
    }

    /// Appends the run to the history, and prints each figure with its change against the last run that has the
    /// figure.
    pub fn keep(self) -> Result<()> {
        let file = build::root().join(FILE);
        // The first run finds no history.
        let past = fs::read_to_string(&file).unwrap_or_default();
        let machine = machine()?;
        println!("\n## {} in {FILE}", self.bench);
        for line in self.compared(&past, &machine) {
            println!("{line}");
        }
        let line = json!({
            "date": jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            "commit": commit()?,
            "bench": self.bench,
            "machine": machine,
            "figures": self.by_name(),
        });
        let mut history = OpenOptions::new().create(true).append(true).open(file)?;
        Ok(writeln!(history, "{line}")?)
    }

    fn by_name(&self) -> Map<String, Value> {
        let figure = |figure: &Figure| {
            (figure.name.clone(), json!({ "value": figure.value, "unit": figure.unit }))
        };
        self.all.iter().map(figure).collect()
    }

    /// Returns a line for each figure. A line of the past that cannot be read is left out.
    fn compared(&self, past: &str, machine: &Value) -> Vec<String> {
        let lines = past.lines().rev().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let of_bench = |line: &Value| line.get("bench").and_then(Value::as_str) == Some(self.bench);
        let earlier: Vec<Value> = lines.filter(of_bench).collect();
        self.all.iter().map(|figure| figure.compared(&earlier, machine)).collect()
    }
}

impl Figure {
    /// Returns a line of the figure and its change. `earlier` has runs of the same bench, the newest first.
    fn compared(&self, earlier: &[Value], machine: &Value) -> String {
        let now = format!("{} {} {}", self.name, shown(self.value), self.unit);
        let now = now.trim_end().to_owned();
        let value_in = |line: &Value| {
            let figure = line.get("figures")?.get(&self.name)?;
            // In another unit it is another figure.
            let is_same = figure.get("unit")?.as_str()? == self.unit;
            figure.get("value")?.as_f64().filter(|_| is_same)
        };
        let last = earlier.iter().find_map(|line| Some((line, value_in(line)?)));
        let Some((line, before)) = last else { return now };
        let date = line.get("date").and_then(Value::as_str).unwrap_or("an unknown day");
        let place = if line.get("machine") == Some(machine) { "" } else { ", on another machine" };
        if before.abs() < f64::EPSILON {
            return format!("{now} (0 on {date}{place})");
        }
        let percent = (self.value / before - 1.0) * 100.0;
        format!("{now} ({percent:+.0} % against {date}{place})")
    }
}

/// Formats a value with three significant digits.
fn shown(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        1.0.. => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

fn machine() -> Result<Value> {
    let memory = fs::read_to_string("/proc/meminfo")?;
    let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let total = total.ok_or("/proc/meminfo has no MemTotal")?;
    let kib: u64 = total.trim().trim_end_matches(" kB").parse()?;
    Ok(json!({ "cores": available_parallelism()?.get(), "memory_mib": kib >> 10 }))
}

/// Returns the commit that is checked out. A `+` behind the id means that the checkout differs from the commit.
fn commit() -> Result<String> {
    let git = |arguments: &[&str]| {
        let mut git = Command::new("git");
        // Also as root in somebody else's checkout.
        git.current_dir(build::root()).args(["-c", "safe.directory=*"]);
        run(git.args(arguments))
    };
    let id = git(&["rev-parse", "--short=12", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--", ".", &format!(":!{FILE}")])?;
    let mark = if changes.trim().is_empty() { "" } else { "+" };
    Ok(format!("{}{mark}", id.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_compared_with_the_last_run_that_has_it() {
        let here = json!({ "cores": 2, "memory_mib": 4000 });
        let line = |date: &str, bench: &str, figures: Value, cores: u64| {
            let machine = json!({ "cores": cores, "memory_mib": 4000 });
            json!({ "date": date, "bench": bench, "machine": machine, "figures": figures })
        };
        let of = |value: f64| json!({ "value": value, "unit": "ms" });
        let past = [
            line("2026-11-18", "jobs", json!({ "clone": of(1.0), "push": of(2.0) }), 4),
            line("2026-11-20", "jobs", json!({ "clone": of(13.37), "none": of(0.0) }), 2),
            line("2026-11-21", "plugins", json!({ "clone": of(99.0) }), 2),
            line("2026-11-21", "jobs", json!({ "push": { "value": 3.0, "unit": "s" } }), 2),
        ];
        let past = past.map(|line| line.to_string()).join("\n") + "\nbroken\n";
        let mut figures = Figures::of("jobs");
        for name in ["clone", "push", "none", "new"] {
            figures.add(name, 12.3, "ms");
        }
        figures.add("ratio", 0.84, "");
        let expected = [
            "clone 12.3 ms (-8 % against 2026-11-20)",
            "push 12.3 ms (+515 % against 2026-11-18, on another machine)",
            "none 12.3 ms (0 on 2026-11-20)",
            "new 12.3 ms",
            "ratio 0.840",
        ];
        assert_eq!(figures.compared(&past, &here), expected);
    }

    #[test]
    fn a_run_has_its_machine_and_its_figures_by_name() {
        let mut figures = Figures::of("jobs");
        figures.add("clone", 12.3, "ms");
        let by_name = Value::Object(figures.by_name());
        assert_eq!(by_name, json!({ "clone": { "value": 12.3, "unit": "ms" } }));
        assert!(machine().unwrap().pointer("/memory_mib").is_some_and(Value::is_u64));
    }
}
