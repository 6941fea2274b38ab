//! One call of a guest: a store of its own, within limits, in a task of its own; and words for what
//! went wrong.

use crate::{
    bindings::types,
    engine::{Host, Plugin},
    limits::{Busy, Limits, Meter, TICK},
    state::{HANDLES, May, Said, State, shown},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use wasmtime::{Store, Trap, UpdateDeadline, component::InstancePre};
use windlass_core::{
    event::{Event, PluginCall, PluginEffect},
    job::Stage,
    ports::PluginError,
    run::{Lost, Voice},
};

/// Bytes that one call may hand to the host, or take as its answer.
const HANDED: usize = 1 << 20;

/// What a call takes from its job.
pub(crate) struct Share {
    pub(crate) may: May,
    /// Whose; empty for what belongs to nobody.
    pub(crate) project: String,
}

/// What is asked of a guest, by one exported function.
pub(crate) trait Guest: Send + 'static {
    /// The function, for errors.
    const CALL: &'static str;
    /// Whose log its lines belong to.
    const STAGE: Stage;
    /// What it answers.
    type Answer: Send + 'static;

    /// Instantiates and calls.
    fn call(
        self,
        pre: InstancePre<State>,
        store: &mut Store<State>,
    ) -> impl Future<Output = wasmtime::Result<Result<Self::Answer, types::Error>>> + Send;
}

/// Makes one call. The guest's lines go to the job's log while it runs.
pub(crate) async fn call<G: Guest>(
    host: Arc<Host>,
    plugin: Arc<Plugin>,
    job: Share,
    guest: G,
    voice: &Voice,
) -> Result<G::Answer, PluginError> {
    let (send, mut said) = mpsc::unbounded_channel();
    // A task of its own: a panic in the host's code for one plugin ends one call.
    let (asked, project) = (plugin.clone(), job.project.clone());
    let call = tokio::spawn(async move { alone(&host, &asked, job, guest, send).await });
    // Dropped with the job's stage: the guest ends too.
    let _end = AbortOnDrop(call.abort_handle());
    let talk = async {
        while let Some(said) = said.recv().await {
            if tell::<G>(&plugin, said, voice).await.is_err() {
                return;
            }
        }
    };
    let (answer, ()) = tokio::join!(call, talk);
    let answer = answer.unwrap_or_else(|error| {
        let (message, hint) = (format!("the host failed: {error}"), None);
        let error = Failed { message, hint, kind: Kind::Host };
        (Err(error), Used::default())
    });
    told::<G>(&plugin, &project, answer, voice).await
}

