//! Runs a command of the new image as a Kubernetes `Job`, such as a migration. Operator and app configure the command.
//! Without a command there is nothing to do.

use windlass_plugin_sdk::{
    Action, ActionResult, Context, Error, HookStep, RunJob, deploy_hook,
    hook::{act, command, ended, fine},
};

fn start(context: Context) -> Result<HookStep, Error> {
    let configured = command(&context)?;
    let Some(command) = configured.command else { return Ok(fine("no command: nothing to do")) };
    let job = RunJob { command, timeout_ms: configured.timeout_ms, attrs: Vec::new() };
    Ok(act(vec![Action::RunJob(job)], Vec::new()))
}

fn resume(_: Context, _: Vec<u8>, results: Vec<ActionResult>) -> Result<HookStep, Error> {
    Ok(ended("the Job", &results))
}

deploy_hook!(start: start, resume: resume);
