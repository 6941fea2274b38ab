//! Calls of each kind of plugin, and checks of the answers. One file a kind.

pub(crate) mod deploy_hook;
pub(crate) mod detector;
pub(crate) mod invoke;
pub(crate) mod registry_auth;
pub(crate) mod test_runner;
mod upgrade;

use crate::{
    bindings::{
        deploy_hook::DeployHookPluginPre, detector, detector_next,
        registry_auth::RegistryAuthPluginPre, test_runner, test_runner_next, types,
    },
    host::State,
    manifest::Kind,
};
use invoke::{Call, Return};
use wasmtime::component::InstancePre;
use windlass_model::job::Stage;

/// A call of one exported function of a guest.
pub(crate) trait Guest: Send + 'static {
    /// Name of the function, for errors.
    const CALL: &'static str;
    /// Stage whose log the guest's lines belong to.
    const STAGE: Stage;
    type Output: Send + 'static;

    /// Puts lent resources into the call's table, and returns the call.
    fn into_call(self, state: &mut State) -> wasmtime::Result<Call>;

    /// Takes the resources that the return names out of the table.
    fn output(state: &mut State, returned: Return) -> Result<Self::Output, OutputError>;
}

/// Reason why a return is no answer.
pub(crate) enum OutputError {
    /// The guest's own error, or a refusal of the host's.
    Error(types::Error),
    /// The return is of another function. Only a process that breaks the rules sends one.
    UnexpectedReply,
}

impl From<types::Error> for OutputError {
    fn from(error: types::Error) -> Self {
        Self::Error(error)
    }
}

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
    fn versions(self) -> &'static str {
        match self {
            Self::V1 => "0.1.",
            Self::V2 => "0.2.",
        }
    }
}

/// Returns the tracks of a kind's world that this daemon runs, the newest first.
fn tracks(kind: Kind) -> &'static [Track] {
    match kind {
        Kind::Detector | Kind::TestRunner => &[Track::V2, Track::V1],
        Kind::RegistryAuth | Kind::DeployHook => &[Track::V1],
    }
}

/// Returns whether a component exports the kind's world of a track.
fn exports<T: 'static>(kind: Kind, track: Track, pre: &InstancePre<T>) -> bool {
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
            "its manifest says that its world is `{name}`, and it exports none of: {}",
            wanted.collect::<Vec<_>>().join(", ")
        )
    })
}

/// Checks that a component exports the world that its manifest names. The error names the world.
pub(crate) fn check(kind: Kind, pre: &InstancePre<State>) -> Result<(), String> {
    let component = pre.component().component_type();
    for (name, _) in component.imports(pre.engine()) {
        let ours = name.strip_prefix("windlass:plugin/").and_then(|rest| rest.split_once('@'));
        let Some((interface, version)) = ours else { continue };
        let world = kind.name();
        if !imports(kind).contains(&interface) {
            return Err(format!("it imports `{interface}`, which a {world} has no use for"));
        }
        let of_world = |track: &&Track| version.starts_with(track.versions());
        let is_of_world = tracks(kind).iter().find(of_world);
        if !is_of_world.is_some_and(|track| exports(kind, *track, pre)) {
            return Err(format!(
                "it imports `{interface}` of windlass:plugin {version}, and exports its world `{world}` of another track, or none: build it with one SDK"
            ));
        }
    }
    let checked = match (kind, track(kind, pre)?) {
        (Kind::Detector, Track::V1) => detector::DetectorPluginPre::new(pre.clone()).map(drop),
        (Kind::Detector, Track::V2) => detector_next::DetectorPluginPre::new(pre.clone()).map(drop),
        (Kind::TestRunner, Track::V1) => {
            test_runner::TestRunnerPluginPre::new(pre.clone()).map(drop)
        }
        (Kind::TestRunner, Track::V2) => {
            test_runner_next::TestRunnerPluginPre::new(pre.clone()).map(drop)
        }
        (Kind::RegistryAuth, _) => RegistryAuthPluginPre::new(pre.clone()).map(drop),
        (Kind::DeployHook, _) => DeployHookPluginPre::new(pre.clone()).map(drop),
    };
    checked.map_err(|error| {
        format!(
            "its manifest says that its world is `{}`, and it does not export that: {error:#}",
            kind.name()
        )
    })
}

/// Returns the imports of the kind's world. The linker holds more: all worlds share it.
fn imports(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Detector | Kind::TestRunner => &["types", "log", "config", "clock", "workspace"],
        Kind::RegistryAuth | Kind::DeployHook => {
            &["types", "log", "config", "clock", "secrets", "http"]
        }
    }
}
