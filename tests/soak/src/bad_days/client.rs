//! The client, for threads that do not own the daemon.

use super::parts::Parts;
use serde_json::Value;
use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
};
use windlass_bed::{Result, build};

/// The client `windlass`, connected to the daemon.
#[derive(Clone)]
pub(crate) struct Client {
    program: PathBuf,
    address: String,
}

/// Output of the client.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) text: String,
}

impl Client {
    pub(crate) fn of(parts: &Parts) -> Result<Self> {
        let program = build::programs()?.join("windlass");
        Ok(Self { program, address: parts.daemon.address() })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env("WINDLASS_ADDRESS", &self.address).args(["--output", "json"]).args(args);
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Result<Answer> {
        let output = self.command(args).output()?;
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        Ok(Answer { code: output.status.code().unwrap_or(-1), text })
    }

    /// Starts a client whose output nobody reads.
    pub(crate) fn unread(&self, args: &[&str]) -> Result<Child> {
        Ok(self.command(args).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?)
    }

    /// Returns a job. `None` means that the daemon does not answer.
    pub(crate) fn job(&self, id: &str) -> Result<Option<Value>> {
        let answer = self.run(&["show", id])?;
        Ok((answer.code == 0).then(|| serde_json::from_str(answer.text.trim()).unwrap_or_default()))
    }

    /// Returns all events of a job.
    pub(crate) fn events(&self, id: &str) -> Result<Vec<Value>> {
        let answer = self.run(&["show", id, "--events"])?;
        let lines = answer.text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(lines.filter(|value| value.get("seq").is_some_and(Value::is_u64)).collect())
    }
}
