//! One call of a guest, in a store of its own and within limits, with its record and an explanation of
//! failures.

use super::{Blame, CallFailure, failure};
use crate::{
    host::{CallContext, GuestOutput, State},
    kinds::{Guest, OutputError},
    limits::{TICK, Tally},
    plugin::Plugin,
    text::sanitize,
};
use futures::FutureExt;
use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use windlass_engine::recorder::Recorder;
use windlass_model::{
    error::PluginError,
    event::{Event, PluginCall, PluginEffect},
};

/// Longest wait of a call for its turn.
const QUEUE: Duration = Duration::from_secs(120);

/// Makes one call. The guest's lines go to the job's log while it runs.
pub(crate) async fn call<G: Guest>(
    plugin: &Plugin,
    context: CallContext,
    guest: G,
    recorder: &Recorder,
) -> Result<G::Output, PluginError> {
    let (send, mut receive) = mpsc::unbounded_channel();
    let project = context.project.clone();
    // A panic in the host's code for one plugin ends one call. A task of its own would catch it, too, but
    // waking another thread takes longer than the whole call.
    let call = AssertUnwindSafe(alone(plugin, context, guest, send)).catch_unwind();
    let forwarding = async {
        while let Some(output) = receive.recv().await {
            forward::<G>(plugin, output, recorder).await;
        }
    };
    let (done, ()) = tokio::join!(call, forwarding);
    let done = done.unwrap_or_else(|_| {
        let message = "the host failed: its log says where".into();
        (Err(CallError { message, hint: None, cause: Cause::Host }), Used::default())
    });
    recorded::<G>(plugin, &project, done, recorder).await
}

/// Records a line of the guest's log, or an effect.
async fn forward<G: Guest>(plugin: &Plugin, output: GuestOutput, recorder: &Recorder) {
    let effect = match output {
        GuestOutput::Line(line) => {
            recorder.log_line(G::STAGE, &plugin.manifest.name, &line).await;
            return;
        }
        GuestOutput::Effect(effect) => effect,
    };
    plugin.breaker.did(effect.capability, &effect.what, effect.denied.is_some());
    let effect = PluginEffect {
        stage: G::STAGE,
        plugin: plugin.manifest.name.clone(),
        digest: plugin.digest.clone(),
        call: G::CALL.into(),
        capability: effect.capability.into(),
        what: effect.what,
        denied: effect.denied,
        bytes: effect.bytes,
        ms: effect.ms,
    };
    let line = serde_json::to_string(&effect).unwrap_or_default();
    let line = recorder.redactor().mask(&line);
    tracing::info!(target: "audit", effect = line, "plugin");
    recorder.record(Event::PluginEffect(effect)).await;
}

/// Records the call, and keeps count of failures.
async fn recorded<G: Guest>(
    plugin: &Plugin,
    project: &str,
    (output, used): (Result<G::Output, CallError>, Used),
    recorder: &Recorder,
) -> Result<G::Output, PluginError> {
    // Masked: this goes to the log too.
    let error = output.as_ref().err().map(|error| recorder.redactor().mask(&error.message));
    match output.as_ref().err().map(|error| error.cause) {
        Some(Cause::Host) => {}
        Some(Cause::Trap) => {
            let why = error.as_deref().unwrap_or_default();
            if plugin.breaker.failed(project, why) {
                let name = &plugin.manifest.name;
                tracing::error!(
                    plugin = name,
                    project,
                    why,
                    "disabled: it failed too often in a row"
                );
            }
        }
        Some(Cause::Guest) | None => plugin.breaker.answered(project),
    }
    let record = PluginCall {
        stage: G::STAGE,
        plugin: plugin.manifest.name.clone(),
        digest: plugin.digest.clone(),
        call: G::CALL.into(),
        cpu_ms: used.cpu_ms,
        ms: used.ms,
        memory: used.memory,
        host_calls: used.host_calls,
        error,
    };
    let line = serde_json::to_string(&record).unwrap_or_default();
    tracing::info!(target: "audit", call = line, "plugin");
    recorder.record(Event::PluginCalled(record)).await;
    output.map_err(|error| plugin.error(G::CALL, error.message, error.hint))
}

