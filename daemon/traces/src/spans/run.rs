//! The span of the whole run.

use super::draft::{End, cut};
use crate::{
    ids::Ids,
    otlp::{Attribute, Note, OF_CALLER, OF_OWN_PARENT, SERVER, Span},
};
use windlass_model::{
    app::App,
    job::{Job, Source},
    outcome::Outcome,
};

/// Word by which the id of the run's span is made.
pub(super) const RUN: &str = "run";

/// Returns the span of a run that ended at `end_ms`.
pub(super) fn span(
    job: &Job,
    outcome: &Outcome,
    ids: &Ids,
    end_ms: u64,
    notes: Vec<Note>,
    left_out: u64,
) -> Span {
    let end = End::of(outcome);
    let mut attributes = attributes(job);
    attributes.push(Attribute::text("cicd.pipeline.result", end.result()));
    if let Outcome::Succeeded(release) = outcome {
        let digest = release.image.digest.clone();
        attributes.push(Attribute::text("oci.manifest.digest", digest));
    }
    if left_out > 0 {
        attributes.push(Attribute::number("windlass.spans.left_out", left_out));
    }
    let status = end.close(&mut attributes);
    let flags = if ids.caller.is_empty() { OF_OWN_PARENT } else { OF_CALLER };
    Span {
        trace_id: ids.trace.clone(),
        span_id: ids.span(RUN),
        parent_span_id: ids.caller.clone(),
        flags,
        name: format!("RUN {}", pipeline(&job.app)),
        kind: SERVER,
        start_ms: job.created_ms,
        end_ms: end_ms.max(job.created_ms),
        attributes,
        notes,
        status,
    }
}

/// Returns the name of an app's pipeline: the same in all environments.
fn pipeline(app: &App) -> String {
    format!("{}/{}", app.project, app.name)
}

fn attributes(job: &Job) -> Vec<Attribute> {
    let mut all = vec![
        Attribute::text("cicd.pipeline.name", pipeline(&job.app)),
        Attribute::text("cicd.pipeline.run.id", job.id.clone()),
        Attribute::text("cicd.pipeline.action.name", "RUN"),
        Attribute::text("deployment.environment.name", job.app.environment.clone()),
        Attribute::texts("windlass.clusters", &job.clusters.names),
        Attribute::text("windlass.principal", cut(&job.principal)),
    ];
    match &job.source {
        Source::Commit(commit) => {
            // By the conventions without the end that only git needs.
            let url = commit.repository.trim_end_matches(".git");
            all.push(Attribute::text("vcs.repository.url.full", cut(url)));
            all.push(Attribute::text("vcs.ref.head.revision", commit.id.clone()));
            let names = [&commit.revision, &commit.branch];
            if let Some(name) = names.into_iter().find(|name| !name.is_empty()) {
                all.push(Attribute::text("vcs.ref.head.name", cut(name)));
            }
        }
        Source::Release(release) => {
            all.push(Attribute::text("vcs.ref.head.revision", release.commit.clone()));
            all.push(Attribute::text("windlass.rollback.to", release.id.clone()));
        }
        Source::Contract(release) => {
            all.push(Attribute::text("vcs.ref.head.revision", release.commit.clone()));
            all.push(Attribute::text("windlass.contract.of", release.id.clone()));
        }
        Source::Removal(removal) => {
            all.push(Attribute::flag("windlass.removal.data", removal.data));
        }
    }
    all
}
