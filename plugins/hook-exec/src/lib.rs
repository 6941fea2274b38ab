//! Runs a command in one pod of the release, such as warming a cache. Operator and app say which; no
//! command is nothing to do.

use windlass_plugin_sdk::{
    Action, ActionResult, Context, Error, HookStep, PodExec, deploy_hook,
    hook::{act, ended, fine, words},
};

fn start(context: Context) -> Result<HookStep, Error> {
    let words = words(&context)?;
    let Some(command) = words.command else { return Ok(fine("no command: nothing to do")) };
    let timeout_ms = words.timeout_ms;
    let once = words.once;
    let exec = PodExec { command, timeout_ms, once, attrs: Vec::new() };
    Ok(act(vec![Action::PodExec(exec)], Vec::new()))
}

fn resume(_: Context, _: Vec<u8>, results: Vec<ActionResult>) -> Result<HookStep, Error> {
    Ok(ended("the command", &results))
}

deploy_hook!(start: start, resume: resume);
