//! Objects of a version that runs beside the one that serves.

use super::{
    common::common, disruption_budget::disruption_budget, names::TRACKS, pull_secret::PullLogin,
    service, user_manifests, volume_claim, waves::wave, workload,
};
use serde_json::Value;
use std::collections::BTreeMap;
use windlass_model::{
    job::Release,
    runtime::{Aside, Process},
    secret::Secret,
};

/// Last wave of objects that pods need before they start.
const NEEDED: usize = 1;

/// Renders a release whose pods of `web` run beside those that serve: what these pods need, the pods in a fixed number,
/// their budget, and the Service that leads to them alone. `replicas` of `web` is the number of pods that serve.
pub(super) fn manifests(
    release: &Release,
    aside: Aside,
    secrets: Option<&BTreeMap<String, Secret>>,
    pull: Option<&PullLogin>,
    pod_security: Option<&str>,
) -> Vec<Value> {
    let mut all = common(release, secrets, pull, pod_security);
    if let Some(web) = release.runtime.web() {
        let web = Process { replicas: pods(aside, web.replicas), autoscale: None, ..web.clone() };
        // A hold may last for hours, in which nodes are drained.
        all.extend(disruption_budget(release, &web));
        all.extend(volume_claim::claims(release, &web));
        all.extend(service::preview(release, &web));
        all.push(workload::workload(release, &web, pull.is_some()));
    }
    let own = release.runtime.manifests.iter();
    let own = own.filter_map(|manifest| user_manifests::object(release, manifest));
    all.extend(own.filter(|object| wave(object) <= NEEDED));
    all.sort_by_key(wave);
    all
}

/// Returns the number of pods beside so many that serve. It is 0 only while nothing is to run yet.
fn pods(aside: Aside, serving: u32) -> u32 {
    if aside.percent == 0 {
        return 0;
    }
    let pods = (u64::from(aside.percent) * u64::from(serving)).div_ceil(100);
    u32::try_from(pods).unwrap_or(u32::MAX).max(1)
}

/// Renders the objects that a release with tracks may have on its way beside its own ones: their names and kinds are
/// checked with those before anything is built. Empty means that the release runs on one track.
pub(crate) fn beside(release: &Release) -> Vec<Value> {
    let Some(web) = release.runtime.web().filter(|_| release.runtime.strategy.has_tracks()) else {
        return Vec::new();
    };
    let tracks = TRACKS.into_iter().filter(|track| *track != release.track());
    let mut all: Vec<_> = tracks
        .flat_map(|track| {
            let mut other = release.clone();
            other.runtime.tracks = [(release.cluster().to_owned(), track)].into();
            let budget = disruption_budget(&other, web);
            budget.into_iter().chain([workload::workload(&other, web, false)])
        })
        .collect();
    all.extend(service::preview(release, web));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_model::runtime::Track;

    #[test]
    fn pods_are_rounded_up_and_at_least_one() {
        for (percent, serving, expected) in [
            (5, 1, 1),
            (5, 10, 1),
            (25, 10, 3),
            (50, 3, 2),
            (100, 10, 10),
            (6, 20, 2),
            (100, 0, 1),
            (0, 10, 0),
            (100, u32::MAX, u32::MAX),
        ] {
            let aside = Aside { from: Track::Plain, percent };
            assert_eq!(pods(aside, serving), expected, "{percent} % of {serving}");
        }
    }
}
