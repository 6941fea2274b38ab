//! A child that confines itself and reports what this kernel enforces.

use crate::{
    begin::begin,
    calls::SystemCalls,
    confine::confine,
    confinement::Confinement,
    end::exit_code,
    enforced::Enforced,
    start::{child, start},
};
use std::{io::Write, path::Path, process::ExitCode, process::Stdio, time::Duration};
use tokio::time::timeout;

/// Time in which the child answers. It does nothing else.
const LIMIT: Duration = Duration::from_secs(10);

/// Asks a child, which is `program` in a role, what this kernel enforces.
///
/// # Errors
/// The reason why there is no answer, in a sentence.
pub async fn probe(program: &Path, role: &str) -> Result<Enforced, String> {
    let mut command = child(program, role);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let answer = async {
        let child = start(command).await.map_err(|error| format!("cannot be started: {error}"))?;
        let output = child.wait_with_output().await.map_err(|error| error.to_string())?;
        serde_json::from_slice(&output.stdout).map_err(|_| {
            let message = String::from_utf8_lossy(&output.stderr);
            format!("{}: {}", output.status, message.trim())
        })
    };
    let answer = timeout(LIMIT, answer).await;
    let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {} s", LIMIT.as_secs())));
    answer.map_err(|why| format!("a child cannot confine itself: {why}"))
}

/// Runs the child: confines itself as a checkout does, and writes what is enforced to standard output.
#[must_use]
pub fn main() -> ExitCode {
    exit_code(run())
}

fn run() -> Result<(), Box<dyn std::error::Error>> {
    begin(&[])?;
    let enforced = confine(&Confinement {
        readable: Vec::new(),
        writable: Vec::new(),
        memory: 1 << 30,
        cpu_seconds: 10,
        file_bytes: 0,
        open_files: 64,
        calls: SystemCalls::Files,
    })?;
    let mut output = std::io::stdout();
    serde_json::to_writer(&mut output, &enforced)?;
    Ok(output.flush()?)
}
