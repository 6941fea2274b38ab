//! Runs a hook's actions: a `Job` of the new image, or a command in one of its pods.

use super::{
    job::{self, Begun, HookJob, LOCK},
    seen::{self, Seen},
    wait::{self, End},
};
use crate::{
    apply::server_side,
    client::{Client, limited},
    observe::{evidence, is_ready, list},
    render::workload_name,
};
use k8s_openapi::api::{batch::v1::Job, core::v1::Pod};
use kube::api::{AttachParams, LogParams};
use serde_json::json;
use std::time::Duration;
use tokio::{io::AsyncReadExt, time::timeout};
use windlass_engine::{ports::JobEnd, recorder::Recorder};
use windlass_model::{
    error::ClusterError,
    hook::ActionResult,
    job::{Release, Stage},
};
use windlass_rollout::report::report;

/// Bytes of a command's output that are kept: its end, which is masked and cut again before it is recorded.
const OUTPUT: usize = 64 << 10;

/// Bytes of a Job's log that are read: those of its last lines that come first.
const READ: usize = 1 << 20;

/// Time that we wait beyond an action's own limit, which the cluster enforces.
const GRACE: Duration = Duration::from_secs(60);

/// Runs a command as a Job, and waits for the end of that Job. The same `key` means the same Job.
pub(crate) async fn run_job(
    client: &Client,
    release: &Release,
    wanted: &HookJob<'_>,
    recorder: &Recorder,
) -> Result<ActionResult, ClusterError> {
    let name = job::name(release, wanted.hook, wanted.key);
    let api = client.api::<Job>(&release.app.namespace());
    // A Job that exists stays as it was made: its template cannot change, and need not.
    if limited(api.get_opt(&name), "the hook's Job").await?.is_none() {
        server_side::apply(client, &job::manifest(release, &name, wanted)).await?;
    }
    let (source, timeout_ms) = (wanted.hook, wanted.timeout_ms);
    let begun = Begun { name: &name, source, stage: Stage::Hooks, timeout_ms };
    Ok(end(client, release, &begun, recorder).await?.result)
}

/// Waits for the end of a Job, and returns it as the result of an action.
pub(super) async fn end(
    client: &Client,
    release: &Release,
    begun: &Begun<'_>,
    recorder: &Recorder,
) -> Result<JobEnd, ClusterError> {
    let namespace = release.app.namespace();
    let name = begun.name;
    let limit = Duration::from_millis(begun.timeout_ms.into()) + GRACE;
    let ended = wait::wait(client, release, begun, recorder);
    let (end, observed, before) = match timeout(limit, ended).await {
        Ok(ended) => ended?,
        // The watch may have missed the end: the state of now counts.
        Err(_) => {
            let observed = wait::look(client, &namespace, name).await?;
            let late = || format!("it had not ended {} s after its time was up", GRACE.as_secs());
            let end = wait::end_of(&observed, Seen::Nothing);
            (end.unwrap_or_else(|| End::Stuck(late())), observed, Seen::Nothing)
        }
    };
    let may_have_run = seen::may_have_run(&observed, before);
    let pod = wait::pod(&observed).and_then(|pod| pod.metadata.name.as_deref());
    match end {
        End::Exited(code) => {
            let output = log(client, &namespace, pod.unwrap_or_default()).await;
            Ok(JobEnd::ran(ActionResult::Exited { code, output }))
        }
        End::TimedOut => Ok(JobEnd::ran(ActionResult::TimedOut)),
        End::NeverRan => {
            let why = "it never ran: its time was up before".into();
            Ok(JobEnd::never_ran(ActionResult::Failed(why)))
        }
        End::Disrupted(text) => {
            // Its node may still be there, with what the command printed until then.
            if let Some(pod) = pod {
                for line in log(client, &namespace, pod).await.lines() {
                    recorder.log_line(begun.stage, begun.source, line).await;
                }
            }
            // A node that is lost does not report any more whether the command began.
            let taken =
                "its pod was taken from its node, which was emptied, lost or needed for others";
            let why = format!("{taken}: {text}");
            Ok(JobEnd::ran(ActionResult::Failed(why)))
        }
        End::Hopeless(finding) => {
            // The evidence is read before anything is undone.
            let evidence = evidence::quoted(client, &namespace, &observed).await;
            let diagnosis = report(&finding, release, evidence);
            let has_ended = wait::end_of(&observed, before).is_some();
            let has_begun = !has_ended && stopped_late(client, release, name).await?;
            let result = ActionResult::Hopeless(Box::new(diagnosis));
            Ok(JobEnd { result, may_have_run: may_have_run || has_begun })
        }
        End::Stuck(why) => {
            let has_begun = stopped_late(client, release, name).await?;
            let result = ActionResult::Failed(why);
            Ok(JobEnd { result, may_have_run: may_have_run || has_begun })
        }
    }
}

/// Stops a Job, and returns whether its command may have begun just before.
async fn stopped_late(
    client: &Client,
    release: &Release,
    name: &str,
) -> Result<bool, ClusterError> {
    stop(client, release, name).await?;
    let looked = wait::look(client, &release.app.namespace(), name).await;
    Ok(looked.map_or(true, |observed| seen::seen(&observed) == Seen::Ran))
}

