//! One call of a guest: a store of its own, within limits, in a task of its own; and words for what
//! went wrong.

use crate::{
    bindings::types,
    engine::{Host, Plugin},
    limits::{Ledger, Limits, Meter, TICK},
    state::{State, shown},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use wasmtime::{Store, Trap, UpdateDeadline, component::InstancePre};
use windlass_core::{job::Stage, ports::PluginError, run::Voice};

/// Bytes that one call may hand to the host, or take as its answer.
const HANDED: usize = 1 << 20;

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
    ledger: Arc<Ledger>,
    guest: G,
    voice: &Voice,
) -> Result<G::Answer, PluginError> {
    let (send, mut lines) = mpsc::unbounded_channel();
    let name = plugin.manifest.name.clone();
    // A task of its own: a panic in the host's code for one plugin ends one call.
    let call = tokio::spawn(async move { alone(&host, &plugin, ledger, guest, send).await });
    // Dropped with the job's stage: the guest ends too.
    let _end = AbortOnDrop(call.abort_handle());
    let talk = async {
        while let Some(line) = lines.recv().await {
            if voice.log(G::STAGE, &name, &line).await.is_err() {
                return;
            }
        }
    };
    let (answer, ()) = tokio::join!(call, talk);
    answer.unwrap_or_else(|error| {
        Err(PluginError {
            plugin: name.clone(),
            call: G::CALL.into(),
            message: format!("the host failed: {error}"),
            hint: None,
        })
    })
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
    ledger: Arc<Ledger>,
    guest: G,
    lines: mpsc::UnboundedSender<String>,
) -> Result<G::Answer, PluginError> {
    let limits = &plugin.limits;
    let fail = |message: String, hint: Option<String>| PluginError {
        plugin: plugin.manifest.name.clone(),
        call: G::CALL.into(),
        message,
        hint,
    };
    let mut store = store(host, limits, ledger, &plugin.settings, lines);
    let wall = Duration::from_millis(limits.wall_ms);
    let answer = tokio::time::timeout(wall, guest.call(plugin.pre.clone(), &mut store)).await;
    tracing::debug!(
        plugin = plugin.manifest.name,
        call = G::CALL,
        memory = store.data().meter.memory,
        ticks = store.data().ticks,
        "called"
    );
    match answer {
        Err(_) => {
            let message = format!("no answer within {} ms (limit `wall-ms`)", limits.wall_ms);
            Err(fail(message, None))
        }
        Ok(Err(error)) => Err(fail(trap(&error, limits), None)),
        Ok(Ok(Err(error))) => Err(fail(shown(&error.message), error.hint.as_deref().map(shown))),
        Ok(Ok(Ok(answer))) => Ok(answer),
    }
}

fn store(
    host: &Host,
    limits: &Limits,
    ledger: Arc<Ledger>,
    settings: &str,
    lines: mpsc::UnboundedSender<String>,
) -> Store<State> {
    let meter = Meter::new(host.budget.clone(), limits);
    let state = State::new(meter, limits.clone(), ledger, settings.into(), lines);
    let mut store = Store::new(&host.engine, state);
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(HANDED);
    store.set_epoch_deadline(1);
    let most = limits.cpu_ms / u64::try_from(TICK.as_millis()).unwrap_or(1);
    store.epoch_deadline_callback(move |mut store| {
        let state = store.data_mut();
        state.ticks += 1;
        let limit = state.limits.cpu_ms;
        if state.ticks > most {
            wasmtime::bail!("computed for more than {limit} ms (limit `cpu-ms`)");
        }
        // Yields, so that one busy guest does not hold a thread of the daemon.
        Ok(UpdateDeadline::Yield(1))
    });
    store
}

/// A trap in words: which limit, or what the guest did.
fn trap(error: &wasmtime::Error, limits: &Limits) -> String {
    match error.downcast_ref::<Trap>() {
        Some(Trap::StackOverflow) => "used up its stack of 512 KiB".into(),
        Some(Trap::UnreachableCodeReached) => "trapped: it gave up (a panic)".into(),
        Some(Trap::Interrupt) => {
            format!("computed for more than {} ms (limit `cpu-ms`)", limits.cpu_ms)
        }
        Some(trap) => format!("trapped: {trap}"),
        None => match shown(&error.root_cause().to_string()) {
            text if text.contains("fuel allocated for hostcalls") => {
                format!("handed the host more than {} KiB in one call", HANDED >> 10)
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
    Err(PluginError {
        plugin: plugin.manifest.name.clone(),
        call: call.into(),
        message: format!("its answer has {size} bytes; {limit} are allowed (limit `output`)"),
        hint: None,
    })
}
