//! Steps of a release's migration.

use super::{Plan, Step};
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

/// Plans to take out of the data of a release that serves what only earlier ones work with, in one cluster after the
/// other. Nothing leads back: the data is gone.
#[must_use]
pub fn contracting(release: &Release) -> Plan {
    let mut forward = Vec::new();
    for placed in release.each() {
        let Some(migrate) = &placed.runtime.migrate else { continue };
        let step = |phase| Step::Migrate { release: Box::new(placed.clone()), phase };
        forward.extend(migrate.contract_phases().map(step));
    }
    Plan { forward, rollback: Vec::new(), release: release.clone() }
}

#[cfg(test)]
mod tests;
