//! Start, readiness and end of programs. No child outlives the thread that started it.

use crate::Result;
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

/// A part of the bed that runs.
pub struct Running {
    /// Name of the part, as in `bed logs`.
    pub name: &'static str,
    child: Child,
}

/// Starts a part. The part's output goes to `log`. The kernel kills the part with the thread that started it
/// (`PR_SET_PDEATHSIG`, set by util-linux's `setpriv`, so that no unsafe code is needed here).
pub fn start<S: AsRef<OsStr>>(
    name: &'static str,
    log: &Path,
    program: &Path,
    args: impl IntoIterator<Item = S>,
) -> Result<Running> {
    let mut command = Command::new(program);
    command.args(args);
    start_command(name, log, ending_with_us(&command, "KILL"))
}

/// Returns the same command, which gets `signal` when the thread that starts it ends. A command that takes
/// minutes does not go on after a failure elsewhere or Ctrl-C.
#[must_use]
pub fn ending_with_us(command: &Command, signal: &str) -> Command {
    let mut bound = Command::new("setpriv");
    bound.args(["--pdeathsig", signal, "--"]).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => bound.env(name, value),
            None => bound.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        bound.current_dir(folder);
    }
    // A command does not show its standard input. None of these commands reads from a terminal.
    bound.stdin(Stdio::null());
    bound
}

/// Starts a part with an environment or a folder of its own. The part's output goes to `log`.
pub fn start_command(name: &'static str, log: &Path, mut command: Command) -> Result<Running> {
    if let Some(folder) = log.parent() {
        fs::create_dir_all(folder)?;
    }
    let out = File::create(log)?;
    let child = command
        .stdin(Stdio::null())
        .stdout(out.try_clone()?)
        .stderr(out)
        .spawn()
        .map_err(|error| format!("cannot start {name}: {error}"))?;
    Ok(Running { name, child })
}

impl Running {
    /// Returns the process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Returns the exit status as text. `None` means that the part still runs.
    pub fn ended(&mut self) -> Option<String> {
        self.child.try_wait().ok().flatten().map(|status| status.to_string())
    }

    /// Kills the part, and waits for its end.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Fields of `/proc/<id>/stat` from the state on. Empty means that there is no such process.
fn stat(id: u32) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name before it may hold anything.
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    fields.split_whitespace().map(str::to_owned).collect()
}

/// Returns the ids of a process's children that have `word` as an argument.
#[must_use]
pub fn children_of(parent: u32, word: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let is_child = |id: &u32| {
        let arguments = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        let has_word = arguments.split(|byte| *byte == 0).any(|own| own == word.as_bytes());
        has_word && stat(*id).get(1).is_some_and(|own| *own == parent.to_string())
    };
    ids.filter(is_child).collect()
}

/// Returns whether a process has ended. One that nobody has waited for has ended, too.
#[must_use]
pub fn has_ended(id: u32) -> bool {
    stat(id).first().is_none_or(|state| matches!(&**state, "Z" | "X"))
}

/// Returns the time that a process has computed, in ticks of 10 ms.
#[must_use]
pub fn computed(id: u32) -> u64 {
    let fields = stat(id);
    let own = fields.iter().skip(11).take(2);
    own.filter_map(|ticks| ticks.parse::<u64>().ok()).sum()
}

/// Waits until `is_so` returns true, and returns whether it did within `limit`. For what the kernel reports to
/// nobody, such as the end of another's child.
pub fn await_that(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let started = Instant::now();
    while !is_so() {
        if started.elapsed() > limit {
            return false;
        }
        sleep(Duration::from_millis(20));
    }
    true
}

/// Runs a command to its end, and returns its standard output. The error quotes the last lines of its standard
/// error.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        let tail: Vec<_> = text.trim().lines().rev().take(40).collect();
        let tail: Vec<_> = tail.into_iter().rev().collect();
        return Err(format!("{command:?}: {}\n{}", output.status, tail.join("\n")).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs `program args…`, split at blanks. An argument cannot contain a blank.
pub fn sh(line: &str) -> Result<String> {
    let mut arguments = line.split_whitespace();
    let program = arguments.next().ok_or("an empty command")?;
    run(Command::new(program).args(arguments))
}

/// Waits until `ready` returns true, which is asked every 50 ms: parts of the bed report no event when they are
/// ready.
///
/// # Errors
/// The part ended, or was not ready within `limit`. The error quotes the end of the part's log.
pub fn await_ready(
    part: &mut Running,
    log: &Path,
    limit: Duration,
    mut ready: impl FnMut() -> bool,
) -> Result<()> {
    let started = Instant::now();
    while !ready() {
        let why = match part.ended() {
            Some(status) => format!("ended: {status}"),
            None if started.elapsed() > limit => format!("not ready after {limit:?}"),
            None => {
                sleep(Duration::from_millis(50));
                continue;
            }
        };
        return Err(format!("{} {why}\n{}", part.name, tail(log, 15)).into());
    }
    Ok(())
}

/// Returns the last lines of a file. A file that cannot be read is empty.
#[must_use]
pub fn tail(path: &Path, lines: usize) -> String {
    let mut text = String::new();
    if let Ok(mut file) = File::open(path) {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(64 << 10)));
        let mut bytes = Vec::new();
        let _ = file.read_to_end(&mut bytes);
        text = String::from_utf8_lossy(&bytes).into_owned();
    }
    let all: Vec<_> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// Returns whether something listens at `host:port`.
#[must_use]
pub fn listens(host: &str, port: u16) -> bool {
    let address = format!("{host}:{port}");
    address.parse().is_ok_and(|address| {
        std::net::TcpStream::connect_timeout(&address, Duration::from_millis(300)).is_ok()
    })
}
