//! Calls of each kind of plugin, and checks of the answers. One file a kind.

pub(crate) mod deploy_hook;
pub(crate) mod detector;
pub(crate) mod invoke;
pub(crate) mod registry_auth;
pub(crate) mod test_runner;

use crate::{
    bindings::{
        deploy_hook::DeployHookPluginPre, detector::DetectorPluginPre,
        registry_auth::RegistryAuthPluginPre, test_runner::TestRunnerPluginPre, types,
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

/// Checks that a component exports the world that its manifest names. The error names the world.
pub(crate) fn check(kind: Kind, pre: &InstancePre<State>) -> Result<(), String> {
    let checked = match kind {
        Kind::Detector => DetectorPluginPre::new(pre.clone()).map(drop),
        Kind::TestRunner => TestRunnerPluginPre::new(pre.clone()).map(drop),
        Kind::RegistryAuth => RegistryAuthPluginPre::new(pre.clone()).map(drop),
        Kind::DeployHook => DeployHookPluginPre::new(pre.clone()).map(drop),
    };
    let component = pre.component().component_type();
    for (name, _) in component.imports(pre.engine()) {
        let ours = name.strip_prefix("windlass:plugin/").and_then(|rest| rest.split('@').next());
        if let Some(interface) = ours.filter(|interface| !imports(kind).contains(interface)) {
            let world = kind.name();
            return Err(format!("it imports `{interface}`, which a {world} has no use for"));
        }
    }
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