/// Reason why a call has no output.
struct CallError {
    message: String,
    hint: Option<String>,
    cause: Cause,
}

/// Cause of a call's error.
#[derive(Clone, Copy)]
enum Cause {
    /// The host failed, or the guest was not called.
    Host,
    /// The guest trapped, or ran into a limit.
    Trap,
    /// The guest returned an error.
    Guest,
}

impl CallError {
    fn trap(message: String) -> Self {
        Self { message, hint: None, cause: Cause::Trap }
    }

    /// Returns the guest's own error, masked.
    fn guest(state: &State, message: &str, hint: Option<&str>) -> Self {
        let mask = |text: &str| sanitize(&state.redactor().mask(text));
        Self { message: mask(message), hint: hint.map(mask), cause: Cause::Guest }
    }
}

impl From<CallFailure> for CallError {
    fn from(failure: CallFailure) -> Self {
        let cause = match failure.blame {
            Blame::Host => Cause::Host,
            Blame::Plugin => Cause::Trap,
        };
        Self { message: failure.message, hint: None, cause }
    }
}

/// Resources that a call took.
#[derive(Default)]
struct Used {
    cpu_ms: u64,
    ms: u64,
    memory: u64,
    host_calls: u64,
}

async fn alone<G: Guest>(
    plugin: &Plugin,
    context: CallContext,
    guest: G,
    output: mpsc::UnboundedSender<GuestOutput>,
) -> (Result<G::Output, CallError>, Used) {
    if let Some(why) = plugin.breaker.disabled_in(&context.project) {
        let hint = Some("mend it, then `windlass plugin reload`".to_owned());
        let message = format!("is not asked any more: {why}");
        return (Err(CallError { message, hint, cause: Cause::Host }), Used::default());
    }
    let limits = context.limits.clone();
    let ledger = context.ledger.clone();
    let tally = Arc::new(Tally::default());
    let Ok(_permit) = tokio::time::timeout(QUEUE, plugin.execute.acquire()).await else {
        let message = format!("other calls took all places for {} s", QUEUE.as_secs());
        return (Err(CallError { message, hint: None, cause: Cause::Host }), Used::default());
    };
    let began = Instant::now();
    let before = ledger.host_calls();
    let mut state = State::new(plugin.budget.clone(), context, tally.clone(), output);
    let wall = Duration::from_millis(limits.wall_ms());
    let run = async {
        match guest.into_call(&mut state) {
            Ok(call) => plugin.execute.run(state, call).await,
            Err(error) => (Err(failure(&error, &limits)), state),
        }
    };
    let ended = tokio::time::timeout(wall, run).await;
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let used = Used {
        cpu_ms: tally.ticks.load(Ordering::Relaxed).saturating_mul(millis(TICK)),
        ms: millis(began.elapsed()),
        memory: tally.memory.load(Ordering::Relaxed),
        host_calls: ledger.host_calls().saturating_sub(before),
    };
    let output = match ended {
        Err(_) => {
            let limit = limits.wall_ms();
            Err(CallError::trap(format!("no answer within {limit} ms (limit `wall-ms`)")))
        }
        Ok((Err(failure), _)) => Err(failure.into()),
        Ok((Ok(Err(error)), state)) => {
            Err(CallError::guest(&state, &error.message, error.hint.as_deref()))
        }
        Ok((Ok(Ok(returned)), mut state)) => {
            G::output(&mut state, returned).map_err(|error| match error {
                OutputError::Error(error) => {
                    CallError::guest(&state, &error.message, error.hint.as_deref())
                }
                OutputError::UnexpectedReply => {
                    CallError::trap("it answers another question".into())
                }
            })
        }
    };
    (output, used)
}
