//! Questions to each kind of plugin, and checks of its answers. One file a kind.

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

/// A question to a guest, by one exported function.
pub(crate) trait Guest: Send + 'static {
    /// Name of the function, for errors.
    const CALL: &'static str;
    /// Stage whose log its lines belong to.
    const STAGE: Stage;
    /// The answer.
    type Output: Send + 'static;

    /// Puts what it lends into the call's table, and returns the call.
    fn into_call(self, state: &mut State) -> wasmtime::Result<Call>;

    /// Takes what the return names out of the table.
    fn output(state: &mut State, returned: Return) -> Result<Self::Output, OutputError>;
}

/// Reason why a return is no answer.
pub(crate) enum OutputError {
    /// The guest's own error, or a refusal of the host's.
    Error(types::Error),
    /// It is of another function: only a process that breaks the rules gives one.
    UnexpectedReply,
}

impl From<types::Error> for OutputError {
    fn from(error: types::Error) -> Self {
        Self::Error(error)
    }
}

/// Checks that a component exports what its manifest says that it is.
///
/// # Errors
/// Names the world.
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
