//! Compiling in a child process: 170 KB of hostile code can keep a compiler busy for minutes.

use std::{
    io::{Read, Write},
    path::Path,
    process::{ExitCode, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    time::timeout,
};
use wasmtime::Engine;
use windlass_confine::{Confinement, SystemCalls};

/// Most seconds of computing, of all threads together, whatever limit the parent keeps.
const LARGEST_CPU: u64 = 600;
/// Most bytes of address space: the pool's reservation is not used while compiling.
const MEMORY: u64 = 8 << 30;

/// Most bytes of code, and most of an error, that the compiler may write.
const LARGEST_CODE: u64 = 512 << 20;
const LONGEST_ERROR: u64 = 64 << 10;

/// Descriptors that may be open at once.
const OPEN_FILES: u64 = 64;

/// Compiles a component in a child process without files, network or credentials.
pub(crate) async fn in_child(
    program: &Path,
    component: &[u8],
    limit: Duration,
) -> Result<Vec<u8>, String> {
    let mut command = windlass_confine::child(program, "compile-plugin");
    command.current_dir("/").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = windlass_confine::start(command).await;
    let mut child = child.map_err(|error| format!("cannot start the compiler: {error}"))?;
    let stdin = child.stdin.take();
    let stdout = child.stdout.take();
    let stderr = child.stderr.take();
    let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err("the compiler has no pipes".into());
    };
    let work = async {
        let feed = async {
            let _ = stdin.write_all(component).await;
            drop(stdin);
        };
        let (_, code, message) =
            tokio::join!(feed, all(stdout, LARGEST_CODE + 1), all(stderr, LONGEST_ERROR));
        let code = code.map_err(|error| error.to_string())?;
        if code.len() as u64 > LARGEST_CODE {
            return Err(format!("its code has more than {LARGEST_CODE} bytes"));
        }
        let status = child.wait().await.map_err(|error| error.to_string())?;
        if status.success() {
            Ok(code)
        } else {
            let message = message.unwrap_or_default();
            let message = String::from_utf8_lossy(&message);
            Err(format!("it does not compile: {} ({status})", message.trim()))
        }
    };
    let done = timeout(limit, work).await;
    done.unwrap_or_else(|_| {
        Err(format!("it does not compile within {} ms (limit `compile-ms`)", limit.as_millis()))
    })
}

/// Reads a pipe, at most so many bytes, and closes it: a child that writes more fails, and does not wait.
async fn all(pipe: impl AsyncRead + Unpin, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.take(most).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// Runs the child: reads a component from standard input, and writes its code to standard output.
#[must_use]
pub fn main() -> ExitCode {
    windlass_confine::exit_code(run())
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    windlass_confine::begin(&[])?;
    windlass_confine::confine(&Confinement {
        readable: Vec::new(),
        writable: Vec::new(),
        memory: MEMORY,
        cpu_seconds: LARGEST_CPU,
        file_bytes: 0,
        open_files: OPEN_FILES,
        // It starts threads, which `Compute` forbids, and makes no memory executable: the daemon does.
        calls: SystemCalls::Files,
    })?;
    let mut component = Vec::new();
    std::io::stdin().read_to_end(&mut component)?;
    let mut config = crate::engine::config()?;
    // Reserving the pool would exceed the address space. The code is the same without the pool.
    config.allocation_strategy(wasmtime::InstanceAllocationStrategy::OnDemand);
    let code = Engine::new(&config)?.precompile_component(&component)?;
    std::io::stdout().write_all(&code)?;
    Ok(())
}
