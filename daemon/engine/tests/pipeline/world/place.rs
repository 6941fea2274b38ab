//! Fake of one cluster: pods of `web` by track, and who gets requests.

use std::collections::BTreeMap;
use windlass_model::{
    job::Release,
    plan::Change,
    runtime::{Aside, StrategyKind, Track},
};

/// One cluster of a world.
#[derive(Default)]
pub(super) struct Place {
    /// Release that was applied whole last.
    whole: Option<Release>,
    /// Pods by track.
    pods: BTreeMap<Track, Pods>,
    /// Percentages of requests by track. Empty means that nothing serves.
    shares: BTreeMap<Track, u32>,
}

/// Pods of one version.
struct Pods {
    release: Release,
    is_ready: bool,
}

/// Effects of a change.
#[derive(Default)]
pub(super) struct Effects {
    /// The last change: `new`, `25 % to new`, `new after a gap`. `None` means nothing.
    pub(super) changed: Option<String>,
    /// Invariants that the change broke.
    pub(super) violations: Vec<String>,
}

impl Place {
    /// Runs a release whose pods are ready.
    pub(super) fn run(&mut self, release: &Release) {
        self.pods.insert(release.track(), Pods { release: release.clone(), is_ready: true });
        self.shares = BTreeMap::from([(release.track(), 100)]);
        self.whole = Some(release.clone());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pods.is_empty()
    }

    /// Returns the release whose pods are on a track.
    pub(super) fn on(&self, track: Track) -> Option<&Release> {
        self.pods.get(&track).map(|pods| &pods.release)
    }

    /// Returns the tracks that have pods.
    pub(super) fn tracks(&self) -> Vec<Track> {
        self.pods.keys().copied().collect()
    }

    /// Returns the digest that users get; of two versions both. `None` means that nothing serves.
    pub(super) fn digest(&self) -> Option<String> {
        let digest = |track: &Track| Some(self.on(*track)?.image.digest.clone());
        let digests: Vec<_> = self.shares.keys().filter_map(digest).collect();
        (!digests.is_empty()).then(|| digests.join("+"))
    }

    /// Makes a change. `comes_up` says whether pods of the change's release get ready.
    pub(super) fn make(&mut self, change: &Change, comes_up: bool) -> Effects {
        match change {
            Change::Prepare(_) | Change::Unblock(_) => Effects::default(),
            Change::Apply(release) => match release.runtime.aside {
                Some(aside) => self.start_beside(release, aside, comes_up),
                None => self.whole(release, comes_up),
            },
            Change::Restore(release) | Change::SwitchBack(release) => {
                self.restore(release, comes_up)
            }
            Change::Shift { release, from, weight } => self.shift(release, *from, *weight),
            Change::Prune(release) => self.prune(release),
            Change::ScaleToZero(_) | Change::Remove { .. } => {
                let changed = (!self.is_empty()).then(|| "none".to_owned());
                *self = Self::default();
                Effects { changed, ..Effects::default() }
            }
        }
    }

    fn start_beside(&mut self, release: &Release, aside: Aside, comes_up: bool) -> Effects {
        let track = release.track();
        let digest = &release.image.digest;
        let mut violations = Vec::new();
        if track == aside.from || aside.percent == 0 {
            violations.push(format!("{digest} is no release beside another: {aside:?}"));
        }
        if !self.pods.contains_key(&aside.from) {
            violations
                .push(format!("nothing is on {:?}, beside which {digest} starts", aside.from));
        }
        let before = self.pods.get(&track);
        if self.shares.contains_key(&track)
            && before.is_some_and(|pods| pods.release.id != release.id)
        {
            violations.push(format!("pods that get requests are replaced by {digest}"));
        }
        let was_ready = before.is_some_and(|pods| pods.is_ready && pods.release.id == release.id);
        let is_same = before.is_some_and(|pods| pods.release == *release);
        let changed = (!is_same).then(|| format!("{digest} beside, {} %", aside.percent));
        let pods = Pods { release: release.clone(), is_ready: was_ready || comes_up };
        self.pods.insert(track, pods);
        Effects { changed, violations }
    }

    /// Rolls a release out on its track, and leads all requests there. Old pods of the track end as new ones are ready,
    /// or before new ones start: then there is a gap, and it breaks no invariant.
    fn whole(&mut self, release: &Release, comes_up: bool) -> Effects {
        let track = release.track();
        let digest = &release.image.digest;
        let before = self.pods.get(&track);
        let recreates = release.runtime.strategy.kind == StrategyKind::Recreate;
        let is_gap = recreates && before.is_some_and(|pods| pods.release.id != release.id);
        let was_ready = !is_gap && before.is_some_and(|pods| pods.is_ready);
        let pods = Pods { release: release.clone(), is_ready: was_ready || comes_up };
        let mut violations = Vec::new();
        if !self.shares.is_empty() && !pods.is_ready && !recreates {
            violations.push(format!("{digest} gets requests and is not ready"));
        }
        let shares = BTreeMap::from([(track, 100)]);
        let is_same = self.whole.as_ref() == Some(release) && self.shares == shares;
        self.pods.insert(track, pods);
        (self.shares, self.whole) = (shares, Some(release.clone()));
        let what = if is_gap { format!("{digest} after a gap") } else { digest.clone() };
        Effects { changed: (!is_same).then_some(what), violations }
    }

    /// Runs the release of before again. Requests are led back at once, also where its pods are gone.
    fn restore(&mut self, release: &Release, comes_up: bool) -> Effects {
        let is_gone = !self.shares.is_empty() && !self.pods.contains_key(&release.track());
        let mut effects = self.whole(release, comes_up);
        if is_gone {
            let digest = &release.image.digest;
            effects
                .violations
                .push(format!("requests are led back to {digest}, which has no pods"));
        }
        effects
    }

    fn shift(&mut self, release: &Release, from: Track, weight: u32) -> Effects {
        let all = [(from, 100 - weight), (release.track(), weight)];
        let shares: BTreeMap<_, _> = all.into_iter().filter(|(_, share)| *share > 0).collect();
        let is_ready = |track: &&Track| self.pods.get(track).is_some_and(|pods| pods.is_ready);
        let unready: Vec<_> = shares.keys().filter(|track| !is_ready(track)).collect();
        let violations = unready
            .iter()
            .map(|track| format!("{track:?} gets requests and is not ready"))
            .collect();
        let changed =
            (self.shares != shares).then(|| format!("{weight} % to {}", release.image.digest));
        self.shares = shares;
        Effects { changed, violations }
    }

    fn prune(&mut self, release: &Release) -> Effects {
        let others: Vec<_> =
            self.tracks().into_iter().filter(|track| *track != release.track()).collect();
        let mut violations = Vec::new();
        for track in others {
            if self.shares.contains_key(&track) {
                violations.push(format!("pods on {track:?}, which get requests, were deleted"));
            }
            self.pods.remove(&track);
        }
        Effects { changed: None, violations }
    }
}
