//! Runs a command as a Job of the new image, such as a migration. Operator and app say which; no
//! command is nothing to do.

use windlass_plugin_sdk::{
    Action, ActionResult, Context, Error, HookStep, RunJob, deploy_hook,
    hook::{act, ended, fine, words},
};

fn start(context: Context) -> Result<HookStep, Error> {
    let words = words(&context)?;
    let Some(command) = words.command else { return Ok(fine("no command: nothing to do")) };
    let job = RunJob { command, timeout_ms: words.timeout_ms, attrs: Vec::new() };
    Ok(act(vec![Action::RunJob(job)], Vec::new()))
}

fn resume(_: Context, _: Vec<u8>, results: Vec<ActionResult>) -> Result<HookStep, Error> {
    Ok(ended("the Job", &results))
}

deploy_hook!(start: start, resume: resume);
