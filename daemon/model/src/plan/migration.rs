//! Steps of a release's migration.

use super::Step;
use crate::job::Release;

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

#[cfg(test)]
mod tests;
