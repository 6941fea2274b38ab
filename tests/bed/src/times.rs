//! Durations of preparations, by the last run on this machine, or else by one on two cores with empty caches.

use crate::{Layout, Result};
use std::{fs, path::PathBuf, time::Duration};

/// Seconds on two cores with empty caches, all side by side, as measured by `fresh.sh`.
const FIRST: &[(&str, u64)] = &[
    ("Debian packages", 20),
    ("buildkit", 150),
    ("etcd", 40),
    ("kubernetes", 540),
    ("traefik", 600),
    ("gitea", 360),
    ("base images", 150),
    ("programs", 1200),
    ("workspace", 1500),
    ("plugins", 120),
    ("fuzz targets", 1800),
];

/// An estimate, and its origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Estimate {
    pub seconds: u64,
    /// The estimate is what this machine took the last time.
    pub measured: bool,
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.measured {
            write!(f, "took {} last time", spell(self.seconds))
        } else {
            write!(f, "about {} on two cores", spell(self.seconds))
        }
    }
}

/// Formats seconds for people.
#[must_use]
pub fn spell(seconds: u64) -> String {
    if seconds < 100 { format!("{seconds} s") } else { format!("{} min", (seconds + 30) / 60) }
}

/// Returns the estimate for `name`. A name that is in no table takes a minute.
#[must_use]
pub fn estimate(layout: &Layout, name: &str) -> Estimate {
    let last = fs::read_to_string(file(layout, name)).ok();
    if let Some(seconds) = last.and_then(|text| text.trim().parse().ok()) {
        return Estimate { seconds, measured: true };
    }
    let first = FIRST.iter().find(|(known, _)| *known == name);
    Estimate { seconds: first.map_or(60, |(_, seconds)| *seconds), measured: false }
}

/// Stores the duration of `name`, for the next estimate.
pub fn keep(layout: &Layout, name: &str, took: Duration) -> Result<()> {
    let file = file(layout, name);
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    Ok(fs::write(file, took.as_secs().to_string())?)
}

fn file(layout: &Layout, name: &str) -> PathBuf {
    layout.cache.join("seconds").join(name.replace(' ', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_asked_first_and_the_last_run_after_that() {
        let cache = std::env::temp_dir().join(format!("windlass-times-{}", std::process::id()));
        let layout = Layout { cache: cache.clone(), ..Layout::main() };
        let first = estimate(&layout, "kubernetes");
        assert!(!first.measured && first.seconds > 100);
        assert!(first.to_string().ends_with("on two cores"), "{first}");
        keep(&layout, "kubernetes", Duration::from_secs(42)).unwrap();
        assert_eq!(estimate(&layout, "kubernetes").to_string(), "took 42 s last time");
        fs::remove_dir_all(cache).unwrap();
    }
}
