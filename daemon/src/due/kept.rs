//! The decision which releases of an app are kept.

use std::collections::BTreeMap;
use windlass_model::job::Release;

/// Releases that are kept by default.
pub(super) const KEPT: usize = 10;

/// Releases that run the same as a kept one are kept too, among this many times the newest ones.
const REPEATS: usize = 10;

/// Releases of an app that are kept, looked at from the newest to the oldest.
pub(super) struct Kept {
    /// Number of releases that are kept, distinct by what they run.
    most: usize,
    /// Number of releases that were looked at.
    seen: usize,
    distinct: Vec<Release>,
    /// Release that serves in each cluster, and whether the one before it there was seen.
    clusters: BTreeMap<String, (Release, bool)>,
}

impl Kept {
    pub(super) fn new(most: usize) -> Self {
        Self { most, seen: 0, distinct: Vec::new(), clusters: BTreeMap::new() }
    }

    /// Returns whether the next older release is kept.
    pub(super) fn keeps(&mut self, release: &Release) -> bool {
        self.seen = self.seen.saturating_add(1);
        let is_needed = self.is_needed(release);
        if self.distinct.iter().any(|newer| newer.runs_as(release)) {
            return is_needed || self.seen <= self.most.saturating_mul(REPEATS);
        }
        if self.distinct.len() < self.most {
            self.distinct.push(release.clone());
            return true;
        }
        is_needed
    }

    /// Returns whether a release serves in one of its clusters, or is the one before it: `windlass rollback` leads there.
    fn is_needed(&mut self, release: &Release) -> bool {
        let mut is_needed = false;
        for there in release.each() {
            match self.clusters.get_mut(there.cluster()) {
                None => {
                    self.clusters.insert(there.cluster().to_owned(), (there, false));
                    is_needed = true;
                }
                Some((serving, has_before)) if !*has_before && !serving.runs_as(&there) => {
                    *has_before = true;
                    is_needed = true;
                }
                Some(_) => {}
            }
        }
        is_needed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::{runtime::Track, samples::release};

    fn of(id: u32, image: &str, clusters: &[&str]) -> Release {
        let names: Vec<_> = clusters.iter().map(ToString::to_string).collect();
        let mut release = release().again(&format!("{id:04}"), &names);
        release.image.digest = format!("sha256:{image}");
        release
    }

    /// Returns the ids of those that are kept of releases, the newest first.
    fn kept(most: usize, releases: &[Release]) -> Vec<String> {
        let mut kept = Kept::new(most);
        let newest_first = releases.iter().rev().filter(|release| kept.keeps(release));
        newest_first.map(|release| release.id.clone()).collect()
    }

    #[test]
    fn the_newest_that_differ_are_kept() {
        let all: Vec<_> = (1..=5).map(|id| of(id, &id.to_string(), &["eu"])).collect();
        assert_eq!(kept(3, &all), ["0005", "0004", "0003"]);
        assert_eq!(kept(9, &all).len(), 5);
    }

    /// A rollback makes a release that runs what an earlier one did.
    #[test]
    fn those_that_run_the_same_count_once() {
        let mut all: Vec<_> = (1..=3).map(|id| of(id, &id.to_string(), &["eu"])).collect();
        let mut back = of(4, "2", &["eu"]);
        back.runtime.tracks = [("eu".to_owned(), Track::Blue)].into();
        all.push(back);
        assert_eq!(kept(3, &all), ["0004", "0003", "0002", "0001"]);
        assert_eq!(kept(2, &all), ["0004", "0003", "0002"]);
        // Another configuration is another release.
        let mut other = of(5, "2", &["eu"]);
        other.runtime.env = [("A".to_owned(), "1".to_owned())].into();
        all.push(other);
        assert_eq!(kept(2, &all), ["0005", "0004", "0002"]);
    }

    #[test]
    fn what_is_released_again_and_again_does_not_pile_up_or_push_others_out() {
        let mut all = vec![of(1, "a", &["eu"]), of(2, "b", &["eu"])];
        all.extend((3..=100).map(|id| of(id, "c", &["eu"])));
        let kept = kept(2, &all);
        assert_eq!(kept.len(), 21, "twenty repeats, and the one before: {kept:?}");
        assert_eq!(kept.last().unwrap(), "0002");
    }

    #[test]
    fn what_serves_in_a_cluster_is_kept_with_the_one_before_it() {
        let mut all = vec![of(1, "a", &["us"]), of(2, "b", &["us"]), of(3, "c", &["us"])];
        all.extend((4..=9).map(|id| of(id, &id.to_string(), &["eu"])));
        assert_eq!(kept(2, &all), ["0009", "0008", "0003", "0002"]);
    }
}
