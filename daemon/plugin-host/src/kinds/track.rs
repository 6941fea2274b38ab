//! Tracks of the WIT: versions of its package that do not fit each other. A component is of one of them.

use crate::manifest::Kind;
use wasmtime::component::InstancePre;

/// Track of the WIT that a component was built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Track {
    /// 0.1.0.
    V1,
    /// 0.2.0.
    V2,
}

impl Track {
    /// Start of the versions of the track. Versions of one track fit each other, in both directions.
    pub(super) fn versions(self) -> &'static str {
        match self {
            Self::V1 => "0.1.",
            Self::V2 => "0.2.",
        }
    }
}

/// Returns the tracks of a kind's world that this daemon runs, the newest first.
pub(super) fn tracks(kind: Kind) -> &'static [Track] {
    match kind {
        Kind::Detector | Kind::TestRunner => &[Track::V2, Track::V1],
        Kind::RegistryAuth | Kind::DeployHook => &[Track::V1],
    }
}

/// Returns whether a component exports the kind's world of a track.
pub(super) fn exports<T: 'static>(kind: Kind, track: Track, pre: &InstancePre<T>) -> bool {
    let start = format!("windlass:plugin/{}@{}", kind.name(), track.versions());
    let component = pre.component().component_type();
    component.exports(pre.engine()).any(|(name, _)| name.starts_with(&start))
}

/// Returns the track of a component: the newest of those that it exports. The error lists all.
pub(crate) fn track<T: 'static>(kind: Kind, pre: &InstancePre<T>) -> Result<Track, String> {
    let all = tracks(kind);
    all.iter().copied().find(|track| exports(kind, *track, pre)).ok_or_else(|| {
        let name = kind.name();
        let wanted =
            all.iter().map(|track| format!("windlass:plugin/{name}@{}x", track.versions()));
        format!(
            "its manifest says that its world is `{name}`, and it does not export that: it has none of {}",
            wanted.collect::<Vec<_>>().join(", ")
        )
    })
}
