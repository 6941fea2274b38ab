//! Steps of a release's migration.

use super::Step;
use crate::job::Release;

/// Characters of a command that a step's text has.
const LONGEST: usize = 80;

/// Returns the steps by which a release's data is migrated in one cluster, in order. A rollback has none: that version
/// ran before, and data is never put back by itself.
pub(super) fn migration(next: &Release) -> Vec<Step> {
    let Some(migrate) = next.runtime.migrate.as_ref().filter(|_| !next.runtime.strategy.at_once)
    else {
        return Vec::new();
    };
    let step = |phase| Step::Migrate { release: Box::new(next.clone()), phase };
    migrate.phases().map(step).collect()
}

/// Returns the begin of a command in one line.
pub(super) fn brief(command: &str) -> String {
    let line = command.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", line.get(..at).unwrap_or_default()),
        None => line,
    }
}

#[cfg(test)]
mod tests;
