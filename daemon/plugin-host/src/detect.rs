//! Calls a detector, and checks what it answers.

use crate::{
    engine::{Host, Loaded},
    limits::{Ledger, Limits, Meter, TICK},
    state::{DetectorPlugin, DetectorPluginPre, State, detector, shown},
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use wasmtime::{Store, Trap, UpdateDeadline};
use windlass_core::{
    ports::PluginError,
    recipe::{BuildStage, BuildStep, ImagePlan, Recipe},
};

/// The exported function, for errors.
const CALL: &str = "detect";

/// One call, in a store of its own.
pub(crate) async fn detect(
    host: &Host,
    plugin: &Loaded,
    limits: &Limits,
    settings: &str,
    root: PathBuf,
    lines: mpsc::UnboundedSender<String>,
) -> Result<Option<Recipe>, PluginError> {
    let name = &plugin.manifest.name;
    let fail = |message: String, hint: Option<String>| PluginError {
        plugin: name.clone(),
        call: CALL.into(),
        message,
        hint,
    };
    let mut store = store(host, limits, settings, lines);
    let call = async {
        let guest: DetectorPlugin =
            DetectorPluginPre::new(plugin.pre.clone())?.instantiate_async(&mut store).await?;
        let tree = store.data_mut().tree(root)?;
        guest.windlass_plugin_detector().call_detect(&mut store, tree).await
    };
    let wall = Duration::from_millis(limits.wall_ms);
    let answer = match tokio::time::timeout(wall, call).await {
        Err(_) => {
            return Err(fail(
                format!("no answer within {} ms (limit `wall-ms`)", limits.wall_ms),
                None,
            ));
        }
        Ok(Err(error)) => return Err(fail(trap(&error, limits), None)),
        Ok(Ok(answer)) => answer,
    };
    tracing::debug!(
        plugin = name,
        memory = store.data().meter.memory,
        ticks = store.data().ticks,
        "call"
    );
    match answer {
        Err(error) => {
            let hint = error.hint.as_deref().map(shown);
            Err(fail(shown(&error.message), hint))
        }
        Ok(None) => Ok(None),
        Ok(Some(detection)) => {
            let recipe = recipe(name, detection);
            let size = serde_json::to_vec(&recipe).map_or(usize::MAX, |json| json.len());
            if size > limits.output {
                let message = format!(
                    "its answer has {size} bytes; {} are allowed (limit `output`)",
                    limits.output
                );
                return Err(fail(message, None));
            }
            Ok(Some(recipe))
        }
    }
}

fn store(
    host: &Host,
    limits: &Limits,
    settings: &str,
    lines: mpsc::UnboundedSender<String>,
) -> Store<State> {
    let meter = Meter::new(host.budget.clone(), limits);
    let state = State::new(meter, limits.clone(), Arc::<Ledger>::default(), settings.into(), lines);
    let mut store = Store::new(&host.engine, state);
    store.limiter(|state| &mut state.meter);
    store.set_hostcall_fuel(1 << 20);
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
        None => shown(&error.root_cause().to_string()),
    }
}

fn recipe(plugin: &str, detection: detector::Detection) -> Recipe {
    let step = |step| match step {
        detector::Step::Copy(copy) => {
            BuildStep::Copy { from: copy.from, sources: copy.sources, dest: copy.dest }
        }
        detector::Step::Run(run) => BuildStep::Run { argv: run.command, caches: run.caches },
    };
    let stage = |stage: detector::Stage| BuildStage {
        name: stage.name,
        base: stage.base,
        env: stage.env,
        steps: stage.steps.into_iter().map(step).collect(),
    };
    let image = detection.image;
    Recipe {
        detector: plugin.into(),
        language: shown(&detection.language),
        score: detection.score.min(100),
        toolchains: detection
            .toolchains
            .iter()
            .map(|tool| match &tool.version {
                Some(version) => shown(&format!("{} {version}", tool.name)),
                None => shown(&tool.name),
            })
            .collect(),
        evidence: detection.evidence.iter().map(|line| shown(line)).collect(),
        image: ImagePlan {
            stages: image.stages.into_iter().map(stage).collect(),
            test_in: image.test_in,
            start: image.start,
            port: image.port.filter(|port| *port != 0),
            health: image.health,
            env: image.env,
            user: image.user,
        },
        test: detection.test.filter(|command| !command.is_empty()),
    }
}
