//! Calls of each kind of plugin, and checks of the answers. One file a kind.

pub(crate) mod deploy_hook;
pub(crate) mod detector;
pub(crate) mod invoke;
pub(crate) mod registry_auth;
pub(crate) mod test_runner;
mod track;
mod upgrade;

use crate::{
    bindings::{
        deploy_hook::DeployHookPluginPre, detector::DetectorPluginPre,
        detector_next::DetectorPluginPre as NextDetectorPre, registry_auth::RegistryAuthPluginPre,
        test_runner::TestRunnerPluginPre,
        test_runner_next::TestRunnerPluginPre as NextTestRunnerPre, types,
    },
    host::State,
    manifest::Kind,
};
use invoke::{Call, Return};
use track::{Track, exports, track, tracks};
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

/// Checks that a component exports the world that its manifest names. The error names the world.
pub(crate) fn check(kind: Kind, pre: &InstancePre<State>) -> Result<(), String> {
    let newest = track(kind, pre)?;
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
        if is_of_world.is_none_or(|track| !exports(kind, *track, pre)) {
            return Err(format!(
                "it imports `{interface}` of windlass:plugin {version}, and exports its world `{world}` of another track: build it with one SDK"
            ));
        }
    }
    let checked = match (kind, newest) {
        (Kind::Detector, Track::V1) => DetectorPluginPre::new(pre.clone()).map(drop),
        (Kind::Detector, Track::V2) => NextDetectorPre::new(pre.clone()).map(drop),
        (Kind::TestRunner, Track::V1) => TestRunnerPluginPre::new(pre.clone()).map(drop),
        (Kind::TestRunner, Track::V2) => NextTestRunnerPre::new(pre.clone()).map(drop),
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
