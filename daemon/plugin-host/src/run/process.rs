//! A plugin in a process of its own: the daemon's own program, without credentials, network or most system
//! calls. The guest's host calls come back through a socket. The daemon answers them, from the call's own state
//! and within the plugin's grants. Whoever breaks out of the sandbox in the process can ask what the plugin
//! could have asked, and nothing else.

mod frames;
mod host_call;
mod proxy;
mod worker;

pub use worker::main;

use super::{Blame, CallFailure, Ended, Execute, Permit};
use crate::{
    host::State,
    kinds::invoke::Call,
    limits::{Limits, TICK},
    text::sanitize,
};
use async_trait::async_trait;
use frames::{FromWorker, ToWorker, receive, send};
use std::{
    collections::BTreeMap,
    os::{fd::OwnedFd, unix::net::UnixStream as Socket},
    path::PathBuf,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    time::{Duration, Instant},
};
use tokio::{net::UnixStream, process::Child, sync::Semaphore};

/// Most processes of one plugin that run at once. More calls wait.
const MOST: usize = 8;
/// Most processes of one plugin that wait for the next call, of all projects together.
const IDLE: usize = 4;
/// Calls for which a process computes, at the limit of each, before the kernel ends it.
const CALLS: u64 = 100;
/// Age from which a process gets no further call. Its clock ticks while it waits, and no call reports that time: within
/// a day the clock alone would reach the limit.
const OLDEST: Duration = Duration::from_secs(3600);

/// Processes of one plugin. No process serves two projects.
pub(crate) struct Processes {
    program: PathBuf,
    /// Compiled code, as in the cache. The child needs no file.
    code: Arc<Vec<u8>>,
    /// Seconds that one process may compute, for all its calls.
    cpu_seconds: u64,
    running: Arc<Semaphore>,
    /// Waiting processes by project.
    idle: Mutex<BTreeMap<String, Vec<Worker>>>,
}

struct Worker {
    stream: UnixStream,
    // Killed when dropped.
    _child: Child,
    /// Ticks of computing that its calls reported.
    ticks: u64,
    started: Instant,
}

impl Processes {
    pub(crate) fn executor(program: PathBuf, code: Vec<u8>, limits: &Limits) -> Arc<dyn Execute> {
        let code = Arc::new(code);
        let cpu_seconds = limits.cpu_ms().div_ceil(1_000).saturating_mul(CALLS).max(CALLS);
        let running = Arc::new(Semaphore::new(MOST));
        Arc::new(Self { program, code, cpu_seconds, running, idle: Mutex::default() })
    }

    /// Sends a call to a process that waits, or to a new one. Returns the process with its first message.
    async fn asked(
        &self,
        project: &str,
        call: &ToWorker,
    ) -> Result<(Worker, FromWorker), CallFailure> {
        while let Some(mut worker) = self.waiting(project) {
            // The process may have been killed meanwhile, by an operator or for want of memory. If it
            // sent no message, it has done nothing, and another process gets the call.
            if let Ok(first) = put(&mut worker, call).await {
                return Ok((worker, first));
            }
        }
        let mut worker = self.start().await.map_err(|error| CallFailure {
            message: format!("its process cannot be started: {error}"),
            blame: Blame::Host,
        })?;
        let first = put(&mut worker, call).await.map_err(|error| vanished(&error))?;
        Ok((worker, first))
    }

    fn waiting(&self, project: &str) -> Option<Worker> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.get_mut(project)?;
        waiting.retain(|worker| worker.started.elapsed() < OLDEST);
        waiting.pop()
    }

    async fn start(&self) -> std::io::Result<Worker> {
        let (own, other) = Socket::pair()?;
        own.set_nonblocking(true)?;
        let mut command = windlass_confine::child(&self.program, "plugin-worker");
        command
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(other)))
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = windlass_confine::start(command).await?;
        let mut worker = Worker {
            stream: UnixStream::from_std(own)?,
            _child: child,
            ticks: 0,
            started: Instant::now(),
        };
        let code = ToWorker::Code { code: self.code.to_vec(), cpu_seconds: self.cpu_seconds };
        send(&mut worker.stream, &code).await?;
        match receive(&mut worker.stream).await? {
            FromWorker::Ready => Ok(worker),
            _ => Err(std::io::Error::other("the worker did not begin")),
        }
    }

    /// Keeps a process for the next call of the same project. Of many, the last ones stay.
    fn keep(&self, project: &str, worker: Worker) {
        let computed = TICK.saturating_mul(u32::try_from(worker.ticks).unwrap_or(u32::MAX));
        // Before the kernel ends it in the middle of a call, which would be the plugin's failure.
        if computed.as_secs() >= self.cpu_seconds / 2 {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.values().map(Vec::len).sum::<usize>() >= IDLE {
            idle.retain(|of, waiting| of == project && !waiting.is_empty());
        }
        let waiting = idle.entry(project.to_owned()).or_default();
        if waiting.len() < IDLE {
            waiting.push(worker);
        }
    }

    async fn converse(
        &self,
        worker: &mut Worker,
        state: &mut State,
        first: FromWorker,
    ) -> std::io::Result<Ended> {
        let mut message = first;
        let mut has_trapped = false;
        loop {
            match message {
                FromWorker::Ready => return Err(std::io::Error::other("it speaks out of turn")),
                FromWorker::HostCall(_) if has_trapped => {
                    return Err(std::io::Error::other("it goes on after a trap"));
                }
                FromWorker::HostCall(call) => {
                    let answer = host_call::answer(state, call).await;
                    let answer = answer.map_err(|error| error.root_cause().to_string());
                    has_trapped = answer.is_err();
                    send(&mut worker.stream, &ToWorker::HostReturn(answer)).await?;
                }
                FromWorker::Ended { ended, ticks, memory } => {
                    state.tally.ticks.store(ticks, Ordering::Relaxed);
                    state.tally.memory.store(memory, Ordering::Relaxed);
                    worker.ticks = worker.ticks.saturating_add(ticks);
                    // A worker cannot blame the host.
                    let own = |failure: CallFailure| CallFailure {
                        message: sanitize(&failure.message),
                        blame: Blame::Plugin,
                    };
                    return Ok(ended.map_err(own));
                }
            }
            message = receive(&mut worker.stream).await?;
        }
    }
}

/// Returns the failure of a process that was killed, or broke the rules. The plugin is to blame.
fn vanished(error: &std::io::Error) -> CallFailure {
    CallFailure { message: format!("its process has ended: {error}"), blame: Blame::Plugin }
}

/// Sends a call, and returns the first message of the process.
async fn put(worker: &mut Worker, call: &ToWorker) -> std::io::Result<FromWorker> {
    send(&mut worker.stream, call).await?;
    receive(&mut worker.stream).await
}

#[async_trait]
impl Execute for Processes {
    async fn acquire(&self) -> Permit {
        // The semaphore is never closed.
        Permit { _held: self.running.clone().acquire_owned().await.into_iter().collect() }
    }

    async fn run(&self, mut state: State, call: Call) -> (Ended, State) {
        let project = state.project.clone();
        let call = ToWorker::Call(Box::new((call, state.limits.clone())));
        let (mut worker, first) = match self.asked(&project, &call).await {
            Ok(asked) => asked,
            Err(failure) => return (Err(failure), state),
        };
        let ended = match self.converse(&mut worker, &mut state, first).await {
            Ok(ended) => ended,
            Err(error) => Err(vanished(&error)),
        };
        // After a trap, the memory of the process cannot be trusted.
        if ended.is_ok() {
            self.keep(&project, worker);
        }
        (ended, state)
    }
}
