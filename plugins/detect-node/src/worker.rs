//! Procfiles of one worker and nothing that serves: a bot, a queue.

use crate::{
    command::{LANGUAGE, Start, from, process},
    said::checked,
};
use windlass_plugin_sdk::{
    App, Refusal,
    js::{Framework, Package},
    procfile::Line,
};

/// Returns the start of the only process. `None` means that there is none of Node, or one of several.
pub(crate) fn only(
    app: &App<'_>,
    package: &Package,
    framework: Option<&Framework>,
    lines: &[Line],
) -> Option<Result<Start, Refusal>> {
    let mut workers = lines.iter().filter(|line| line.name != "release");
    let line = workers.next().filter(|line| line.language() == Some(LANGUAGE))?;
    if workers.next().is_some() {
        return None;
    }
    let source = format!("{}:{} {}", app.at("Procfile"), line.line, line.name);
    let argv = process(package, &line.command);
    Some(checked(app, package, framework, from(argv, source)))
}
