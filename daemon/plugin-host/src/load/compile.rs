//! Compiling in a child process: 170 KB of hostile code can keep a compiler busy for minutes.

use rustix::{
    process::{Resource, Rlimit, setrlimit},
    thread::{UnshareFlags, unshare_unsafe},
};
use std::{
    io::{Read, Write},
    path::Path,
    process::{ExitCode, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};
use wasmtime::Engine;

/// Most seconds of computing, of all threads together, whatever limit the parent keeps.
const LARGEST_CPU: u64 = 600;
/// Most bytes of address space: the pool's reservation is not used while compiling.
const MEMORY: u64 = 8 << 30;

/// Compiles a component in a child process without network or credentials.
pub(crate) async fn in_child(
    program: &Path,
    component: &[u8],
    limit: Duration,
) -> Result<Vec<u8>, String> {
    let mut child = Command::new(program)
        .arg("compile-plugin")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("cannot start the compiler: {error}"))?;
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) = (stdin, stdout, stderr) else {
        return Err("the compiler has no pipes".into());
    };
    let work = async {
        let mut code = Vec::new();
        let mut message = String::new();
        let feed = async {
            let _ = stdin.write_all(component).await;
            drop(stdin);
        };
        let (_, read, _) =
            tokio::join!(feed, stdout.read_to_end(&mut code), stderr.read_to_string(&mut message));
        read.map_err(|error| error.to_string())?;
        let status = child.wait().await.map_err(|error| error.to_string())?;
        if status.success() {
            Ok(code)
        } else {
            Err(format!("it does not compile: {} ({status})", message.trim()))
        }
    };
    let done = timeout(limit, work).await;
    done.unwrap_or_else(|_| {
        Err(format!("it does not compile within {} ms (limit `compile-ms`)", limit.as_millis()))
    })
}

/// Runs the child: reads a component from standard input, and writes its code to standard output.
#[must_use]
pub fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    // Without the right to a network of its own, a user namespace gives it. Without either, the compiler still
    // has no credential to send anywhere.
    // SAFETY: this process has one thread, and no file descriptor but its three pipes.
    let alone = unsafe { unshare_unsafe(UnshareFlags::NEWNET) };
    if alone.is_err() {
        // SAFETY: as above.
        let _ = unsafe { unshare_unsafe(UnshareFlags::NEWUSER | UnshareFlags::NEWNET) };
    }
    for (resource, limit) in [
        (Resource::As, MEMORY),
        (Resource::Cpu, LARGEST_CPU),
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(limit), maximum: Some(limit) })?;
    }
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component)?;
    let mut config = crate::engine::config()?;
    // Reserving the pool would exceed the address space. The code is the same without the pool.
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::OnDemand);
    let code = Engine::new(&config)?.precompile_component(&component)?;
    std::io::stdout().write_all(&code)?;
    Ok(())
}
