//! Runs a command in one pod of the release, for example to warm a cache. Operator and app configure the command.
//! Without a command there is nothing to do.

use windlass_plugin_sdk::{
    Action, ActionResult, Context, Error, HookStep, PodExec, deploy_hook,
    hook::{act, command, ended, fine},
};

fn start(context: Context) -> Result<HookStep, Error> {
    let configured = command(&context)?;
    let Some(command) = configured.command else { return Ok(fine("no command: nothing to do")) };
    let timeout_ms = configured.timeout_ms;
    let once = configured.once;
    let exec = PodExec { command, timeout_ms, once, attrs: Vec::new() };
    Ok(act(vec![Action::PodExec(exec)], Vec::new()))
}

fn resume(_: Context, _: Vec<u8>, results: Vec<ActionResult>) -> Result<HookStep, Error> {
    Ok(ended("the command", &results))
}

deploy_hook!(start: start, resume: resume);
