//! The worker: receives code, confines itself, and runs calls until the daemon ends.

use super::{
    frames::{FromWorker, ToWorker, receive_now, send_now},
    proxy::{Proxy, link},
};
use crate::{
    clock::Clock,
    engine,
    kinds::invoke::{Call, invoke},
    limits::{Budget, Limits, Meter, Tally},
    run::{bound, failure},
};
use std::{
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    process::ExitCode,
    sync::{Arc, atomic::Ordering},
};
use wasmtime::{
    Engine, Store,
    component::{Component, InstancePre, Linker},
};
use windlass_confine::{Confinement, SystemCalls};

/// Most bytes of address space: eight memories and their guards, the code, and the process itself.
const MEMORY: u64 = 16 << 30;
/// Descriptors that may be open at once: the socket, and its copies for calls.
const OPEN_FILES: u64 = 64;

/// Runs the worker. Its standard input is the socket to the daemon.
#[must_use]
pub fn main() -> ExitCode {
    match serve() {
        Ok(()) => ExitCode::SUCCESS,
        // Nobody reads the worker's output. The daemon notices that the worker has ended.
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve() -> Result<(), Box<dyn std::error::Error>> {
    windlass_confine::begin(&[])?;
    let daemon = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let ToWorker::Code { code, cpu_seconds } = receive_now(&daemon)? else {
        return Err("no code".into());
    };
    let mut config = engine::config()?;
    // One call at a time: a pool would only reserve.
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::OnDemand);
    let engine = Engine::new(&config)?;
    // SAFETY: the daemon that started this process sends what its cache holds and its MAC vouches
    // for; nobody else has the other end of the socket.
    let component = unsafe { Component::deserialize(&engine, &code) }?;
    drop(code);
    // Now, since this makes a file in memory, which is forbidden later.
    component.initialize_copy_on_write_image()?;
    let mut linker = Linker::new(&engine);
    link(&mut linker)?;
    let pre = linker.instantiate_pre(&component)?;
    let clock = Clock::start(&engine);
    let enforced = windlass_confine::confine(&Confinement {
        readable: Vec::new(),
        writable: Vec::new(),
        memory: MEMORY,
        cpu_seconds,
        file_bytes: 0,
        open_files: OPEN_FILES,
        calls: SystemCalls::Compute,
    })?;
    // The operator asked for it: without a filter the plugin does not run.
    if !enforced.system_calls {
        return Err("this kernel cannot filter system calls".into());
    }
    send_now(&daemon, &FromWorker::Ready)?;
    loop {
        // The daemon has ended, or has closed the socket of a worker that it does not need.
        let Ok(ToWorker::Call(asked)) = receive_now(&daemon) else { return Ok(()) };
        let (call, limits) = *asked;
        let _running = clock.run();
        let ended = one(&engine, pre.clone(), &daemon, call, &limits)?;
        send_now(&daemon, &ended)?;
    }
}

fn one(
    engine: &Engine,
    pre: InstancePre<Proxy>,
    daemon: &UnixStream,
    call: Call,
    limits: &Limits,
) -> io::Result<FromWorker> {
    let tally = Arc::new(Tally::default());
    let meter = Meter::new(Arc::new(Budget::default()), limits, tally.clone());
    let proxy = Proxy { daemon: daemon.try_clone()?, meter };
    let mut store = Store::new(engine, proxy);
    store.limiter(|proxy| &mut proxy.meter);
    let counted = tally.clone();
    bound(&mut store, limits, move || counted.ticks.fetch_add(1, Ordering::Relaxed) + 1);
    let returned = futures::executor::block_on(invoke(call, pre, &mut store));
    let ended = returned.map_err(|error| failure(&error, limits));
    let ticks = tally.ticks.load(Ordering::Relaxed);
    let memory = tally.memory.load(Ordering::Relaxed);
    Ok(FromWorker::Ended { ended, ticks, memory })
}
