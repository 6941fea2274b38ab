//! One call of a guest: a store of its own, within limits; and words for what went wrong.

use crate::{
    bindings::types,
    engine::{Host, Plugin},
    execute::{CallFailure, broken},
    limits::{TICK, Tally},
    question::{Call, Return},
    state::{CallContext, GuestOutput, State, sanitize},
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
    job::Stage,
};

/// How long a call waits for its turn.
const QUEUE: Duration = Duration::from_secs(120);

/// What is asked of a guest, by one exported function.
pub(crate) trait Guest: Send + 'static {
    /// The function, for errors.
    const CALL: &'static str;
    /// Whose log its lines belong to.
    const STAGE: Stage;
    /// What it answers.
    type Answer: Send + 'static;

    /// Puts what it lends into the call's table, and says what is asked.
    fn ask(self, state: &mut State) -> wasmtime::Result<Call>;

    /// Takes what the reply names out of the table.
    fn answer(state: &mut State, reply: Return) -> Result<Self::Answer, NoAnswer>;
}

/// Makes one call. The guest's lines go to the job's log while it runs.
pub(crate) async fn call<G: Guest>(
    host: Arc<Host>,
    plugin: Arc<Plugin>,
    may: CallContext,
    guest: G,
    recorder: &Recorder,
) -> Result<G::Answer, PluginError> {
    let (send, mut said) = mpsc::unbounded_channel();
    let project = may.project.clone();
    // A panic in the host's code for one plugin ends one call. Not a task of its own, which would be
    // caught as well: waking another thread takes longer than the whole call.
    let call = AssertUnwindSafe(alone(&host, &plugin, may, guest, send)).catch_unwind();
    let talk = async {
        while let Some(said) = said.recv().await {
            tell::<G>(&plugin, said, recorder).await;
        }
    };
    let (answer, ()) = tokio::join!(call, talk);
    let answer = answer.unwrap_or_else(|_| {
        let message = "the host failed: its log says where".into();
        let hint = None;
        let error = Failed { message, hint, kind: Kind::Host };
        (Err(error), Used::default())
    });
    told::<G>(&plugin, &project, answer, recorder).await
}

/// A line of its log, or something that it did.
async fn tell<G: Guest>(plugin: &Plugin, said: GuestOutput, recorder: &Recorder) {
    let effect = match said {
        GuestOutput::Line(line) => {
            recorder.log_line(G::STAGE, &plugin.manifest.name, &line).await;
            return;
        }
        GuestOutput::Effect(effect) => effect,
    };
    plugin.record.did(effect.capability, &effect.what, effect.denied.is_some());
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
async fn told<G: Guest>(
    plugin: &Plugin,
    project: &str,
    (answer, used): (Result<G::Answer, Failed>, Used),
    recorder: &Recorder,
) -> Result<G::Answer, PluginError> {
    // Masked: this goes to the log too.
    let error = answer.as_ref().err().map(|failed| recorder.redactor().mask(&failed.message));
    match answer.as_ref().err().map(|failed| (failed.kind, ())) {
        Some((Kind::Host, _)) => {}
        Some((Kind::Trap, _)) => {
            let why = error.as_deref().unwrap_or_default();
            if plugin.record.failed(project, why) {
                let name = &plugin.manifest.name;
                tracing::error!(
                    plugin = name,
                    project,
                    why,
                    "disabled: it failed too often in a row"
                );
            }
        }
        Some((Kind::GuestOutput, _)) | None => plugin.record.answered(project),
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
    answer.map_err(|failed| plugin.error(G::CALL, failed.message, failed.hint))
}

/// Why a call gave no answer.
struct Failed {
    message: String,
    hint: Option<String>,
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// Not its fault, or it was not even asked.
    Host,
    /// A trap, or a limit.
    Trap,
    /// Its own word.
    GuestOutput,
}

impl Failed {
    fn trap(message: String) -> Self {
        Self { message, hint: None, kind: Kind::Trap }
    }
}

/// What a call took.
#[derive(Default)]
struct Used {
    cpu_ms: u64,
    ms: u64,
    memory: u64,
    host_calls: u64,
}

async fn alone<G: Guest>(
    host: &Host,
    plugin: &Plugin,
    may: CallContext,
    guest: G,
    said: mpsc::UnboundedSender<GuestOutput>,
) -> (Result<G::Answer, Failed>, Used) {
    if let Some(why) = plugin.record.disabled_in(&may.project) {
        let hint = Some("mend it, then `windlass plugin reload`".to_owned());
        let message = format!("is not asked any more: {why}");
        return (Err(Failed { message, hint, kind: Kind::Host }), Used::default());
    }
    let limits = may.limits.clone();
    let ledger = may.ledger.clone();
    let tally = Arc::new(Tally::default());
    let Ok(_seat) = tokio::time::timeout(QUEUE, plugin.execute.acquire()).await else {
        let message = format!("other calls took all places for {} s", QUEUE.as_secs());
        return (Err(Failed { message, hint: None, kind: Kind::Host }), Used::default());
    };
    let began = Instant::now();
    let before = ledger.host_calls();
    let mut state = State::new(host.budget.clone(), may, tally.clone(), said);
    let wall = Duration::from_millis(limits.wall_ms());
    let run = async {
        match guest.ask(&mut state) {
            Ok(question) => plugin.execute.run(state, question).await,
            Err(error) => (Err(broken(&error, &limits)), state),
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
    let answer = match ended {
        Err(_) => {
            let limit = limits.wall_ms();
            Err(Failed::trap(format!("no answer within {limit} ms (limit `wall-ms`)")))
        }
        Ok((Err(CallFailure { message, hosts }), _)) => {
            let kind = if hosts { Kind::Host } else { Kind::Trap };
            Err(Failed { message, hint: None, kind })
        }
        Ok((Ok(Err(fault)), state)) => Err(said_so(&state, fault.message, fault.hint)),
        Ok((Ok(Ok(reply)), mut state)) => {
            G::answer(&mut state, reply).map_err(|error| match error {
                NoAnswer::GuestOutput(error) => said_so(&state, error.message, error.hint),
                NoAnswer::UnexpectedReply => Failed::trap("it answers another question".into()),
            })
        }
    };
    (answer, used)
}

/// The guest's own word, without what it must not tell.
fn said_so(state: &State, message: String, hint: Option<String>) -> Failed {
    let mask = |text: String| sanitize(&state.redactor().mask(&text));
    Failed { message: mask(message), hint: hint.map(mask), kind: Kind::GuestOutput }
}

/// Why a reply is no answer.
pub(crate) enum NoAnswer {
    /// It says, or was refused, something.
    GuestOutput(types::Error),
    /// It is of another question: only a process that breaks the rules gives one.
    UnexpectedReply,
}

impl From<types::Error> for NoAnswer {
    fn from(error: types::Error) -> Self {
        Self::GuestOutput(error)
    }
}

/// An answer that is within the limit on answers.
pub(crate) fn measured<T: serde::Serialize>(
    plugin: &Plugin,
    call: &str,
    answer: T,
) -> Result<T, PluginError> {
    let limit = plugin.limits.output;
    let size = serde_json::to_vec(&answer).map_or(usize::MAX, |json| json.len());
    if size <= limit {
        return Ok(answer);
    }
    let message = format!("its answer has {size} bytes; {limit} are allowed (limit `output`)");
    Err(plugin.error(call, message, None))
}
