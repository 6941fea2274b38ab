//! Migration of a release: commands of its image that change the app's data before the release gets requests.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Characters of a command that a step's text has.
const LONGEST: usize = 80;

/// Commands of a release's image that run as Jobs before the release gets requests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migrate {
    /// argv that prints what `expand` would do, and changes nothing. Empty means that nothing is printed.
    pub plan: Vec<String>,
    pub backup: Backup,
    /// argv that changes the data so that the old version and the new one can both work with it. Empty means that there
    /// is nothing to change before the release.
    pub expand: Vec<String>,
    /// argv that takes out of the data what only earlier versions work with. Empty means that nothing is taken out.
    pub contract: Vec<String>,
    /// Seconds for which the release serves before somebody is asked to approve `contract`.
    pub contract_after_seconds: u32,
    /// Name of a lock that releases in the same namespace hold in turns. `None` means that they wait for nobody.
    pub lock: Option<String>,
    /// `lock_timeout` of PostgreSQL, in milliseconds. 0 means that none is handed over.
    pub lock_timeout_ms: u32,
    /// `statement_timeout` of PostgreSQL, in seconds. 0 means that none is handed over.
    pub statement_timeout_seconds: u32,
    /// `expand` and `contract` are tried again after a lock timeout.
    pub retry_lock_timeouts: bool,
    /// Time limit of each command, in seconds.
    pub timeout_seconds: u32,
}

/// Source of the data as it was before a migration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backup {
    /// There is none.
    #[default]
    None,
    /// The database can be restored to any time: the time before the migration is recorded.
    PointInTime,
    /// argv that makes a backup.
    Command(Vec<String>),
}

/// Part of a migration. The parts come in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MigrationPhase {
    /// Prints what is going to be done.
    Plan,
    /// Makes a backup, or records the time.
    Backup,
    /// Changes the data.
    Expand,
    /// Takes out of the data what only earlier versions work with, in a job of its own.
    Contract,
}

impl Migrate {
    /// Returns the parts that come before requests do, in order.
    pub fn phases(&self) -> impl Iterator<Item = MigrationPhase> {
        let all = [
            (MigrationPhase::Plan, !self.plan.is_empty()),
            (MigrationPhase::Backup, self.backup != Backup::None && !self.expand.is_empty()),
            (MigrationPhase::Expand, !self.expand.is_empty()),
        ];
        all.into_iter().filter(|(_, is_there)| *is_there).map(|(phase, _)| phase)
    }

    /// Returns the parts of the job that takes out of the data what only earlier versions work with, in order. None means
    /// that there is nothing to take out.
    pub fn contract_phases(&self) -> impl Iterator<Item = MigrationPhase> {
        let all = [
            (MigrationPhase::Backup, self.backup != Backup::None),
            (MigrationPhase::Contract, true),
        ];
        let is_there = !self.contract.is_empty();
        all.into_iter().filter(move |(_, is_one)| is_there && *is_one).map(|(phase, _)| phase)
    }

    /// Returns the argv of a part. Empty means that nothing runs: the time is the backup, or there is no such part.
    #[must_use]
    pub fn command(&self, phase: MigrationPhase) -> &[String] {
        match (phase, &self.backup) {
            (MigrationPhase::Plan, _) => &self.plan,
            (MigrationPhase::Expand, _) => &self.expand,
            (MigrationPhase::Contract, _) => &self.contract,
            (MigrationPhase::Backup, Backup::Command(command)) => command,
            (MigrationPhase::Backup, Backup::None | Backup::PointInTime) => &[],
        }
    }

    /// Returns the options with which PostgreSQL's clients begin a session (`PGOPTIONS`). Empty means that none are handed
    /// over, as to a pooler that refuses them.
    #[must_use]
    pub fn options(&self) -> String {
        let all = [
            ("lock_timeout", u64::from(self.lock_timeout_ms)),
            ("statement_timeout", u64::from(self.statement_timeout_seconds) * 1000),
        ];
        let requested = all.into_iter().filter(|(_, ms)| *ms > 0);
        requested.map(|(name, ms)| format!("-c {name}={ms}")).collect::<Vec<_>>().join(" ")
    }
}

impl MigrationPhase {
    /// Returns the word in names of Jobs and in `windlass.toml`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Backup => "backup",
            Self::Expand => "expand",
            Self::Contract => "contract",
        }
    }

    /// Returns whether the part changes the data.
    #[must_use]
    pub fn changes_data(self) -> bool {
        match self {
            Self::Plan | Self::Backup => false,
            Self::Expand | Self::Contract => true,
        }
    }
}

impl fmt::Display for MigrationPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns the begin of a command in one line.
#[must_use]
pub(crate) fn brief(command: &str) -> String {
    let line = command.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(word: &str) -> Vec<String> {
        vec![word.to_owned()]
    }

    #[test]
    fn parts_come_in_one_order_and_only_where_they_are_requested() {
        let only = Migrate { expand: argv("up"), ..Migrate::default() };
        assert_eq!(only.phases().collect::<Vec<_>>(), [MigrationPhase::Expand]);
        let all = Migrate { plan: argv("show"), backup: Backup::PointInTime, ..only };
        let phases: Vec<_> = all.phases().collect();
        assert_eq!(phases, [MigrationPhase::Plan, MigrationPhase::Backup, MigrationPhase::Expand]);
        assert!(all.command(MigrationPhase::Backup).is_empty(), "nothing runs for it");
        let backup = Backup::Command(argv("dump"));
        let dumps = Migrate { backup, ..all };
        assert_eq!(dumps.command(MigrationPhase::Backup), ["dump"]);
        assert_eq!(dumps.contract_phases().count(), 0, "there is nothing to take out");
        let contracts = Migrate { contract: argv("drop"), ..dumps };
        let phases: Vec<_> = contracts.contract_phases().collect();
        assert_eq!(phases, [MigrationPhase::Backup, MigrationPhase::Contract]);
        assert_eq!(contracts.phases().count(), 3, "it comes in a job of its own");
        // A release that changes nothing itself needs no backup before requests come to it.
        let later = Migrate { plan: Vec::new(), expand: Vec::new(), ..contracts };
        assert_eq!(later.phases().count(), 0);
        assert_eq!(later.contract_phases().count(), 2);
    }

    #[test]
    fn both_timeouts_are_in_milliseconds() {
        let migrate =
            Migrate { lock_timeout_ms: 5000, statement_timeout_seconds: 600, ..Migrate::default() };
        assert_eq!(migrate.options(), "-c lock_timeout=5000 -c statement_timeout=600000");
    }

    #[test]
    fn a_timeout_of_zero_is_not_handed_over() {
        let both = |lock_timeout_ms, statement_timeout_seconds| Migrate {
            lock_timeout_ms,
            statement_timeout_seconds,
            ..Migrate::default()
        };
        assert_eq!(both(300, 0).options(), "-c lock_timeout=300");
        assert_eq!(both(0, 7).options(), "-c statement_timeout=7000");
        assert_eq!(both(0, 0).options(), "");
    }

    #[test]
    fn a_script_is_one_line_and_not_a_long_one() {
        assert_eq!(brief("sh -c set -e\n  ./manage migrate\n"), "sh -c set -e ./manage migrate");
        let long = brief(&"é".repeat(200));
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with('…'), "{long}");
    }
}
