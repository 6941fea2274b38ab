//! Order of starts: a framework's own entry, a server, a script.

use crate::{django, script, start::Start, web};
use windlass_plugin_sdk::{
    App, Refusal,
    python::{Kind, Project},
    score,
};

/// Returns how the app starts.
///
/// # Errors
/// Names what is missing: a server, or a start.
pub(crate) fn start(app: &App<'_>, project: &Project, root: &str) -> Result<Start, Refusal> {
    let serving = |start: Start| Start { serves: true, ..start };
    if let Some(start) = django::find(app, project)? {
        return Ok(serving(start));
    }
    // An app of Streamlit beside an API without a server is still an app.
    let refusal = match web::find(app, project, root) {
        Ok(Some(start)) => return Ok(serving(start)),
        Ok(None) => None,
        Err(refusal) => Some(refusal),
    };
    if let Some(start) = script::tool(app, project) {
        return Ok(serving(start));
    }
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    let found = script::server(app)
        .map(serving)
        .or_else(|| script::console(project))
        .or_else(|| script::package(app, project, root))
        .or_else(|| script::script(app));
    match found {
        Some(start) => Ok(start),
        None => Err(nothing(app, project)),
    }
}

fn nothing(app: &App<'_>, project: &Project) -> Refusal {
    let settings_only = matches!(project.manager.kind, Kind::Nothing);
    let score = if settings_only { score::TOOLS } else { score::INFERRED };
    let source = &project.manager.source;
    let reason = format!("{source}: a Python app, but nothing says how to start it");
    let hint = "add a main.py, or a Procfile with a `web:` line";
    let refusal = app.refused("python", score, reason, hint);
    match app.glob(&["*.ipynb", "*/*.ipynb"], 1).first() {
        Some(file) => refusal.because(format!("{file}: a notebook serves nothing")),
        None => refusal.because(format!("{}: dependencies of Python", project.manager.source)),
    }
}
