//! Jobs that were just accepted.

use crate::{
    args::Args, client::Client, failure::Failure, json, out, render::Detail, show, watch::follow,
};
use std::process::ExitCode;
use windlass_proto::v1;

/// Shows an accepted job, and watches it unless `detach`.
pub(crate) async fn submitted(
    client: &mut Client,
    args: &Args,
    job: v1::Job,
    detach: bool,
    detail: Detail,
) -> Result<ExitCode, Failure> {
    let text = format!("job {} of {}", job.id, show::app(job.app.as_ref()));
    out::text(args, &text, &json::value(&job))?;
    if detach {
        return Ok(ExitCode::SUCCESS);
    }
    follow(client, args, job, 0, detail).await
}

/// Returns the id of a request.
pub(crate) fn new_id() -> String {
    uuid::Uuid::now_v7().to_string()
}
