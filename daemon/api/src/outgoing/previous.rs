//! Releases that a plan's rollback leads to.

use windlass_model::{
    job::Release,
    plan::{Change, Step},
};

/// Returns the releases that steps of a rollback make serve again, each once, with all its clusters.
pub(crate) fn previous(rollback: &[Step]) -> Vec<Release> {
    let mut found = Vec::new();
    gather(rollback, &mut found);
    found
}

fn gather(steps: &[Step], found: &mut Vec<Release>) {
    for step in steps {
        match step {
            Step::Change(Change::Restore(release) | Change::SwitchBack(release)) => {
                add(release, found);
            }
            Step::Parallel(steps) | Step::Sequence(steps) => gather(steps, found),
            _ => {}
        }
    }
}

fn add(release: &Release, found: &mut Vec<Release>) {
    let Some(known) = found.iter_mut().find(|known| known.id == release.id) else {
        return found.push(release.clone());
    };
    for cluster in &release.clusters {
        if !known.clusters.contains(cluster) {
            known.clusters.push(cluster.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::samples::release;

    #[test]
    fn each_release_is_named_once_with_its_clusters() {
        let at = |id: &str, cluster: &str| Box::new(release().again(id, &[cluster.to_owned()]));
        let restore = |id, cluster| Step::Change(Change::Restore(at(id, cluster)));
        let rollback = [
            Step::Change(Change::ScaleToZero(at("2", "ap"))),
            Step::Parallel(vec![
                Step::Sequence(vec![
                    restore("1", "eu"),
                    Step::Change(Change::Prune(at("1", "eu"))),
                ]),
                restore("0", "us"),
                Step::Change(Change::SwitchBack(at("1", "gb"))),
            ]),
        ];
        let found = previous(&rollback);
        let found: Vec<_> = found.iter().map(|one| (&*one.id, one.clusters.join(","))).collect();
        assert_eq!(found, [("1", "eu,gb".to_owned()), ("0", "us".to_owned())]);
        assert!(previous(&[]).is_empty());
    }
}