/// Suspends a Job, so that it does not begin after its hook got the failure. The Job is kept, so that a restart
/// in between does not make it again. It gives back the lock of its migration.
pub(super) async fn stop(
    client: &Client,
    release: &Release,
    name: &str,
) -> Result<(), ClusterError> {
    let head = job::head(release, name);
    let stopped = json!({ "metadata": { "labels": { LOCK: null } }, "spec": { "suspend": true } });
    client.merge(&head, &stopped).await
}

/// Runs a command in one ready pod of the release.
pub(crate) async fn exec(
    client: &Client,
    release: &Release,
    command: &[String],
    timeout_ms: u32,
    once: bool,
) -> Result<ActionResult, ClusterError> {
    let namespace = release.app.namespace();
    let Some(pod) = ready_pod(client, release).await? else {
        return Ok(ActionResult::Failed("no pod of the release is ready".into()));
    };
    let params = AttachParams::default().stdin(false).stdout(true).stderr(true);
    let params = params.container(release.app.name.clone());
    let api = client.api::<Pod>(&namespace);
    let what = format!("a command in pod {pod}");
    let mut process = match limited(api.exec(&pod, command, &params), &what).await {
        // The command may have begun.
        Err(ClusterError::Unreachable { message } | ClusterError::NotYet { message, .. })
            if once =>
        {
            return Ok(ActionResult::Failed(format!("nobody knows whether it ran: {message}")));
        }
        begun => begun?,
    };
    let stdout = process.stdout();
    let stderr = process.stderr();
    let status = process.take_status();
    let work = async {
        let (out, err) = tokio::join!(tail(stdout), tail(stderr));
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        (String::from_utf8_lossy(&[out, err].concat()).into_owned(), status)
    };
    let Ok((output, status)) = timeout(Duration::from_millis(timeout_ms.into()), work).await else {
        return Ok(ActionResult::TimedOut);
    };
    // From here on nothing is tried again: the command may have run.
    Ok(match status {
        None => ActionResult::Failed("the connection broke; nobody knows how it ended".into()),
        Some(status) if status.status.as_deref() == Some("Success") => {
            ActionResult::Exited { code: 0, output }
        }
        Some(status) => {
            let causes = status.details.and_then(|details| details.causes).unwrap_or_default();
            let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
            let code = code.and_then(|cause| cause.message.as_ref()?.parse().ok());
            match code {
                Some(code) => ActionResult::Exited { code, output },
                None => ActionResult::Failed(status.message.unwrap_or_default()),
            }
        }
    })
}

/// Returns the end of a stream, and reads all of it, so that the command never waits for us.
async fn tail(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut piece = vec![0; 8 << 10];
    let Some(mut stream) = stream else { return kept };
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        kept.extend_from_slice(piece.get(..read).unwrap_or_default());
        let excess = kept.len().saturating_sub(OUTPUT);
        kept.drain(..excess);
    }
    kept
}

/// Finds a ready pod of the release: of `web`, or of the first process where there is no `web`.
async fn ready_pod(client: &Client, release: &Release) -> Result<Option<String>, ClusterError> {
    // A cluster that is away is not one without pods.
    client.check().await?;
    let observed = list(client, release).await;
    let first = release.runtime.web().or(release.runtime.processes.first());
    let workload = first.map(|process| workload_name(release, process)).unwrap_or_default();
    let mut ready: Vec<_> = observed
        .new_pods()
        .into_iter()
        .filter(|(pod, of)| *of == workload && is_ready(pod))
        .filter_map(|(pod, _)| pod.metadata.name.clone())
        .collect();
    // The same one each time, as long as it is there.
    ready.sort();
    Ok(ready.into_iter().next())
}

async fn log(client: &Client, namespace: &str, pod: &str) -> String {
    let limit_bytes = i64::try_from(READ).ok();
    let params = LogParams { limit_bytes, tail_lines: Some(200), ..LogParams::default() };
    let text = limited(client.api::<Pod>(namespace).logs(pod, &params), "log").await;
    whole_lines(&text.unwrap_or_default()).to_owned()
}

/// Returns the end of a log, without the parts of lines at which it was cut: a part of a secret would not be masked.
fn whole_lines(text: &str) -> &str {
    let is_cut = text.len() >= READ;
    let text = text.rsplit_once('\n').filter(|_| is_cut).map_or(text, |(lines, _)| lines);
    let from = text.len().saturating_sub(OUTPUT);
    let end = text.get(text.ceil_char_boundary(from)..).unwrap_or_default();
    end.split_once('\n').filter(|_| from > 0).map_or(end, |(_, lines)| lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_cut_between_lines() {
        assert_eq!(whole_lines("one\ntwo\n"), "one\ntwo\n");
        let line = format!("PASSWORD={}\n", "é".repeat(3000));
        let long = line.repeat(20);
        let end = whole_lines(&long);
        assert!(end.len() <= OUTPUT && end.len() > OUTPUT - line.len());
        assert!(end.lines().all(|one| one == line.trim_end()));
        // The API server leaves out what is beyond its limit.
        let full = format!("{}PASS", line.repeat(READ / line.len() + 1));
        let end = whole_lines(&full);
        assert!(!end.is_empty() && end.lines().all(|one| one == line.trim_end()));
        let only = "a".repeat(2 * OUTPUT);
        assert_eq!(whole_lines(&only).len(), OUTPUT, "a log of one line is not left out");
    }
}
