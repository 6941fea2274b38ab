//! What each kind of plugin is asked, and how its answers are checked. One file a kind.

use crate::{
    bindings::{
        deploy_hook::DeployHookPluginPre, detector::DetectorPluginPre,
        registry_auth::RegistryAuthPluginPre, test_runner::TestRunnerPluginPre,
    },
    manifest::Kind,
    state::State,
};
use wasmtime::component::InstancePre;

pub(crate) mod deploy_hook;
pub(crate) mod detector;
pub(crate) mod registry_auth;
pub(crate) mod test_runner;

/// That a component exports what its manifest says that it is.
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

/// What the kind's world imports. The linker holds more: all worlds share it.
fn imports(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Detector | Kind::TestRunner => &["types", "log", "config", "clock", "workspace"],
        Kind::RegistryAuth | Kind::DeployHook => {
            &["types", "log", "config", "clock", "secrets", "http"]
        }
    }
}
