//! Deploy hooks: actions around a release, batch by batch.

use super::{
    Guest, OutputError,
    invoke::{Call, Return},
};
use crate::{
    ask::ActionKind,
    bindings::deploy_hook::exports::windlass::plugin::deploy_hook,
    grant::Granted,
    host::State,
    text::{sanitize, sanitize_lines},
};
use windlass_model::{
    hook::{About, Action, ActionResult, Batch, Done, Hook, HookPhase, HookStep},
    job::Stage,
};

/// Most actions of one batch.
const MOST_ACTIONS: usize = 20;
/// Largest state of a hook, in bytes.
const LARGEST_STATE: usize = 64 << 10;
/// Longest time of an action in milliseconds: an hour.
const LONGEST: u32 = 3_600_000;
/// Longest wait in milliseconds: ten minutes.
const LONGEST_WAIT: u32 = 600_000;
/// Most words of a command, and most bytes of all of them.
const MOST_WORDS: usize = 100;
const LONGEST_COMMAND: usize = 16 << 10;

/// Call of `start`, or of `resume` with the results of a batch.
pub(crate) struct Next {
    pub(crate) context: deploy_hook::Context,
    pub(crate) earlier: Option<(Vec<u8>, Vec<deploy_hook::ActionResult>)>,
}

impl Next {
    pub(crate) fn of(
        hook: &Hook,
        about: &About,
        settings: String,
        earlier: Option<(&[u8], &[ActionResult])>,
    ) -> Self {
        let failure = about.failure.as_ref().map(|failure| deploy_hook::Failure {
            stage: failure.stage.to_string(),
            code: failure.code.clone(),
            what: failure.what.clone(),
            fix: failure.fixes.first().cloned().unwrap_or_default(),
        });
        let image = about.image.as_ref().map(windlass_model::job::Image::by_digest);
        let context = deploy_hook::Context {
            moment: match hook.phase {
                HookPhase::BeforeTraffic => deploy_hook::Moment::BeforeTraffic,
                HookPhase::AfterRelease => deploy_hook::Moment::AfterRelease,
                HookPhase::AfterFailure => deploy_hook::Moment::AfterFailure,
                HookPhase::AfterRollback => deploy_hook::Moment::AfterRollback,
            },
            key: about.key.clone(),
            job: about.job.clone(),
            project: about.app.project.clone(),
            app: about.app.name.clone(),
            environment: about.app.environment.clone(),
            commit: about.commit.clone(),
            image: image.unwrap_or_default(),
            failure,
            settings,
            said: hook.app_settings.clone(),
            attrs: Vec::new(),
        };
        let earlier =
            earlier.map(|(state, results)| (state.to_vec(), results.iter().map(result).collect()));
        Self { context, earlier }
    }
}

impl Guest for Next {
    const CALL: &'static str = "start or resume";
    const STAGE: Stage = Stage::Hooks;
    type Output = deploy_hook::Step;

    fn into_call(self, _: &mut State) -> wasmtime::Result<Call> {
        let context = self.context;
        Ok(match self.earlier {
            None => Call::Start { context },
            Some((state, results)) => Call::Resume { context, state, results },
        })
    }

    fn output(state: &mut State, returned: Return) -> Result<Self::Output, OutputError> {
        match returned {
            Return::Step(deploy_hook::Step::Done(done)) => {
                let message = state.redactor().mask(&done.message);
                Ok(deploy_hook::Step::Done(deploy_hook::Done { message, ..done }))
            }
            Return::Step(run) => Ok(run),
            _ => Err(OutputError::UnexpectedReply),
        }
    }
}

fn result(result: &ActionResult) -> deploy_hook::ActionResult {
    match result {
        ActionResult::Exited { code, output } => {
            deploy_hook::ActionResult::Exited(deploy_hook::Exited {
                code: *code,
                output: output.clone(),
            })
        }
        ActionResult::Waited => deploy_hook::ActionResult::Waited,
        ActionResult::Denied(why) => deploy_hook::ActionResult::Denied(why.clone()),
        ActionResult::TimedOut => deploy_hook::ActionResult::TimedOut,
        ActionResult::Failed(why) => deploy_hook::ActionResult::Failed(why.clone()),
        ActionResult::Hopeless(diagnosis) => {
            let why = format!("{}: {}", diagnosis.what, diagnosis.why);
            deploy_hook::ActionResult::Failed(why)
        }
    }
}

/// Checks a step before it is journaled. The error names what cannot be done, or was not granted.
pub(crate) fn step(granted: &Granted, step: deploy_hook::Step) -> Result<HookStep, String> {
    let batch = match step {
        deploy_hook::Step::Done(done) => {
            let ok = done.ok;
            let request_rollback = done.request_rollback;
            return Ok(HookStep::Done(Done {
                ok,
                message: sanitize_lines(&done.message),
                request_rollback,
            }));
        }
        deploy_hook::Step::Run(batch) => batch,
    };
    if batch.state.len() > LARGEST_STATE {
        let size = batch.state.len();
        return Err(format!("its state has {size} bytes; {LARGEST_STATE} are allowed"));
    }
    if batch.actions.is_empty() || batch.actions.len() > MOST_ACTIONS {
        let count = batch.actions.len();
        return Err(format!("its batch has {count} actions; 1 to {MOST_ACTIONS} are allowed"));
    }
    let actions = batch.actions.into_iter().map(|action| match action {
        deploy_hook::Action::Other(attrs) => {
            let pairs = attrs.iter().map(|(key, value)| format!("{key} {value}"));
            let what = sanitize(&pairs.collect::<Vec<_>>().join(", "));
            Err(format!("it wants an action that this host does not know: {what}"))
        }
        deploy_hook::Action::WaitMs(ms) => Ok(Action::Wait { ms: ms.min(LONGEST_WAIT) }),
        deploy_hook::Action::PodExec(exec) => {
            granted.action(ActionKind::PodExec)?;
            let command = command(exec.command)?;
            let timeout_ms = limit(exec.timeout_ms);
            Ok(Action::PodExec { command, timeout_ms, once: exec.once })
        }
        deploy_hook::Action::RunJob(job) => {
            granted.action(ActionKind::RunJob)?;
            let command = command(job.command)?;
            let timeout_ms = limit(job.timeout_ms);
            Ok(Action::RunJob { command, timeout_ms })
        }
    });
    let actions = actions.collect::<Result<_, String>>()?;
    Ok(HookStep::Run(Batch { actions, state: batch.state }))
}

/// Returns the time limit of an action, in milliseconds. 0 means the default of ten minutes.
fn limit(ms: u32) -> u32 {
    if ms == 0 { 600_000 } else { ms.min(LONGEST) }
}

/// Checks a command. Its words are passed on unchanged, so they may hold anything but NUL.
fn command(argv: Vec<String>) -> Result<Vec<String>, String> {
    let bytes: usize = argv.iter().map(String::len).sum();
    if argv.first().is_none_or(String::is_empty) {
        return Err("its command is empty".into());
    }
    if argv.len() > MOST_WORDS || bytes > LONGEST_COMMAND {
        return Err(format!(
            "its command has {} words and {bytes} bytes; {MOST_WORDS} and {LONGEST_COMMAND} are allowed",
            argv.len()
        ));
    }
    match argv.iter().find(|word| word.contains('\0')) {
        Some(word) => Err(format!("`{}` holds a NUL", sanitize(word))),
        None => Ok(argv),
    }
}
