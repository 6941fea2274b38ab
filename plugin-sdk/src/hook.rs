//! Helpers for hooks: the command that operator and app configure, and short ways to write steps.

use crate::{Action, ActionResult, Batch, Context, Done, Error, HookStep, invalid};
use serde_json::Value;

/// A command, as operator and app configure it.
pub struct HookCommand {
    /// The command with its arguments. `None` means that neither operator nor app names one.
    pub command: Option<Vec<String>>,
    /// Time limit of the command in milliseconds. 0 means the host's default.
    pub timeout_ms: u32,
    /// At most once: a command that may have run before a restart is reported as failed, not repeated.
    pub once: bool,
}

/// Reads `command`, `timeout-seconds` and `once`. The app's settings take precedence over the operator's.
///
/// # Errors
/// Names the key and the value in the app's settings that are not valid. The operator's were checked by the schema.
pub fn command(context: &Context) -> Result<HookCommand, Error> {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap_or_default();
    let settings = read(&context.settings);
    // WIT 0.1 has `said` for the app's settings.
    let app_settings = read(&context.said);
    const KNOWN: [&str; 3] = ["command", "timeout-seconds", "once"];
    let unknown = app_settings
        .as_object()
        .and_then(|object| object.keys().find(|key| !KNOWN.contains(&&***key)).cloned());
    if let Some(key) = unknown {
        let hint = "set `command`, `timeout-seconds` or `once`";
        return Err(invalid(format!("the app's `windlass.toml` sets `{key}` for this hook"), hint));
    }
    let of = |key: &str| app_settings.get(key).or_else(|| settings.get(key));
    let command = match of("command") {
        None => None,
        Some(Value::Array(argv)) if !argv.is_empty() && argv.iter().all(Value::is_string) => {
            Some(argv.iter().filter_map(|text| text.as_str().map(str::to_owned)).collect())
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
            "set the number of seconds that it may take",
        )
    })?;
    let timeout_ms = u32::try_from(seconds * 1000).unwrap_or_default();
    let once = of("once").and_then(Value::as_bool).unwrap_or_default();
    Ok(HookCommand { command, timeout_ms, once })
}

/// Returns a step that has the host run these actions, then ask again with this state.
#[must_use]
pub fn act(actions: Vec<Action>, state: Vec<u8>) -> HookStep {
    HookStep::Run(Batch { actions, state })
}

/// Returns the end of a hook that succeeded.
#[must_use]
pub fn fine(message: &str) -> HookStep {
    done(true, message.into())
}

/// Returns the end of a hook that failed.
#[must_use]
pub fn failed(message: String) -> HookStep {
    done(false, message)
}

fn done(ok: bool, message: String) -> HookStep {
    HookStep::Done(Done { ok, message, request_rollback: false, attrs: Vec::new() })
}

/// Returns the end of a hook of one command, which `what` names.
#[must_use]
pub fn ended(what: &str, results: &[ActionResult]) -> HookStep {
    let why = match results.first() {
        Some(ActionResult::Exited(exited)) if exited.code == 0 => {
            return fine(&format!("{what} succeeded"));
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
