//! Processes that the repository declares: workers and schedules run as the spec's own do, and `release` goes to a
//! hook of the operator's.

use super::build_secrets::Note;
use crate::ports::Hooks;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use windlass_model::{
    app::App,
    hook::{Hook, HookPhase},
    recipe::{FoundProcess, ProcessKind, Recipe},
    spec::Spec,
};

/// Origin of what the repository's files decide.
const DETECTION: &str = "detection";

/// Keeps the processes that the spec can take, gives `release` to a hook, and returns warnings about the others.
pub(super) fn join(
    recipe: &mut Recipe,
    spec: &mut Spec,
    deciders: &mut BTreeMap<String, &'static str>,
    app: &App,
    hooks: &dyn Hooks,
) -> Vec<Note> {
    let mut notes = Vec::new();
    let mut kept = Vec::new();
    let mut whole = spec.clone();
    for process in std::mem::take(&mut recipe.processes) {
        match process.kind {
            ProcessKind::Web => kept.push(process),
            ProcessKind::Release => {
                match released(&process, spec, app, hooks) {
                    Ok(None) => {}
                    Ok(Some(hook)) => {
                        deciders.insert(format!("hooks.{hook}"), DETECTION);
                        recipe.evidence.push(format!(
                            "{}: `release` is run by the hook `{hook}`",
                            process.source
                        ));
                    }
                    Err(note) => notes.push(note),
                }
                kept.push(process);
            }
            ProcessKind::Worker | ProcessKind::Schedule => {
                match fitting(&process, &whole) {
                    Ok(None) => {}
                    Ok(Some(with)) => {
                        whole = with;
                        deciders.insert(format!("processes.{}.command", process.name), DETECTION);
                    }
                    Err(note) => {
                        notes.push(note);
                        continue;
                    }
                }
                kept.push(process);
            }
        }
    }
    recipe.processes = kept;
    notes
}

/// Returns the spec with a process. `None` means that the spec has a command of its own for it.
fn fitting(process: &FoundProcess, spec: &Spec) -> Result<Option<Spec>, Note> {
    let FoundProcess { name, command, kind, schedule, source } = process;
    let refused = |why: &str| {
        let message = format!("{source}: process `{name}` is not started: {why}");
        let fix = format!("add `[processes.{name}]` with `command = [...]` to windlass.toml");
        (message, fix)
    };
    if *kind == ProcessKind::Schedule && schedule.is_none() {
        return Err(refused("nothing says when it runs"));
    }
    let mut with = spec.clone();
    let requested = with.processes.entry(name.clone()).or_default();
    if !requested.command.is_empty() {
        return Ok(None);
    }
    requested.command.clone_from(command);
    if requested.schedule.is_none() {
        requested.schedule.clone_from(schedule);
    }
    match with.check() {
        Ok(()) => Ok(Some(with)),
        Err(error) => Err(refused(&error.to_string())),
    }
}

/// Gives a `release` process to the only hook before traffic that has no command yet, and returns the hook's name.
/// `None` means that a hook has a command of the app's own.
fn released(
    process: &FoundProcess,
    spec: &mut Spec,
    app: &App,
    hooks: &dyn Hooks,
) -> Result<Option<String>, Note> {
    let settings =
        |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
    let has_command = |text: &str| settings(text).contains_key("command");
    let mut before = hooks.of(app, &spec.hooks);
    before.retain(|hook| hook.phase == HookPhase::BeforeTraffic);
    if before.iter().any(|hook| has_command(&hook.app_settings)) {
        return Ok(None);
    }
    // One that only notifies runs nothing, whatever it is given.
    let free: Vec<&Hook> = before.iter().filter(|hook| hooks.takes_command(hook)).collect();
    let why = match &*free {
        [hook] => {
            let mut own = settings(&hook.app_settings);
            own.insert("command".into(), Value::from(process.command.clone()));
            spec.hooks.insert(hook.name.clone(), Value::Object(own).to_string());
            return Ok(Some(hook.name.clone()));
        }
        [] => "no hook of the operator's takes it".to_owned(),
        several => {
            let names: Vec<_> = several.iter().map(|hook| format!("`{}`", hook.name)).collect();
            format!("several hooks could take it: {}", names.join(", "))
        }
    };
    let message = format!("{}: `release` is not run: {why}", process.source);
    let fix = match free.first() {
        Some(hook) => format!(
            "add `[hooks.{}]` with `command = {}` to windlass.toml",
            hook.name,
            Value::from(process.command.clone())
        ),
        None => "ask the operator for a hook before traffic that runs a command".into(),
    };
    Err((message, fix))
}
