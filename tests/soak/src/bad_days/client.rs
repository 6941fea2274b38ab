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
        Ok(shown(&self.run(&["show", id])?))
    }

    /// Returns all events of a job.
    pub(crate) fn events(&self, id: &str) -> Result<Vec<Value>> {
        let answer = self.run(&["show", id, "--events"])?;
        let lines = answer.text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        Ok(lines.filter(|value| value.get("seq").is_some_and(Value::is_u64)).collect())
    }
}

/// Returns the job that `windlass show` printed. Its exit code is 1 where the job has failed or was stopped.
fn shown(answer: &Answer) -> Option<Value> {
    if !matches!(answer.code, 0 | 1) {
        return None;
    }
    answer.text.lines().find_map(|line| serde_json::from_str(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_failed_is_shown_too() {
        let text = "{\"id\":\"1\",\"state\":\"failed\"}\n".to_owned();
        let state = |code| {
            let job = shown(&Answer { code, text: text.clone() })?;
            Some(job.get("state")?.as_str()?.to_owned())
        };
        assert_eq!((state(0), state(1)), (Some("failed".into()), Some("failed".into())));
        assert_eq!(state(3), None, "no answer");
    }
}
