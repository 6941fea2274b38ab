//! Figures of the daemon's process and of its folder, which must not grow.

use super::parts::Parts;
use std::{
    fmt, fs,
    path::Path,
    thread::sleep,
    time::{Duration, Instant},
};
use windlass_bed::Result;

/// Longest time until the daemon is calm.
const CALM: Duration = Duration::from_secs(120);

/// Processes of plugins that wait for the next call: four of each of the six plugins (`plugin-host`, `IDLE`).
const IDLE: u64 = 24;

/// Figures at one instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Vitals {
    /// Resident memory in MiB.
    memory: u64,
    descriptors: usize,
    threads: usize,
    /// Processes that the daemon started.
    children: usize,
    /// Files in workspaces and contexts.
    files: usize,
}

impl Vitals {
    pub(crate) fn now(parts: &Parts) -> Result<Self> {
        let id = parts.daemon.id().ok_or("the daemon does not run")?;
        let process = format!("/proc/{id}");
        let status = fs::read_to_string(format!("{process}/status"))?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.ok_or("no VmRSS")?.trim().trim_end_matches(" kB").parse::<u64>()? >> 10;
        let entries = |path: &Path| fs::read_dir(path).map_or(0, Iterator::count);
        let mut children = 0;
        for task in fs::read_dir(format!("{process}/task"))?.flatten() {
            let text = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            children += text.split_whitespace().count();
        }
        let data = parts.daemon.data();
        let files = entries(&data.join("workspaces")) + entries(&data.join("contexts"));
        Ok(Self {
            memory,
            descriptors: entries(Path::new(&format!("{process}/fd"))),
            threads: entries(Path::new(&format!("{process}/task"))),
            children,
            files,
        })
    }

    /// Returns the figures once threads and descriptors have not changed for ten seconds: the runtime's threads end
    /// after a pause, and connections are kept for one.
    pub(crate) fn when_calm(parts: &Parts) -> Result<Self> {
        let began = Instant::now();
        let mut last = Self::now(parts)?;
        loop {
            sleep(Duration::from_secs(10));
            let now = Self::now(parts)?;
            let is_calm = now.descriptors >= last.descriptors && now.threads >= last.threads;
            if is_calm || began.elapsed() > CALM {
                return Ok(now);
            }
            last = now;
        }
    }

    /// Returns the larger of each figure.
    pub(crate) fn max(&self, other: &Self) -> Self {
        Self {
            memory: self.memory.max(other.memory),
            descriptors: self.descriptors.max(other.descriptors),
            threads: self.threads.max(other.threads),
            children: self.children.max(other.children),
            files: self.files.max(other.files),
        }
    }

    /// Returns the figures that have grown by more than chance explains.
    pub(crate) fn grown_since(&self, earlier: &Self) -> Vec<String> {
        let mut grown = Vec::new();
        let mut compare = |name: &str, now: u64, before: u64, allowed: u64| {
            if now > before + allowed {
                grown.push(format!("{name}: {now} at the end, {before} at the beginning"));
            }
        };
        let count = |of: usize| u64::try_from(of).unwrap_or(u64::MAX);
        compare("memory in MiB", self.memory, earlier.memory, earlier.memory / 2 + 16);
        compare("descriptors", count(self.descriptors), count(earlier.descriptors), 16);
        compare("threads", count(self.threads), count(earlier.threads), 16);
        compare("children", count(self.children), count(earlier.children), IDLE);
        compare("files of jobs", count(self.files), count(earlier.files), 0);
        grown
    }
}

impl fmt::Display for Vitals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} MiB, {} descriptors, {} threads, {} children, {} files of jobs",
            self.memory, self.descriptors, self.threads, self.children, self.files
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_beyond_chance_is_named() {
        let earlier = Vitals { memory: 40, descriptors: 30, threads: 10, children: 0, files: 0 };
        assert_eq!(earlier.grown_since(&earlier), Vec::<String>::new());
        let later = Vitals { memory: 90, files: 1, ..earlier.clone() };
        let grown = later.grown_since(&earlier);
        assert_eq!(grown.len(), 2, "{grown:?}");
        assert!(grown.iter().any(|line| line.starts_with("files of jobs: 1 at the end, 0")));
    }
}
