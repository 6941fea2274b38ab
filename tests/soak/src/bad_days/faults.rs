//! Faults, one at a time.

use super::{client::Client, jobs::now_ms, parts::Parts, vitals::Vitals};
use rand::{Rng, rngs::StdRng};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt, fs,
    io::Write,
    ops::Range,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::{Result, process::sh};

/// Time that the journal's disk is full.
const FULL: Duration = Duration::from_secs(20);

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    Daemon,
    Builder,
    Registry,
    ApiServer,
    GitServer,
    FullDisk,
    LockedJournal,
    SlowClient,
    Clock,
}

impl Fault {
    fn drawn(number: u32) -> Self {
        match number {
            0..30 => Self::Daemon,
            30..45 => Self::Builder,
            45..55 => Self::Registry,
            55..70 => Self::ApiServer,
            70..78 => Self::GitServer,
            78..82 => Self::FullDisk,
            82..88 => Self::LockedJournal,
            88..94 => Self::SlowClient,
            _ => Self::Clock,
        }
    }

    /// Returns the codes of failures that follow from this fault when it lasts longer than Windlass waits.
    pub(crate) fn excuses(self) -> &'static [&'static str] {
        match self {
            Self::Builder => &["builder-unreachable"],
            Self::Registry => &[
                "registry-unavailable",
                "registry-unreachable",
                "image-not-pulled",
                "not-ready-in-time",
            ],
            Self::GitServer => &["repository-unreachable"],
            Self::ApiServer => &["cluster-unreachable"],
            Self::Daemon
            | Self::FullDisk
            | Self::LockedJournal
            | Self::SlowClient
            | Self::Clock => &[],
        }
    }
}

/// All faults of the run.
pub(crate) struct Faults {
    random: StdRng,
    /// Faults with their first and last instant, in milliseconds of the Unix epoch.
    pub(crate) past: Vec<(Fault, u64, u64)>,
    unread: Vec<(Child, Instant)>,
    largest: Vitals,
}

impl Faults {
    pub(crate) fn new(random: StdRng) -> Self {
        Self { random, past: Vec::new(), unread: Vec::new(), largest: Vitals::default() }
    }

    /// Returns a pause, in milliseconds of this range.
    pub(crate) fn pause(&mut self, milliseconds: Range<u64>) -> Duration {
        Duration::from_millis(self.random.random_range(milliseconds))
    }

    pub(crate) fn largest(&self) -> &Vitals {
        &self.largest
    }

    /// Makes a fault, and undoes it.
    pub(crate) fn next(&mut self, parts: &mut Parts, client: &Client) -> Result<()> {
        if let Ok(vitals) = Vitals::now(parts) {
            self.largest = self.largest.max(&vitals);
        }
        let fault = Fault::drawn(self.random.random_range(0..100));
        let from = now_ms();
        match fault {
            Fault::Daemon => {
                let pause = self.pause(0..1500);
                parts.kill_daemon(pause)?;
            }
            Fault::Builder => {
                let pause = self.pause(1000..6000);
                parts.kill_builder(pause)?;
            }
            Fault::Registry => {
                let pause = self.pause(1000..6000);
                parts.kill_registry(pause)?;
            }
            Fault::ApiServer => {
                let pause = self.pause(1000..15_000);
                parts.api.close();
                sleep(pause);
                parts.api.open();
            }
            Fault::GitServer => {
                let pause = self.pause(1000..3000);
                parts.kill_git(pause)?;
            }
            Fault::FullDisk => fill(parts)?,
            Fault::LockedJournal => {
                let pause = self.pause(3000..17_000);
                lock(parts, pause)?;
            }
            Fault::SlowClient => self.watch_without_reading(client)?,
            Fault::Clock => {
                let ahead = self.random.random_range(0..900);
                parts.set_clock(ahead)?;
            }
        }
        self.past.push((fault, from, now_ms()));
        self.unread.retain_mut(|(child, since)| {
            let is_over = since.elapsed() > Duration::from_secs(60);
            if is_over {
                let _ = child.kill();
                let _ = child.wait();
            }
            !is_over
        });
        Ok(())
    }

    /// Ends what lasts.
    pub(crate) fn end(&mut self, parts: &mut Parts) -> Result<()> {
        for (child, _) in &mut self.unread {
            let _ = child.kill();
            let _ = child.wait();
        }
        self.unread.clear();
        parts.set_clock(0)
    }

    /// Follows a job that runs, and reads nothing.
    fn watch_without_reading(&mut self, client: &Client) -> Result<()> {
        let jobs = client.run(&["jobs", "--state", "running"])?;
        let job = jobs.text.lines().find_map(|line| serde_json::from_str::<Value>(line).ok());
        let id = job.as_ref().and_then(|job| job.get("id")?.as_str());
        if let Some(id) = id {
            self.unread.push((client.unread(&["watch", id])?, Instant::now()));
        }
        Ok(())
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut counts = BTreeMap::<Fault, u32>::new();
        for (fault, _, _) in &self.past {
            *counts.entry(*fault).or_default() += 1;
        }
        let counts: Vec<_> = counts.iter().map(|(fault, n)| format!("{fault:?} {n}")).collect();
        f.write_str(&counts.join(", "))
    }
}

/// Sleeps, unless the condition comes before.
pub(crate) fn sleep_unless(time: Duration, is_enough: impl Fn() -> bool) {
    let began = Instant::now();
    while began.elapsed() < time && !is_enough() {
        sleep(Duration::from_millis(100));
    }
}

/// Fills the journal's disk, and frees it after [`FULL`].
fn fill(parts: &Parts) -> Result<()> {
    let journal = parts.journal();
    let filler = journal.join("filler");
    let stat = sh(&format!("df --output=avail -k {}", journal.display()))?;
    let free: u64 = stat.lines().nth(1).unwrap_or_default().trim().parse()?;
    let mut file = fs::File::create(&filler)?;
    let chunk = vec![0; 1 << 20];
    for _ in 0..=(free >> 10) {
        if file.write_all(&chunk).is_err() {
            break;
        }
    }
    sleep(FULL);
    Ok(fs::remove_file(filler)?)
}

/// Holds the journal's write lock for a while, by another process.
fn lock(parts: &Parts, pause: Duration) -> Result<()> {
    let script = "import sqlite3, sys, time\n\
                  db = sqlite3.connect(sys.argv[1], timeout=20)\n\
                  db.execute('BEGIN IMMEDIATE')\n\
                  time.sleep(float(sys.argv[2]))\n\
                  db.rollback()\n";
    let mut python = Command::new("python3");
    python.args(["-c", script]).arg(parts.journal().join("windlass.db"));
    python.arg(pause.as_secs_f32().to_string()).stderr(Stdio::null());
    // A journal that is busy by itself is as good.
    let _ = python.status()?;
    Ok(())
}
