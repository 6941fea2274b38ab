//! Helpers for hooks: the command that operator and app configure, and steps in fewer words.

use crate::{Action, ActionResult, Batch, Context, Done, Error, HookStep, invalid};
use serde_json::Value;

/// A command, as operator and app configure it.
pub struct Words {
    /// argv. `None` means that neither of them names one.
    pub command: Option<Vec<String>>,
    /// Time limit of the command. 0 means the host's default.
    pub timeout_ms: u32,
    /// At most once: a command that may have run before a restart is not repeated.
    pub once: bool,
}

/// The operator's settings, and the app's words over them: `command`, `timeout-seconds`, `once`.
///
/// # Errors
/// What the app says and cannot be; the operator's settings were checked by their schema.
pub fn words(context: &Context) -> Result<Words, Error> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let settings = read(&context.settings);
    let said = read(&context.said);
    const KNOWN: [&str; 3] = ["command", "timeout-seconds", "once"];
    let unknown = said
        .as_object()
        .and_then(|said| said.keys().find(|key| !KNOWN.contains(&&***key)).cloned());
    if let Some(key) = unknown {
        let hint = "say `command`, `timeout-seconds` or `once`";
        return Err(invalid(format!("the app's `windlass.toml` says `{key}` of this hook"), hint));
    }
    let of = |key: &str| said.get(key).or_else(|| settings.get(key));
    let command = match of("command") {
        None => None,
        Some(Value::Array(words)) if !words.is_empty() && words.iter().all(Value::is_string) => {
            Some(words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect())
        }
        Some(other) => {
            let hint = "write it as a list of words: command = [\"./migrate\", \"--all\"]";
            return Err(invalid(format!("`command` is {other}"), hint));
        }
    };
    let seconds = of("timeout-seconds").map_or(Some(0), Value::as_u64);
    let seconds = seconds.filter(|seconds| *seconds <= 3600).ok_or_else(|| {
        invalid(
            "`timeout-seconds` is no number up to 3600".into(),
            "say how many seconds it may take",
        )
    })?;
    let timeout_ms = u32::try_from(seconds * 1000).unwrap_or_default();
    let once = of("once").and_then(Value::as_bool).unwrap_or_default();
    Ok(Words { command, timeout_ms, once })
}

/// Have these done, then ask again with this state.
#[must_use]
pub fn act(actions: Vec<Action>, state: Vec<u8>) -> HookStep {
    HookStep::Run(Batch { actions, state })
}

/// It is over, and went well.
#[must_use]
pub fn fine(message: &str) -> HookStep {
    done(true, message.into())
}

/// It is over, and did not go well.
#[must_use]
pub fn failed(message: String) -> HookStep {
    done(false, message)
}

fn done(ok: bool, message: String) -> HookStep {
    HookStep::Done(Done { ok, message, request_rollback: false, attrs: Vec::new() })
}

/// Returns the end of a hook of one command.
#[must_use]
pub fn ended(what: &str, results: &[ActionResult]) -> HookStep {
    let why = match results.first() {
        Some(ActionResult::Exited(exited)) if exited.code == 0 => {
            return fine(&format!("{what} went well"));
        }
        Some(ActionResult::Exited(exited)) => {
            format!("{what} exited with {}\n{}", exited.code, exited.output.trim_end())
        }
        Some(ActionResult::TimedOut) => format!("{what} did not end in time"),
        Some(ActionResult::Denied(why)) => format!("{what} was denied: {why}"),
        Some(ActionResult::Failed(why)) => format!("{what} could not be run: {why}"),
        Some(ActionResult::Waited) | None => format!("{what} gave no result"),
    };
    failed(why)
}
