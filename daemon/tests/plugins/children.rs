//! Children that run and compile plugins, whose daemon is killed: they end with it.

use crate::{
    component::{component, detector, manifest},
    guests::bomb,
};
use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};
use windlass_bed::process::{await_that, children_of, computed, has_ended, sh};

/// Longest wait for what takes a second, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Loads a plugin by `windlassd check`, kills that while the child in this role computes, and waits for the child's
/// end.
fn killed_while(role: &str, plugin: &[u8], limits: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.wasm");
    fs::write(&path, plugin).unwrap();
    let config = folder.path().join("windlassd.toml");
    let text = format!(
        "data = \"{}\"\nregistry = \"registry.invalid\"\n[builder]\naddress = \"unix:///nowhere.sock\"\n\
         [[plugins]]\npath = \"{}\"\nisolation = \"process\"\nlimits = {limits}\n",
        folder.path().join("data").display(),
        path.display()
    );
    fs::write(&config, text).unwrap();
    let mut daemon = Command::new(env!("CARGO_BIN_EXE_windlassd"))
        .arg("--config")
        .arg(&config)
        .arg("check")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = None;
    let busy = await_that(PATIENCE, || {
        let found = children_of(daemon.id(), role);
        child = found.into_iter().find(|id| computed(*id) > 20);
        child.is_some() || has_ended(daemon.id())
    });
    daemon.kill().unwrap();
    let output = daemon.wait_with_output().unwrap();
    let child = child.unwrap_or_else(|| panic!("no {role} computes ({busy}): {output:?}"));
    let has_ended = await_that(PATIENCE, || has_ended(child));
    if !has_ended {
        let _ = sh(&format!("kill -9 {child}"));
    }
    assert!(has_ended, "{role} outlives its daemon");
}

#[test]
fn a_plugin_that_computes_in_its_process_ends_with_a_killed_daemon() {
    let spin = detector("", "(loop $again (br $again)) (i32.const 0)");
    let test = "[[self-test]]\nfiles.\"x\" = \"\"\nexpect.language = \"none\"\n";
    let plugin = component(&spin, &format!("{}{test}", manifest("spins")));
    killed_while("plugin-worker", &plugin, "{ cpu-ms = 120000, wall-ms = 120000 }");
}

#[test]
fn a_compiler_ends_with_a_killed_daemon() {
    let plugin = component(&bomb(), &manifest("bomb"));
    killed_while("compile-plugin", &plugin, "{ compile-ms = 120000 }");
}
