//! Apps that are a script.

use crate::answer::{DEBIAN, is_another_language_s, plan};
use windlass_plugin_sdk::{App, Found, StageExt, score, stage};

/// Returns the plan of `start.sh` or `run.sh`, where the folder has no manifest of another language.
///
/// # Errors
/// The script cannot be read.
pub(crate) fn app(app: &App<'_>) -> Found {
    for name in ["start.sh", "run.sh"] {
        let Some(file) = app.read(name)? else { continue };
        if is_another_language_s(app) {
            return Ok(None);
        }
        let first = file.text.lines().next().unwrap_or_default();
        let is_bash = first.starts_with("#!") && first.contains("bash");
        let interpreter = if is_bash { "bash" } else { "sh" };
        let evidence = format!("{}:1: a script of {interpreter}", file.path);
        let start = vec![interpreter.to_owned(), name.to_owned()];
        let mut detection = plan(app, "shell", score::INFERRED, evidence, start);
        detection.image.stages = vec![stage("run", DEBIAN).copy(&["."], "./")];
        return Ok(Some(detection));
    }
    Ok(None)
}
