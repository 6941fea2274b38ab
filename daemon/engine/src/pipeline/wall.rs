//! The wall between projects, as far as a release could reach through it: reserved names, hosts, annotations.
//!
//! Commits are checked before they are built. Every release is checked again when it is planned: the one that a
//! rollback leads to was made under other rules, and hosts may have been taken meanwhile.

use crate::{failure::Cause, journal::JournalLost, ports::Ports};
use windlass_model::{
    job::Release,
    manifest,
    reserved::{self, is_config_map, is_secret},
    runtime::VolumeSource,
    spec::SpecError,
};

/// Checks that a release takes nothing of Windlass's own, of the operator, or of another project.
pub(super) async fn check(release: &Release, ports: &Ports) -> Result<(), Cause> {
    reserved_names(release)?;
    ports.exposure.check(release)?;
    let mut others = Vec::new();
    for text in ports.exposure.searches(release) {
        let serving = ports.releases.serving(&text).await;
        others.extend(serving.map_err(JournalLost::from)?);
    }
    Ok(ports.exposure.compare(release, &others)?)
}

fn reserved_names(release: &Release) -> Result<(), SpecError> {
    let runtime = &release.runtime;
    let fail = |field: String, value: &str, problem: &str| {
        Err(SpecError { field, value: value.into(), problem: problem.into() })
    };
    for process in &runtime.processes {
        for (name, volume) in &process.volumes {
            let field = |part: &str| format!("processes.{}.volumes.{name}.{part}", process.name);
            match &volume.source {
                VolumeSource::Secret(secret) if is_secret(secret) => {
                    return fail(field("secret"), secret, reserved::SECRET);
                }
                VolumeSource::ConfigMap(map) if is_config_map(map) => {
                    return fail(field("config-map"), map, reserved::CONFIG_MAP);
                }
                _ => {}
            }
        }
    }
    if let Some(name) = runtime.pull_secrets.iter().find(|name| is_secret(name)) {
        return fail("pull-secrets".into(), name, reserved::SECRET);
    }
    runtime.manifests.iter().try_for_each(manifest::check)
}