/// A line of its log, or something that it did.
async fn tell<G: Guest>(plugin: &Plugin, said: Said, voice: &Voice) -> Result<(), Lost> {
    let effect = match said {
        Said::Line(line) => return voice.log(G::STAGE, &plugin.manifest.name, &line).await,
        Said::Effect(effect) => effect,
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
    let line = voice.redactor().mask(&line);
    tracing::info!(target: "audit", effect = line, "plugin");
    voice.say(Event::Effected(effect)).await
}

/// Records the call, and keeps count of failures.
async fn told<G: Guest>(
    plugin: &Plugin,
    project: &str,
    (answer, used): (Result<G::Answer, Failed>, Used),
    voice: &Voice,
) -> Result<G::Answer, PluginError> {
    // Masked: this goes to the log too.
    let error = answer.as_ref().err().map(|failed| voice.redactor().mask(&failed.message));
    match answer.as_ref().err().map(|failed| (failed.kind, &failed.message)) {
        Some((Kind::Host, _)) => {}
        Some((Kind::Trap, why)) => {
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
        Some((Kind::Said, _)) | None => plugin.record.answered(project),
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
    // The journal is gone: so is the job's run.
    let recorded = voice.say(Event::Called(record)).await;
    recorded.map_err(|lost| plugin.error(G::CALL, lost.to_string(), None))?;
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
    Said,
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

struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn alone<G: Guest>(
    host: &Host,
    plugin: &Plugin,
    job: Share,
    guest: G,
    said: mpsc::UnboundedSender<Said>,
) -> (Result<G::Answer, Failed>, Used) {
    let Share { may, project } = job;
    if let Some(why) = plugin.record.disabled_in(&project) {
        let hint = Some("mend it, then `windlass plugin reload`".to_owned());
        let message = format!("is not asked any more: {why}");
        return (Err(Failed { message, hint, kind: Kind::Host }), Used::default());
    }
    let (limits, ledger) = (may.limits.clone(), may.ledger.clone());
    let (began, before) = (Instant::now(), ledger.host_calls());
    let mut store = store(host, may, said);
    let wall = Duration::from_millis(limits.wall_ms());
    let answer = tokio::time::timeout(wall, guest.call(plugin.pre.clone(), &mut store)).await;
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let used = Used {
        cpu_ms: store.data().ticks.saturating_mul(millis(TICK)),
        ms: millis(began.elapsed()),
        memory: store.data().meter.memory as u64,
        host_calls: ledger.host_calls().saturating_sub(before),
    };
    let answer = match answer {
        Err(_) => {
            Err(Failed::trap(format!("no answer within {} ms (limit `wall-ms`)", limits.wall_ms())))
        }
        Ok(Err(error)) => {
            let (message, hint) = (trap(&error, &limits), None);
            let kind = if is_hosts(&error) { Kind::Host } else { Kind::Trap };
            Err(Failed { message, hint, kind })
        }
        Ok(Ok(Err(error))) => Err(Failed {
            message: shown(&store.data().redactor().mask(&error.message)),
            hint: error.hint.map(|hint| shown(&store.data().redactor().mask(&hint))),
            kind: Kind::Said,
        }),
        Ok(Ok(Ok(answer))) => Ok(answer),
    };
    (answer, used)
}

fn store(host: &Host, may: May, said: mpsc::UnboundedSender<Said>) -> Store<State> {
    let limit = may.limits.cpu_ms();
    let meter = Meter::new(host.budget.clone(), &may.limits);
    let state = State::new(meter, may, said);
    let mut store = Store::new(&host.engine, state);
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(HANDED);
    store.set_epoch_deadline(1);
    let most = limit / u64::try_from(TICK.as_millis()).unwrap_or(1);
    store.epoch_deadline_callback(move |mut store| {
        let state = store.data_mut();
        state.ticks += 1;
        if state.ticks > most {
            wasmtime::bail!("computed for more than {limit} ms (limit `cpu-ms`)");
        }
        // Yields, so that one busy guest does not hold a thread of the daemon.
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// What no plugin is to blame for: the process's budget, the pool, the disk.
fn is_hosts(error: &wasmtime::Error) -> bool {
    error.downcast_ref::<Busy>().is_some()
        || error.downcast_ref::<wasmtime::PoolConcurrencyLimitError>().is_some()
        || error.downcast_ref::<std::io::Error>().is_some()
}

/// A trap in words: which limit, or what the guest did.
fn trap(error: &wasmtime::Error, limits: &Limits) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "used up its stack of 512 KiB".into(),
        Some(Trap::UnreachableCodeReached) => "trapped: it gave up (a panic)".into(),
        Some(Trap::Interrupt) => {
            format!("computed for more than {} ms (limit `cpu-ms`)", limits.cpu_ms())
        }
        Some(trap) => format!("trapped: {trap}"),
        None => match shown(&error.root_cause().to_string()) {
            text if text.contains("fuel allocated for hostcalls") => {
                format!("handed the host more than {} KiB in one call", HANDED >> 10)
            }
            text if text.contains("resource table has no free keys") => {
                format!("holds more than {HANDLES} handles at once")
            }
            text => text,
        },
    }
}

/// An answer that is within the limit on answers.
pub(crate) fn measured<T: serde::Serialize>(
    plugin: &Plugin,
    call: &str,
    answer: T,
) -> Result<T, PluginError> {
    let (limit, size) =
        (plugin.limits.output, serde_json::to_vec(&answer).map_or(usize::MAX, |json| json.len()));
    if size <= limit {
        return Ok(answer);
    }
    let message = format!("its answer has {size} bytes; {limit} are allowed (limit `output`)");
    Err(plugin.error(call, message, None))
}
